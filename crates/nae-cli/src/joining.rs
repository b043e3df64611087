//! Training joint encoders: their sources, and the run with its log line and progress bar.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, bail};
use burn::tensor::Device;
use nae_files::count;
use nae_joint::sampler::MAX_FRAMES;
use nae_joint::{Bank, JointConfig, JointEncoder, PretrainedWeights, TrainingSource};
use nae_model::Ensemble;
use nae_train::{TrainingClip, Usage};

use crate::arguments::Terminal;
use crate::console::log_line;
use crate::device::NamedDevice;
use crate::loss_log::LossRecord;
use crate::progress::with_progress;
use crate::sources::{NamedModels, SourceArgument, model_files};
use crate::training_clips::{ClipReport, find_clips, read_beginnings, report};

/// Reads the sources of `--model`, with the clips of `--clips` where these are given, and says how much
/// each clip gives.
///
/// - `silence_db`: what lies this far below the loudest frame is silent, in dB
pub fn read_parts(
    models: &[String],
    clips: &[String],
    silence_db: f64,
    device: &Device,
    terminal: &Terminal,
) -> Result<(Vec<TrainingSource>, Vec<ClipReport>)> {
    let (mut parts, mut reports) = (Vec::new(), Vec::new());
    for text in models {
        parts.push(with_sole_model(
            SourceArgument::parse(text).read(device)?,
            terminal,
        )?);
    }
    for text in clips {
        let (name, path) = split_clips(text)?;
        let names = source_names(&parts);
        let part = parts.iter_mut().find(|part| part.name == name);
        let part = part.with_context(|| {
            format!("--clips {text}: no source is named `{name}`; the sources are {names}")
        })?;
        reports.extend(add_clips(part, path, silence_db, terminal)?);
    }
    Ok((parts, reports))
}

/// Adds the clips of a file or folder to a source, as much of them as a joint encoder uses.
fn add_clips(
    part: &mut TrainingSource,
    path: &str,
    silence_db: f64,
    terminal: &Terminal,
) -> Result<Vec<ClipReport>> {
    let audio = part.model.metadata.audio;
    let rate = audio.sample_rate;
    let files = find_clips(&[path.into()])?;
    let kept = part.clips.get_or_insert_default();
    let before: usize = kept.iter().map(|(_, samples)| samples.len()).sum();
    let limit = MAX_FRAMES * audio.hop;
    let read = read_beginnings(&files, rate, limit.saturating_sub(before))?;

    let samples: Vec<&[f32]> = read.iter().map(|clip| clip.samples.as_slice()).collect();
    let mut usage = Usage::of_clips(&samples, &audio, silence_db)?;
    // what is left out here is no fault of its level
    let is_read = |clip: &TrainingClip| !clip.samples.is_empty();
    for (usage, clip) in usage.clips.iter_mut().zip(&read) {
        usage.is_poor &= is_read(clip);
    }
    let seconds: Vec<f64> = read.iter().map(|clip| clip.record.duration_s).collect();
    let setting = ("joint.silence_db", silence_db);
    let reports = report(&files, &seconds, &usage, setting, terminal);
    let left_out = seconds.iter().sum::<f64>() - usage.duration_s();
    if left_out > 0.1 {
        log_line(
            terminal,
            format_args!(
                "{}: a joint encoder learns from the first {:.0} s of a source; {left_out:.1} s of its clips are left out",
                part.name,
                limit as f64 / f64::from(rate),
            ),
        );
    }
    kept.extend(read.into_iter().map(|clip| (clip.record, clip.samples)));
    Ok(reports)
}

/// Takes `NAME=CLIP_OR_FOLDER` apart.
fn split_clips(text: &str) -> Result<(&str, &str)> {
    text.split_once('=')
        .ok_or_else(|| anyhow!("--clips {text}: expected NAME=CLIP_OR_FOLDER"))
}

/// The files that [`read_parts`] reads.
pub fn part_files(models: &[String], clips: &[String]) -> Result<Vec<PathBuf>> {
    let mut files = model_files(models);
    for text in clips {
        files.extend(find_clips(&[split_clips(text)?.1.into()])?);
    }
    Ok(files)
}

/// A source with the sole model of its file, or the first of several members: a joint encoder drives one
/// decoder a source. Says which member it is.
pub fn with_sole_model(source: NamedModels, terminal: &Terminal) -> Result<TrainingSource> {
    let NamedModels { name, files } = source;
    let Ok([ensemble]) = <[_; 1]>::try_from(files) else {
        bail!(
            "`{name}` has several models; a joint encoder takes one model per source: give one file, of which it takes the first member"
        );
    };
    if let others @ 1.. = ensemble.members().len() - 1 {
        let first = ensemble.first().metadata.architecture.describe();
        log_line(
            terminal,
            format_args!(
                "{name}: a joint encoder takes one model per source: the first of its file ({first}); {} left out",
                match others {
                    1 => "the other one is".to_owned(),
                    others => format!("{} are", count(others, "other")),
                }
            ),
        );
    }
    Ok(TrainingSource {
        name,
        model: ensemble.into_first(),
        clips: None,
    })
}

/// All models of every `--model`, of which a joint encoder that is trained against a bank keeps copies.
pub fn known_models(models: &[String], device: &Device) -> Result<Vec<Ensemble>> {
    let models = models.iter();
    let files = models.map(|text| Ok(SourceArgument::parse(text).read(device)?.files));
    let files = files.collect::<Result<Vec<_>>>()?;
    Ok(files.into_iter().flatten().collect())
}

/// The names of sources, for a message.
pub fn source_names(parts: &[TrainingSource]) -> String {
    let names: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
    names.join(", ")
}

/// Trains a joint encoder with a log line and a progress bar. Returns its losses too.
///
/// - `start`: initialisation; none: what the settings say
/// - `bank`: sounds that stand for one more source
pub fn join(
    start: Option<&PretrainedWeights>,
    parts: &[TrainingSource],
    bank: Option<&Bank>,
    config: &JointConfig,
    seed: u64,
    device: &NamedDevice,
    terminal: &Terminal,
) -> Result<(JointEncoder, Vec<LossRecord>)> {
    let names = source_names(parts);
    let against = match bank {
        None => String::new(),
        Some(bank) => {
            let sounds = count(bank.sounds.len(), "sound");
            format!(" against {sounds} as `{}`", bank.name)
        }
    };
    log_line(
        terminal,
        format_args!("training a joint encoder for {names}{against} on {device}"),
    );
    let device = &device.device;
    with_progress(terminal, "", |observe| match bank {
        None => nae_joint::join_from(start, parts, config, seed, device, observe),
        Some(bank) => nae_joint::join_against(start, parts, bank, config, seed, device, observe),
    })
}
