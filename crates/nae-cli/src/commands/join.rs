//! `nae join`

use std::path::Path;

use anyhow::Result;
use nae_joint::{JointEncoder, PretrainedWeights};
use serde::Serialize;

use crate::arguments::{Join, Terminal};
use crate::console::{log_line, print};
use crate::interrupt::catch_interrupt;
use crate::joining;
use crate::loss_log::write_loss_log;
use crate::outputs::{make_parent, refuse_existing};
use crate::settings::Settings;

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    joint: &'a Path,
    sources: Vec<&'a str>,
    loss: f64,
    steps: usize,
    seconds: f64,
    device: &'a str,
    interrupted: bool,
}

pub fn run(command: &Join, terminal: &Terminal) -> Result<()> {
    let settings = Settings::load(&command.configured)?;
    refuse_existing(&command.out, command.force)?;
    if let Some(log) = &command.log {
        refuse_existing(log, command.force)?;
    }
    let device = command.computing.device.open()?;
    let parts = joining::read_parts(&command.models, &command.clips, &device.device)?;
    let start = match &command.start {
        None => None,
        Some(path) => Some(PretrainedWeights::load(path, &device.device)?),
    };
    make_parent(&command.out)?;
    catch_interrupt()?;
    let (joint, losses) = joining::join(
        start.as_ref(),
        &parts,
        &settings.joint,
        command.computing.seed,
        &device,
        terminal,
    )?;
    joint.save(&command.out)?;
    if let Some(log) = &command.log {
        write_loss_log(log, &losses)?;
    }
    report(command, terminal, &joint, &device.name)
}

fn report(command: &Join, terminal: &Terminal, joint: &JointEncoder, device: &str) -> Result<()> {
    let training = &joint.metadata.training;
    if training.interrupted {
        log_line(
            terminal,
            format_args!(
                "interrupted by Ctrl-C after {} steps; the best joint encoder so far was saved",
                training.steps
            ),
        );
    }
    log_line(
        terminal,
        format_args!(
            "{}: loss {:.5} after {} steps, trained in {:.1} s",
            command.out.display(),
            training.loss,
            training.steps,
            training.seconds
        ),
    );
    if command.json {
        let sources = joint.metadata.sources.iter();
        print(&serde_json::to_string(&Report {
            joint: &command.out,
            sources: sources.map(|source| source.name.as_str()).collect(),
            loss: training.loss,
            steps: training.steps,
            seconds: training.seconds,
            device,
            interrupted: training.interrupted,
        })?)?;
    }
    Ok(())
}
