//! `nae train`

use std::path::Path;

use anyhow::Result;
use nae_files::{check_source_name, count};
use nae_model::Model;
use serde::Serialize;

use crate::arguments::{Terminal, Train};
use crate::console::{log_line, print_json};
use crate::interrupt::conclude;
use crate::loss_log::write_loss_log;
use crate::outputs;
use crate::progress::with_progress;
use crate::settings::Settings;
use crate::training_clips::{ClipReport, find_clips, read_material};

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    model: &'a Path,
    name: &'a str,
    loss: f64,
    steps: usize,
    /// Frames trained on.
    frames: usize,
    /// Frames that are not silent.
    available_frames: usize,
    clips: &'a [ClipReport],
    seconds: f64,
    device: &'a str,
    interrupted: bool,
    /// Hidden units, and those of them that respond to nothing; left out for kinds without.
    #[serde(skip_serializing_if = "Option::is_none")]
    hidden_units: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dead_units: Option<usize>,
}

pub fn run(command: &Train, terminal: &Terminal) -> Result<()> {
    let settings = Settings::load(&command.configured)?;
    let name = source_name(command)?;
    let files = find_clips(&command.clips)?;
    let inputs = files.iter().chain(&command.configured.config).cloned();
    let log = command.log.as_deref();
    let _reserved = outputs::reserve(&command.out, log, inputs, command.force)?;
    let recipe = settings.recipe();
    let (material, clips) = read_material(&files, &recipe, terminal)?;
    let (frames, beginning) = (material.frames, material.beginning);
    let available = frames.available;
    let device = command.computing.device.open()?;
    log_line(terminal, format_args!("training {name} on {device}"));
    let seed = command.computing.seed;
    let (mut model, losses) = with_progress(terminal, "", |observe| {
        nae_train::train_frames(&name, frames, &recipe, seed, &device.device, observe)
    })?;
    if !command.no_memory {
        model.latent_cache = nae_train::store_latents(&model, &beginning, &device.device)?;
    }
    model.save(&command.out)?;
    let logged = match log {
        Some(log) => write_loss_log(log, &losses, &command.out),
        None => Ok(()),
    };
    report(command, terminal, &model, (&clips, available), &device.name)?;
    let training = &model.metadata.training;
    let stopped = training.interrupted.then(|| {
        let steps = count(training.steps, "step");
        format!("the best model so far, after {steps}, was saved")
    });
    conclude(logged, stopped)
}

fn report(
    command: &Train,
    terminal: &Terminal,
    model: &Model,
    (clips, available_frames): (&[ClipReport], usize),
    device: &str,
) -> Result<()> {
    let training = &model.metadata.training;
    log_line(
        terminal,
        format_args!(
            "{}: loss {:.5} after {} on {} ({:.1} s of audio), trained in {:.1} s",
            command.out.display(),
            training.loss,
            count(training.steps, "step"),
            count(training.frames, "frame"),
            training.duration_s,
            training.seconds
        ),
    );
    if let Some(units) = training.units.filter(|units| units.dead > 0) {
        log_line(
            terminal,
            format_args!(
                "{} of {} hidden units are dead: nothing in the clips changes their output",
                units.dead, units.all
            ),
        );
    }
    if command.json {
        print_json(&serde_json::to_string(&Report {
            model: &command.out,
            name: &model.metadata.name,
            loss: training.loss,
            steps: training.steps,
            frames: training.frames,
            available_frames,
            clips,
            seconds: training.seconds,
            device,
            interrupted: training.interrupted,
            hidden_units: training.units.map(|units| units.all),
            dead_units: training.units.map(|units| units.dead),
        })?)?;
    }
    Ok(())
}

/// The given name, or the model file's; one that can be a file name, since stems are named after it.
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
