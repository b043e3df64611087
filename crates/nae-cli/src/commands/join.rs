//! `nae join`

use std::path::Path;

use anyhow::{Result, bail};
use nae_joint::{JointEncoder, PretrainedWeights};
use serde::Serialize;

use nae_files::{check_source_name, count};

use crate::against::{self, BankReport};
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
    #[serde(skip_serializing_if = "Option::is_none")]
    against: Option<&'a BankReport>,
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
    check_source_name(&command.against_name)?;
    let sounds = against::find(&command.against)?;
    let inputs = inputs.into_iter().chain(further.cloned());
    let inputs = inputs.chain(sounds.files());
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
    let seed = command.computing.seed;
    let bank = match command.against.is_empty() {
        true => None,
        false if parts.iter().any(|part| part.name == command.against_name) => bail!(
            "a known source is called `{0}`, as is the source that --against stands for, so their stems would overwrite each other. Name one of them otherwise: `--against-name OTHER`, or `--model OTHER=FILE`",
            command.against_name
        ),
        false => Some(sounds.read(
            &command.against_name,
            &parts,
            seed,
            &device.device,
            terminal,
        )?),
    };
    let (bank, against) = bank.unzip();
    let start = match &command.start {
        None => None,
        Some(path) => Some(PretrainedWeights::load(path, &device.device)?),
    };
    let (joint, losses) = joining::join(
        start.as_ref(),
        &parts,
        bank.as_ref(),
        &settings.joint,
        seed,
        &device,
        terminal,
    )?;
    let joint = match bank {
        None => joint,
        Some(_) => {
            joint.with_known_models(joining::known_models(&command.models, &device.device)?)?
        }
    };
    joint.save(&command.out)?;
    let logged = match log {
        Some(log) => write_loss_log(log, &losses, &command.out),
        None => Ok(()),
    };
    report(
        command,
        terminal,
        &joint,
        (&clips, against.as_ref()),
        &device.name,
    )?;
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
    (clips, against): (&[ClipReport], Option<&BankReport>),
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
    if let Some(rest) = joint.rest() {
        log_line(
            terminal,
            format_args!(
                "`nae separate --joint` averages its masks with those of all models of the known sources, kept in the file, beside a `{}` learnt on the mixture; `--one-pass` uses the joint encoder alone",
                rest.name
            ),
        );
    }
    if command.written.json {
        let sources = joint.metadata.sources.iter();
        print_json(&serde_json::to_string(&Report {
            joint: &command.out,
            sources: sources.map(|source| source.name.as_str()).collect(),
            clips,
            against,
            loss: training.loss,
            steps: training.steps,
            seconds: training.seconds,
            device,
            interrupted: training.interrupted,
        })?)?;
    }
    Ok(())
}
