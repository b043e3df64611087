//! `nae join`

use std::path::Path;

use anyhow::Result;
use nae_joint::{JointEncoder, PretrainedWeights};
use serde::Serialize;

use nae_files::count;

use crate::arguments::{Join, Terminal};
use crate::console::{log_line, print_json};
use crate::interrupt::conclude;
use crate::joining;
use crate::loss_log::write_loss_log;
use crate::outputs;
use crate::settings::Settings;
use crate::training_clips::ClipReport;

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    joint: &'a Path,
    sources: Vec<&'a str>,
    clips: &'a [ClipReport],
    loss: f64,
    steps: usize,
    seconds: f64,
    device: &'a str,
    interrupted: bool,
}

pub fn run(command: &Join, terminal: &Terminal) -> Result<()> {
    let settings = Settings::load(&command.configured)?;
    let inputs = joining::part_files(&command.models, &command.clips)?;
    let further = command.start.iter().chain(&command.configured.config);
    let inputs = inputs.into_iter().chain(further.cloned());
    let log = command.written.log.as_deref();
    let _reserved = outputs::reserve(&command.out, log, inputs, command.written.force)?;
    let device = command.computing.device.open()?;
    let (parts, clips) = joining::read_parts(
        &command.models,
        &command.clips,
        settings.joint.silence_db,
        &device.device,
        terminal,
    )?;
    let start = match &command.start {
        None => None,
        Some(path) => Some(PretrainedWeights::load(path, &device.device)?),
    };
    let (joint, losses) = joining::join(
        start.as_ref(),
        &parts,
        &settings.joint,
        command.computing.seed,
        &device,
        terminal,
    )?;
    joint.save(&command.out)?;
    let logged = match log {
        Some(log) => write_loss_log(log, &losses, &command.out),
        None => Ok(()),
    };
    report(command, terminal, &joint, &clips, &device.name)?;
    let training = &joint.metadata.training;
    let stopped = training.interrupted.then(|| {
        let steps = count(training.steps, "step");
        format!("the best joint encoder so far, after {steps}, was saved")
    });
    conclude(logged, stopped)
}

fn report(
    command: &Join,
    terminal: &Terminal,
    joint: &JointEncoder,
    clips: &[ClipReport],
    device: &str,
) -> Result<()> {
    let training = &joint.metadata.training;
    log_line(
        terminal,
        format_args!(
            "{}: loss {:.5} after {}, trained in {:.1} s",
            command.out.display(),
            training.loss,
            count(training.steps, "step"),
            training.seconds
        ),
    );
    if command.written.json {
        let sources = joint.metadata.sources.iter();
        print_json(&serde_json::to_string(&Report {
            joint: &command.out,
            sources: sources.map(|source| source.name.as_str()).collect(),
            clips,
            loss: training.loss,
            steps: training.steps,
            seconds: training.seconds,
            device,
            interrupted: training.interrupted,
        })?)?;
    }
    Ok(())
}
