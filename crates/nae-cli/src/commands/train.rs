//! `nae train`

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use nae_files::count;
use nae_model::{Model, TrainingSummary};
use nae_train::{Member, TrainedEnsemble};
use serde::Serialize;

use crate::arguments::{Terminal, Train};
use crate::console::{log_line, print_json};
use crate::interrupt::conclude;
use crate::loss_log::write_loss_log;
use crate::outputs;
use crate::progress::with_progress_of_members;
use crate::settings::Settings;
use crate::sources::source_name;
use crate::training_clips::{ClipReport, find_clips, read_material};

/// What `--json` prints: loss of the first member, steps and units of all, seconds from beginning to end.
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
    members: Vec<MemberReport>,
}

/// One model of the file.
#[derive(Serialize)]
struct MemberReport {
    /// Its word in `train.ensemble`, or `model.kind` of the only one.
    kind: &'static str,
    /// Its architecture in a few words.
    description: String,
    seed: u64,
    loss: f64,
    steps: usize,
    seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    hidden_units: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dead_units: Option<usize>,
}

impl MemberReport {
    fn new(member: &Member, model: &Model) -> Self {
        let training = &model.metadata.training;
        Self {
            kind: member.word(),
            description: model.metadata.architecture.describe(),
            seed: training.seed,
            loss: training.loss,
            steps: training.steps,
            seconds: training.seconds,
            hidden_units: training.units.map(|units| units.all),
            dead_units: training.units.map(|units| units.dead),
        }
    }
}

pub fn run(command: &Train, terminal: &Terminal) -> Result<()> {
    let mut settings = Settings::load(&command.configured)?;
    if let Some(ensemble) = &command.ensemble {
        settings.train.ensemble.clone_from(&ensemble.0);
        settings.recipe().validate()?;
    }
    let name = source_name(command.name.as_deref(), &command.out)?;
    let files = find_clips(&command.clips)?;
    let inputs = files.iter().chain(&command.configured.config).cloned();
    let log = command.log.as_deref();
    let _reserved = outputs::reserve(&command.out, log, inputs, command.force)?;
    let recipe = settings.recipe();
    let (material, clips) = read_material(&files, &recipe, terminal)?;
    let (frames, beginning) = (material.frames, material.beginning);
    let available = frames.first().map_or(0, |frames| frames.available);
    let device = command.computing.device.open()?;
    let seed = command.computing.seed;
    let members = recipe.members(seed);
    let averaged = match members.as_slice() {
        [_] => String::new(),
        several => format!(": {}; their masks are averaged", words(several)),
    };
    log_line(
        terminal,
        format_args!("training {name} on {device}{averaged}"),
    );
    let is_several = members.len() > 1;
    let started = Instant::now();
    let (mut trained, losses) = with_progress_of_members(terminal, |observe| {
        let observe = &mut |member: &Member, progress: &_| {
            observe(is_several.then(|| member.word()), progress)
        };
        nae_train::train_ensemble_frames(&name, &frames, &recipe, seed, &device.device, observe)
    })?;
    let seconds = started.elapsed().as_secs_f64();
    drop(frames);
    // of the other members no joint encoder is made
    let first = trained.ensemble.first_mut();
    if !command.no_memory {
        first.latent_cache = nae_train::store_latents(first, &beginning, &device.device)?;
    }
    trained.ensemble.save(&command.out)?;
    let logged = match log {
        Some(log) => write_loss_log(log, &losses, &command.out),
        None => Ok(()),
    };
    log_models(command, terminal, &trained, seconds);
    if command.json {
        let frames = (clips.as_slice(), available);
        print_report(command, &trained, frames, (&device.name, seconds))?;
    }
    conclude(logged, stopped(&trained))
}

/// What became of a training that was stopped.
fn stopped(trained: &TrainedEnsemble) -> Option<String> {
    let training = trained.ensemble.training();
    let steps = count(training.steps, "step");
    training
        .interrupted
        .then(|| match trained.members.as_slice() {
            [_] if trained.not_begun.is_empty() => {
                format!("the best model so far, after {steps}, was saved")
            }
            members => format!(
                "the best so far of {}, after {steps}, was saved{}",
                words(members),
                match trained.not_begun.as_slice() {
                    [] => String::new(),
                    others => format!("; not begun and left out: {}", words(others)),
                }
            ),
        })
}

/// Members by their words.
fn words(members: &[Member]) -> String {
    let words: Vec<&str> = members.iter().map(Member::word).collect();
    words.join(", ")
}

/// Says how the models came out.
///
/// - `seconds`: that training them took, some at the same time
fn log_models(command: &Train, terminal: &Terminal, trained: &TrainedEnsemble, seconds: f64) {
    for (member, error) in &trained.failed {
        let word = member.word();
        log::warn!("`{word}` is left out of the ensemble: {error}");
    }
    let models = trained.ensemble.members();
    let is_single = models.len() == 1;
    let training = trained.ensemble.training();
    let progress = |training: &TrainingSummary| {
        let steps = count(training.steps, "step");
        format!("loss {:.5} after {steps}", training.loss)
    };
    let what = match is_single {
        true => progress(&training),
        false => count(models.len(), "model"),
    };
    log_line(
        terminal,
        format_args!(
            "{}: {what} on {} ({:.1} s of audio), trained in {:.1} s",
            command.out.display(),
            count(training.frames, "frame"),
            training.duration_s,
            seconds
        ),
    );
    for (member, model) in trained.members.iter().zip(models) {
        let training = &model.metadata.training;
        let mut label = String::new();
        if !is_single {
            label = format!("{}: ", member.word());
            log_line(
                terminal,
                format_args!(
                    "{label}{}, {} in {:.1} s",
                    model.metadata.architecture.describe(),
                    progress(training),
                    training.seconds
                ),
            );
        }
        if let Some(units) = training.units.filter(|units| units.dead > 0) {
            log_line(
                terminal,
                format_args!(
                    "{label}{} of {} hidden units are dead: nothing in the clips changes their output",
                    units.dead, units.all
                ),
            );
        }
    }
}

fn print_report(
    command: &Train,
    trained: &TrainedEnsemble,
    (clips, available_frames): (&[ClipReport], usize),
    (device, seconds): (&str, f64),
) -> Result<()> {
    let models = trained.ensemble.members();
    let training = trained.ensemble.training();
    let members = trained.members.iter().zip(models);
    print_json(&serde_json::to_string(&Report {
        model: &command.out,
        name: &trained.ensemble.first().metadata.name,
        loss: training.loss,
        steps: training.steps,
        frames: training.frames,
        available_frames,
        clips,
        seconds,
        device,
        interrupted: training.interrupted,
        hidden_units: training.units.map(|units| units.all),
        dead_units: training.units.map(|units| units.dead),
        members: members
            .map(|(member, model)| MemberReport::new(member, model))
            .collect(),
    })?)
}
