//! `nae train`

use std::path::Path;

use anyhow::{Result, bail};
use nae_model::Model;
use nae_model::optim::{Flow, Progress};
use serde::Serialize;

use super::{make_folder, print, refuse_existing};
use crate::arguments::{Terminal, Train};
use crate::clips::read_clips;
use crate::progress::{Bar, catch_interrupt, flow, say};
use crate::settings::Settings;

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    model: &'a Path,
    name: &'a str,
    loss: f64,
    steps: usize,
    frames: usize,
    seconds: f64,
    device: &'a str,
    interrupted: bool,
}

/// One line of the loss log.
#[derive(Clone, Debug, Serialize)]
pub struct LossRecord {
    pub stage: &'static str,
    pub step: usize,
    pub loss: f64,
}

impl From<&Progress> for LossRecord {
    fn from(progress: &Progress) -> Self {
        Self {
            stage: progress.stage,
            step: progress.step,
            loss: progress.loss,
        }
    }
}

/// What a training gives while a bar shows its progress, and its losses.
pub fn watched<T, E: Into<anyhow::Error>>(
    terminal: &Terminal,
    training: impl FnOnce(&mut dyn FnMut(&Progress) -> Flow) -> Result<T, E>,
) -> Result<(T, Vec<LossRecord>)> {
    let mut bar = Bar::new(terminal)?;
    let mut losses = Vec::new();
    let found = training(&mut |progress| {
        bar.show("", progress);
        losses.push(LossRecord::from(progress));
        flow()
    });
    let found = found.map_err(Into::into)?;
    bar.finish();
    Ok((found, losses))
}

pub fn run(command: &Train, terminal: &Terminal) -> Result<()> {
    let settings = Settings::load(&command.configured)?;
    refuse_existing(&command.out, command.force)?;
    if let Some(log) = &command.log {
        refuse_existing(log, command.force)?;
    }
    let name = source_name(command)?;
    let clips = read_clips(&command.clips, settings.audio.sample_rate)?;
    if let Some(folder) = command.out.parent() {
        make_folder(folder)?;
    }
    let device = command.computing.device.open()?;
    say(terminal, &format!("training {name} on {device}"));

    catch_interrupt()?;
    let seed = command.computing.seed;
    let (mut model, losses) = watched(terminal, |observe| {
        nae_train::train(
            &name,
            &clips,
            &settings.recipe(),
            seed,
            &device.device,
            observe,
        )
    })?;
    if !command.no_memory {
        model.memory = nae_train::remember(&model, &clips, &device.device)?;
    }
    model.save(&command.out)?;
    if let Some(log) = &command.log {
        nae_audio::write_atomically(log, json_lines(&losses)?.as_bytes())?;
    }
    report(command, terminal, &model, &device.name)
}

fn report(command: &Train, terminal: &Terminal, model: &Model, device: &str) -> Result<()> {
    let training = &model.card.training;
    if training.interrupted {
        say(
            terminal,
            &format!(
                "stopped by Ctrl-C after {} steps; the best model so far was written",
                training.steps
            ),
        );
    }
    say(
        terminal,
        &format!(
            "{}: loss {:.5} after {} steps on {} frames of {:.1} s, {:.1} s",
            command.out.display(),
            training.loss,
            training.steps,
            training.frames,
            training.duration_s,
            training.seconds
        ),
    );
    if command.json {
        print(&serde_json::to_string(&Report {
            model: &command.out,
            name: &model.card.name,
            loss: training.loss,
            steps: training.steps,
            frames: training.frames,
            seconds: training.seconds,
            device,
            interrupted: training.interrupted,
        })?)?;
    }
    Ok(())
}

/// The given name, or the model file's; one that can be a file name, since stems are called so.
fn source_name(command: &Train) -> Result<String> {
    let name = match &command.name {
        Some(name) => name.clone(),
        None => command
            .out
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
    };
    check_source_name(&name)?;
    Ok(name)
}

/// Refuses names that cannot be file names.
pub fn check_source_name(name: &str) -> Result<()> {
    if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', '\0', ':', '=', ',']) {
        bail!(
            "`{name}` cannot be a source's name: its stem is called NAME.wav, so a name must not be empty, start with a dot, or contain / \\ : = or a comma"
        );
    }
    Ok(())
}

/// One JSON object a line.
pub fn json_lines(records: &[LossRecord]) -> Result<String> {
    let lines = records
        .iter()
        .map(serde_json::to_string)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(lines.join("\n") + "\n")
}
