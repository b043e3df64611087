//! Training of a model file, new or from another one, from its frames to what is said of it.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;
use nae_files::count;
use nae_model::{Ensemble, Model, ParentRecord, TrainingSummary};
use nae_train::continuation::continue_ensemble_frames;
use nae_train::{Frames, Member, Recipe, TrainedEnsemble, TrainingClip};
use serde::Serialize;

use crate::arguments::Terminal;
use crate::console::{log_line, print_json};
use crate::device::NamedDevice;
use crate::interrupt::conclude;
use crate::loss_log::{LossRecord, write_loss_log};
use crate::parent::Parent;
use crate::progress::with_progress_of_members;
use crate::training_clips::{ClipReport, Wanted};

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
    /// What training went on from, and what that had gone on from.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    parents: &'a [ParentRecord],
    /// Stretches of recordings that it learnt from.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stretches: &'a [StretchReport],
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

/// A stretch of a recording that a model learnt from, for `--json`.
#[derive(Clone, Debug, Serialize)]
pub struct StretchReport {
    /// The recording.
    pub file: PathBuf,
    /// Its beginning.
    #[serde(rename = "from_seconds")]
    pub start_s: f64,
    /// Its end.
    #[serde(rename = "to_seconds")]
    pub end_s: f64,
    /// Relative divergence of the model's fit, of stretches that were found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub divergence: Option<f64>,
}

/// How the models of a file are trained.
pub struct Course<'a> {
    name: String,
    start: Start<'a>,
    members: Vec<Member>,
}

/// What they are at first.
enum Start<'a> {
    New { recipe: &'a Recipe, seed: u64 },
    From(Ensemble),
}

/// What training made of them.
pub struct Learnt {
    trained: TrainedEnsemble,
    losses: Vec<LossRecord>,
    /// Frames that are not silent.
    available: usize,
    /// From beginning to end.
    seconds: f64,
}

impl<'a> Course<'a> {
    /// New models.
    pub fn new(name: String, recipe: &'a Recipe, seed: u64) -> Self {
        Self {
            name,
            start: Start::New { recipe, seed },
            members: recipe.members(seed),
        }
    }

    /// Models that go on from others.
    pub fn of(parent: Parent) -> Self {
        Self {
            name: parent.name,
            start: Start::From(parent.ensemble),
            members: parent.members,
        }
    }

    /// What they need of the clips.
    pub fn material(&self) -> Wanted {
        let recipe = self.members.first().map(|member| member.recipe.clone());
        let recipe = recipe.unwrap_or_default();
        Wanted {
            audio: recipe.audio,
            silence_db: recipe.train.silence_db,
            shapes: nae_train::shapes(&self.members),
        }
    }

    /// Trains them, with a progress bar.
    pub fn train(
        &self,
        frames: Vec<Frames>,
        device: &NamedDevice,
        terminal: &Terminal,
    ) -> Result<Learnt> {
        let available = frames.first().map_or(0, |frames| frames.available);
        let members = self.members.as_slice();
        let averaged = match members {
            [_] => String::new(),
            several => format!(": {}; their masks are averaged", words(several)),
        };
        let from = match &self.start {
            Start::New { .. } => String::new(),
            Start::From(parent) => format!(" from {}", parent.first().metadata.name),
        };
        log_line(
            terminal,
            format_args!("training {}{from} on {device}{averaged}", self.name),
        );
        let is_several = members.len() > 1;
        let started = Instant::now();
        let (trained, losses) = with_progress_of_members(terminal, |observe| {
            let observe = &mut |member: &Member, progress: &_| {
                observe(is_several.then(|| member.word()), progress)
            };
            let (name, device) = (&self.name, &device.device);
            match &self.start {
                Start::New { recipe, seed } => {
                    nae_train::train_ensemble_frames(name, &frames, recipe, *seed, device, observe)
                }
                Start::From(parent) => {
                    continue_ensemble_frames(name, &frames, parent, members, device, observe)
                }
            }
        })?;
        Ok(Learnt {
            trained,
            losses,
            available,
            seconds: started.elapsed().as_secs_f64(),
        })
    }
}

/// What a training writes and says.
pub struct Outcome<'a> {
    /// The model file.
    pub out: &'a Path,
    /// File of the losses.
    pub log: Option<&'a Path>,
    /// What the latent cache is made of; none without one.
    pub beginning: Option<&'a [TrainingClip]>,
    /// Stretches that the clips are; none for whole clips.
    pub stretches: &'a [StretchReport],
    /// Whether a summary is printed as JSON.
    pub is_json: bool,
}

impl Outcome<'_> {
    /// Writes the model file and its log, and says how it came out.
    pub fn save(
        &self,
        learnt: Learnt,
        clips: &[ClipReport],
        device: &NamedDevice,
        terminal: &Terminal,
    ) -> Result<()> {
        let Learnt {
            mut trained,
            losses,
            available,
            seconds,
        } = learnt;
        // of the other members no joint encoder is made
        let first = trained.ensemble.first_mut();
        if let Some(beginning) = self.beginning {
            first.latent_cache = nae_train::store_latents(first, beginning, &device.device)?;
        }
        trained.ensemble.save(self.out)?;
        let logged = match self.log {
            Some(log) => write_loss_log(log, &losses, self.out),
            None => Ok(()),
        };
        log_models(self.out, terminal, &trained, seconds);
        if self.is_json {
            let frames = (clips, available);
            self.print_report(&trained, frames, (&device.name, seconds))?;
        }
        conclude(logged, stopped(&trained))
    }
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
fn log_models(out: &Path, terminal: &Terminal, trained: &TrainedEnsemble, seconds: f64) {
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
            out.display(),
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

impl Outcome<'_> {
    /// Prints the summary.
    fn print_report(
        &self,
        trained: &TrainedEnsemble,
        (clips, available_frames): (&[ClipReport], usize),
        (device, seconds): (&str, f64),
    ) -> Result<()> {
        let models = trained.ensemble.members();
        let training = trained.ensemble.training();
        let members = trained.members.iter().zip(models);
        print_json(&serde_json::to_string(&Report {
            model: self.out,
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
            parents: &training.parents,
            stretches: self.stretches,
        })?)
    }
}
