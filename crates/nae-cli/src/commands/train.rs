//! `nae train`

use std::path::Path;

use anyhow::Result;
use nae_files::check_source_name;
use nae_model::Model;
use serde::Serialize;

use crate::arguments::{Terminal, Train};
use crate::console::{log_line, print};
use crate::interrupt::catch_interrupt;
use crate::loss_log::write_loss_log;
use crate::outputs::{make_parent, refuse_existing};
use crate::progress::with_progress;
use crate::settings::Settings;
use crate::training_clips::read_clips;

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

pub fn run(command: &Train, terminal: &Terminal) -> Result<()> {
    let settings = Settings::load(&command.configured)?;
    refuse_existing(&command.out, command.force)?;
    if let Some(log) = &command.log {
        refuse_existing(log, command.force)?;
    }
    let name = source_name(command)?;
    let clips = read_clips(&command.clips, settings.audio.sample_rate)?;
    make_parent(&command.out)?;
    let device = command.computing.device.open()?;
    log_line(terminal, format_args!("training {name} on {device}"));

    catch_interrupt()?;
    let recipe = settings.recipe();
    let seed = command.computing.seed;
    let (mut model, losses) = with_progress(terminal, "", |observe| {
        nae_train::train(&name, &clips, &recipe, seed, &device.device, observe)
    })?;
    if !command.no_memory {
        model.latent_cache = nae_train::store_latents(&model, &clips, &device.device)?;
    }
    model.save(&command.out)?;
    if let Some(log) = &command.log {
        write_loss_log(log, &losses)?;
    }
    report(command, terminal, &model, &device.name)
}

fn report(command: &Train, terminal: &Terminal, model: &Model, device: &str) -> Result<()> {
    let training = &model.metadata.training;
    if training.interrupted {
        log_line(
            terminal,
            format_args!(
                "interrupted by Ctrl-C after {} steps; the best model so far was saved",
                training.steps
            ),
        );
    }
    log_line(
        terminal,
        format_args!(
            "{}: loss {:.5} after {} steps on {} frames ({:.1} s of audio), trained in {:.1} s",
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
            name: &model.metadata.name,
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
