//! `nae pretrain`

use anyhow::Result;
use nae_joint::PretrainedWeights;

use crate::arguments::{Pretrain, Terminal};
use crate::console::log_line;
use crate::interrupt::{conclude, is_interrupted};
use crate::joining::{part_files, read_parts, source_names};
use crate::outputs;
use crate::progress::with_progress;
use crate::settings::Settings;

pub fn run(command: &Pretrain, terminal: &Terminal) -> Result<()> {
    let settings = Settings::load(&command.configured)?;
    let inputs = part_files(&command.models, &command.clips)?;
    let inputs = inputs.into_iter().chain(command.configured.config.clone());
    let _reserved = outputs::reserve(&command.out, None, inputs, command.force)?;
    let device = command.computing.device.open()?;
    let (parts, _) = read_parts(
        &command.models,
        &command.clips,
        settings.joint.silence_db,
        &device.device,
        terminal,
    )?;
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
    let is_stopped = is_interrupted();
    start.save(&command.out)?;
    log_line(
        terminal,
        format_args!("initialisation saved as {}", command.out.display()),
    );
    conclude(
        Ok(()),
        is_stopped.then(|| "the best initialisation so far was saved".into()),
    )
}
