//! `nae pretrain`

use anyhow::Result;
use nae_joint::PretrainedWeights;

use crate::arguments::{Pretrain, Terminal};
use crate::console::log_line;
use crate::interrupt::{catch_interrupt, is_interrupted};
use crate::joining::{read_parts, source_names};
use crate::outputs::{make_parent, refuse_existing};
use crate::progress::with_progress;
use crate::settings::Settings;

pub fn run(command: &Pretrain, terminal: &Terminal) -> Result<()> {
    let settings = Settings::load(&command.configured)?;
    refuse_existing(&command.out, command.force)?;
    let device = command.computing.device.open()?;
    let parts = read_parts(&command.models, &command.clips, &device.device)?;
    make_parent(&command.out)?;
    catch_interrupt()?;
    let names = source_names(&parts);
    log_line(
        terminal,
        format_args!("pretraining on pairs of {names} on {device}"),
    );
    let seed = command.computing.seed;
    let rounds = usize::from(command.rounds);
    let (start, _) = with_progress(terminal, "", |observe| {
        PretrainedWeights::train(
            &parts,
            rounds,
            &settings.joint,
            seed,
            &device.device,
            observe,
        )
    })?;
    start.save(&command.out)?;
    let saved = if is_interrupted() {
        "interrupted by Ctrl-C; the best initialisation so far was saved as"
    } else {
        "initialisation saved as"
    };
    log_line(terminal, format_args!("{saved} {}", command.out.display()));
    Ok(())
}
