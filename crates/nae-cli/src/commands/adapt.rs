//! `nae adapt`

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use nae_model::{ClipRecord, Model};
use nae_train::{Frames, TrainingClip, alone};

use crate::arguments::{Adapt, Terminal};
use crate::console::log_line;
use crate::device::NamedDevice;
use crate::model_location::ModelLocation;
use crate::model_training::{Course, Outcome, StretchReport};
use crate::outputs;
use crate::parent::Parent;
use crate::ranges::{Range, check_files, ranges_of};
use crate::settings::Settings;
use crate::training_clips::report;

/// Seconds of a recording that are searched.
const SEARCHED_S: usize = 600;

/// Seconds of stretches that a model can learn from, together.
const LEAST_S: f64 = 0.5;

/// Samples whose range is no larger are silence.
const SILENCE: f32 = 1e-7;

pub fn run(command: &Adapt, terminal: &Terminal) -> Result<()> {
    let (settings, given) = Settings::load_given(&command.configured)?;
    check_files(&command.recordings, &command.ranges)?;
    let location = ModelLocation::parse(&command.model);
    let files = command.recordings.iter().chain(&command.configured.config);
    let inputs = files.cloned().chain(location.file().map(Path::to_owned));
    let log = command.written.log.as_deref();
    let _reserved = outputs::reserve(&command.out, log, inputs, command.written.force)?;
    let device = command.computing.device.open()?;
    let (name, seed) = (command.name.as_deref(), command.computing.seed);
    let parent = Parent::read(
        &location,
        name,
        (&settings.train, &given),
        seed,
        &device.device,
    )?;
    let model = parent.ensemble.first();
    let mut stretches = Vec::new();
    for recording in &command.recordings {
        let ranges = ranges_of(recording, &command.ranges)?;
        stretches.extend(match ranges.is_empty() {
            true => search(recording, model, &device, terminal)?,
            false => cut(recording, &ranges, model)?,
        });
    }
    check_length(&stretches, model)?;
    let (clips, reports): (Vec<TrainingClip>, Vec<StretchReport>) = stretches.into_iter().unzip();
    let course = Course::of(parent);
    let wanted = course.material();
    let frames = wanted.shapes.iter().map(|shape| {
        let frames = Frames::from_clips(&clips, &wanted.audio, wanted.silence_db, *shape);
        frames.with_context(|| labels(&clips).join(", "))
    });
    let frames = frames.collect::<Result<Vec<Frames>>>()?;
    let seconds: Vec<f64> = clips.iter().map(|clip| clip.record.duration_s).collect();
    let paths: Vec<PathBuf> = labels(&clips).into_iter().map(PathBuf::from).collect();
    let usage = frames.first().map(|frames| frames.usage.clone());
    let setting = ("train.silence_db", wanted.silence_db);
    let used = report(
        &paths,
        &seconds,
        &usage.unwrap_or_default(),
        setting,
        terminal,
    );
    let learnt = course.train(frames, &device, terminal)?;
    let outcome = Outcome {
        out: &command.out,
        log,
        beginning: (!command.no_memory).then_some(clips.as_slice()),
        stretches: &reports,
        is_json: command.written.json,
    };
    outcome.save(learnt, &used, &device, terminal)
}

/// A stretch as a clip, and what is said of it.
type Cut = (TrainingClip, StretchReport);

fn labels(clips: &[TrainingClip]) -> Vec<String> {
    clips.iter().map(|clip| clip.record.name.clone()).collect()
}

/// The ranges of a recording.
fn cut(recording: &Path, ranges: &[Range], model: &Model) -> Result<Vec<Cut>> {
    let rate = model.metadata.audio.sample_rate;
    let ends: Option<Vec<f64>> = ranges.iter().map(|range| range.end_s).collect();
    let limit = ends.map_or(usize::MAX, |ends| {
        let last = ends.into_iter().fold(0.0, f64::max);
        (last * f64::from(rate)).ceil() as usize
    });
    let clip = TrainingClip::read_beginning(recording, rate, limit)?;
    let duration_s = clip.record.duration_s;
    let cut = ranges.iter().map(|range| {
        let end_s = range.end_s.unwrap_or(duration_s);
        // written with few digits, an end is the recording's if it is near
        if end_s > duration_s + 0.05 || range.start_s >= duration_s {
            bail!(
                "{}: the range {range} of --where reaches beyond the recording, which is {duration_s:.2} s long",
                recording.display()
            );
        }
        let cut = stretch(recording, &clip, rate, (range.start_s, end_s.min(duration_s)), None);
        let samples = &cut.0.samples;
        let low = samples.iter().copied().fold(f32::INFINITY, f32::min);
        let high = samples.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        if high - low <= SILENCE {
            bail!(
                "{}: the range {range} of --where is silent; expected sound of `{}` alone",
                recording.display(),
                model.metadata.name
            );
        }
        Ok(cut)
    });
    cut.collect()
}

/// Stretches of a recording in which the model's source seems to sound alone.
fn search(
    recording: &Path,
    model: &Model,
    device: &NamedDevice,
    terminal: &Terminal,
) -> Result<Vec<Cut>> {
    let rate = model.metadata.audio.sample_rate;
    let clip = TrainingClip::read_beginning(recording, rate, SEARCHED_S * rate as usize)?;
    if clip.record.duration_s > SEARCHED_S as f64 {
        log_line(
            terminal,
            format_args!(
                "{}: searched for `{}` alone in the first {} min only; --where gives later times",
                recording.display(),
                model.metadata.name,
                SEARCHED_S / 60
            ),
        );
    }
    let found = alone::find(model, &clip.samples, &device.device)?;
    if !found.is_described() || found.stretches.is_empty() {
        let fit = match found.best.is_finite() {
            true => format!(
                "even its best tenth differs from the model by {:.1} %",
                100.0 * found.best
            ),
            false => "it is silent".to_owned(),
        };
        bail!(
            "{}: no stretch of at least {} s was found in which `{}` sounds alone: {fit}. Say where it does with --where 3.2-7.9, or check that this is its model.",
            recording.display(),
            alone::LEAST_S,
            model.metadata.name
        );
    }
    let stretches = found.stretches.iter().map(|found| {
        let times = (found.start_s, found.end_s);
        log_line(
            terminal,
            format_args!(
                "{}: {:.2} to {:.2} s sounds like `{}` alone: it differs from the model by {:.1} %",
                recording.display(),
                times.0,
                times.1,
                model.metadata.name,
                100.0 * found.divergence
            ),
        );
        stretch(recording, &clip, rate, times, Some(found.divergence))
    });
    Ok(stretches.collect())
}

/// One stretch of a recording.
///
/// - `clip`: the recording, or its beginning, at `rate` Hz
/// - `divergence`: of the model's fit, if it was found
fn stretch(
    recording: &Path,
    clip: &TrainingClip,
    rate: u32,
    (start_s, end_s): (f64, f64),
    divergence: Option<f64>,
) -> Cut {
    let rate = f64::from(rate);
    let place = |seconds: f64| ((seconds * rate).round() as usize).min(clip.samples.len());
    let name = format!("{} ({start_s:.2} to {end_s:.2} s)", clip.record.name);
    let part = TrainingClip {
        record: ClipRecord {
            name,
            sha256: clip.record.sha256.clone(),
            duration_s: end_s - start_s,
        },
        samples: clip.samples[place(start_s)..place(end_s)].to_vec(),
    };
    let report = StretchReport {
        file: recording.to_owned(),
        start_s,
        end_s,
        divergence,
    };
    (part, report)
}

/// Refuses stretches that are too short to learn from.
fn check_length(stretches: &[Cut], model: &Model) -> Result<()> {
    let seconds: f64 = stretches
        .iter()
        .map(|(clip, _)| clip.record.duration_s)
        .sum();
    if seconds >= LEAST_S {
        return Ok(());
    }
    bail!(
        "only {seconds:.2} s of `{}` alone in {}, but a model needs at least {LEAST_S} s to learn a room from, and 5 s are a good amount. Give longer ranges with --where.",
        model.metadata.name,
        match stretches.len() {
            1 => "one stretch".to_owned(),
            several => format!("{several} stretches"),
        }
    );
}
