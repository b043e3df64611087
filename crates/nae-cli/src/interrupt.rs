//! Signals that ask the program to end: Ctrl-C (SIGINT), SIGTERM, and SIGHUP of a closing terminal.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use crate::console::error_line;
use anyhow::{Context, Result};
use nae_files::remove_pending_and_exit;
use nae_model::optim::Flow;

const SIGHUP: i32 = 1;
const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;

/// The first signal; 0: none came.
static SIGNAL: AtomicI32 = AtomicI32::new(0);

/// Whether work is running that looks for signals and stops by itself.
static STOPS_BY_ITSELF: AtomicBool = AtomicBool::new(false);

/// From now on a signal ends the program at once, with unfinished files removed; after
/// [`stop_gracefully`] the first one asks the work to stop, and only a second ends the program. To be
/// called before there are other threads.
pub fn catch_signals() -> Result<()> {
    system::on_signal(|signal| {
        let is_first = SIGNAL
            .compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst)
            .is_ok();
        if !is_first || !STOPS_BY_ITSELF.load(Ordering::SeqCst) {
            remove_pending_and_exit(128 + signal);
        }
    })
    .context("cannot catch Ctrl-C")
}

/// From now on the first signal asks the work to stop: the caller checks [`flow`] or
/// [`is_interrupted`] every few seconds.
pub fn stop_gracefully() {
    STOPS_BY_ITSELF.store(true, Ordering::SeqCst);
}

/// Whether a signal came.
pub fn is_interrupted() -> bool {
    SIGNAL.load(Ordering::SeqCst) != 0
}

/// [`Flow::Stop`] once a signal came.
pub fn flow() -> Flow {
    if is_interrupted() {
        Flow::Stop
    } else {
        Flow::Continue
    }
}

/// Fails once a signal came.
///
/// - `kept`: what became of the work so far
pub fn bail_if_interrupted(kept: &str) -> Result<()> {
    match is_interrupted() {
        true => Err(Interrupted::new(kept).into()),
        false => Ok(()),
    }
}

/// The outcome of a training whose result is in place.
///
/// - `logged`: whether its log was written
/// - `stopped`: what became of the work so far, if a signal has stopped it
pub fn conclude(logged: Result<()>, stopped: Option<String>) -> Result<()> {
    let Some(kept) = stopped else {
        return logged;
    };
    if let Err(error) = logged {
        error_line(format_args!("nae: {error:#}"));
    }
    Err(Interrupted::new(kept).into())
}

/// The error of work that a signal has stopped.
#[derive(Debug)]
pub struct Interrupted {
    signal: i32,
    kept: String,
}

impl Interrupted {
    /// Of work stopped by the signal that came.
    ///
    /// - `kept`: what became of the work so far
    pub fn new(kept: impl Into<String>) -> Self {
        Self {
            signal: SIGNAL.load(Ordering::SeqCst),
            kept: kept.into(),
        }
    }

    /// Exit status by the convention of shells: 130 for Ctrl-C, 143 for SIGTERM.
    pub fn status(&self) -> u8 {
        u8::try_from(128 + self.signal).unwrap_or(u8::MAX)
    }
}

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cause = match self.signal {
            SIGINT => "Ctrl-C",
            SIGTERM => "SIGTERM",
            SIGHUP => "SIGHUP (its terminal was closed)",
            _ => "a signal",
        };
        write!(f, "interrupted by {cause}; {}", self.kept)
    }
}

impl std::error::Error for Interrupted {}

#[cfg(unix)]
mod system {
    use std::io;

    use nix::sys::signal::{SigSet, Signal};

    /// Calls `react` with every signal, on a thread of its own. To be called before there are other
    /// threads: they inherit that the signals are left to this one.
    pub fn on_signal(react: impl Fn(i32) + Send + 'static) -> io::Result<()> {
        let mut signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM]);
        // `nohup` has SIGHUP ignored: what it started stays when its terminal goes
        if !is_ignored(Signal::SIGHUP) {
            signals.add(Signal::SIGHUP);
        }
        signals.thread_block()?;
        let wait = move || {
            while let Ok(signal) = signals.wait() {
                react(signal as i32);
            }
        };
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(wait)?;
        Ok(())
    }

    /// Whether the process was started with a signal ignored, where the system tells.
    fn is_ignored(signal: Signal) -> bool {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        mask.is_some_and(|mask| (mask >> (signal as i32 - 1)) & 1 == 1)
    }
}

#[cfg(not(unix))]
mod system {
    /// Calls `react` with every Ctrl-C and every request to end.
    pub fn on_signal(react: impl Fn(i32) + Send + 'static) -> Result<(), ctrlc::Error> {
        ctrlc::set_handler(move || react(super::SIGINT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_and_the_words_are_those_of_the_signal() {
        let interrupted = |signal| Interrupted {
            signal,
            kept: "nothing was written".into(),
        };
        assert_eq!(interrupted(SIGINT).status(), 130);
        assert_eq!(interrupted(SIGTERM).status(), 143);
        assert_eq!(interrupted(SIGHUP).status(), 129);
        assert_eq!(
            interrupted(SIGTERM).to_string(),
            "interrupted by SIGTERM; nothing was written"
        );
        assert!(interrupted(SIGINT).to_string().contains("Ctrl-C"));
    }
}
