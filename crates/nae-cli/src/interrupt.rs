//! Ctrl-C.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail};
use nae_model::optim::Flow;

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

/// Fails once Ctrl-C was pressed.
///
/// - `kept`: what became of the work so far
pub fn bail_if_interrupted(kept: &str) -> Result<()> {
    if is_interrupted() {
        bail!("interrupted by Ctrl-C; {kept}");
    }
    Ok(())
}
