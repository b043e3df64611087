//! `nae sweep mixtures`

use anyhow::Result;
use nae_files::{OutputFolder, count};
use nae_sweep::{Store, SweepError};

use crate::arguments::{SweepMixtures, Terminal};
use crate::console::log_line;
use crate::interrupt::{bail_if_interrupted, is_interrupted, stop_gracefully};

pub fn run(command: &SweepMixtures, terminal: &Terminal) -> Result<()> {
    let store = Store::open(&command.run)?;
    let manifest = store.manifest()?;
    let _folder = OutputFolder::create(&command.out)?;
    stop_gracefully();
    let written = nae_sweep::mixtures::write(&manifest, &command.out, &is_interrupted);
    if matches!(written, Err(SweepError::Stopped)) {
        bail_if_interrupted("mixtures that are whole were kept")?;
    }
    let mixtures = count(written?.len(), "mixture");
    log_line(
        terminal,
        format_args!("{}: {mixtures}", command.out.display()),
    );
    Ok(())
}
