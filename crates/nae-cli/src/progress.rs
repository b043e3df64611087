//! Progress bars and Ctrl-C: libraries count, only this draws.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use nae_model::optim::{Flow, Progress};

use crate::arguments::Terminal;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From now on the first Ctrl-C asks the work to stop; a second one ends the program at once.
pub fn catch_interrupt() -> Result<()> {
    ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    })
    .context("cannot catch Ctrl-C")
}

/// Whether Ctrl-C was pressed.
pub fn is_interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// [`Flow::Stop`] once Ctrl-C was pressed.
pub fn flow() -> Flow {
    if is_interrupted() {
        Flow::Stop
    } else {
        Flow::Continue
    }
}

/// Standard error, or nowhere.
pub fn draw_target(is_hidden: bool) -> ProgressDrawTarget {
    if is_hidden {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr()
    }
}

/// A bar on standard error with stage, steps, loss and the time left; hidden with `-q` or where
/// standard error is no terminal.
pub struct Bar {
    bar: ProgressBar,
    stage: String,
}

impl Bar {
    pub fn new(terminal: &Terminal) -> Result<Self> {
        let bar = ProgressBar::with_draw_target(Some(0), draw_target(terminal.quiet));
        bar.set_style(ProgressStyle::with_template(
            "{prefix:>16} {bar:32} {pos}/{len} {msg} ETA {eta}",
        )?);
        bar.enable_steady_tick(Duration::from_millis(200));
        Ok(Self {
            bar,
            stage: String::new(),
        })
    }

    /// Shows where a run is; a new stage starts the bar anew.
    pub fn show(&mut self, label: &str, progress: &Progress) {
        let stage = if label.is_empty() {
            progress.stage.to_owned()
        } else {
            format!("{label} {}", progress.stage)
        };
        if stage != self.stage {
            self.bar.reset();
            self.bar.set_prefix(stage.clone());
            self.stage = stage;
        }
        self.bar.set_length(progress.max_steps as u64);
        self.bar.set_position(progress.step as u64);
        self.bar.set_message(format!("loss {:.5}", progress.loss));
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// A line on standard error, unless `-q`.
pub fn say(terminal: &Terminal, text: &str) {
    if !terminal.quiet {
        eprintln!("{text}");
    }
}
