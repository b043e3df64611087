//! Training joint encoders: their sources, and the run with its log line and progress bar.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, bail};
use burn::tensor::Device;
use nae_joint::{JointConfig, JointEncoder, PretrainedWeights, TrainingSource};
use nae_separate::Source;

use crate::arguments::Terminal;
use crate::console::log_line;
use crate::device::NamedDevice;
use crate::loss_log::LossRecord;
use crate::progress::with_progress;
use crate::sources::{SourceArgument, model_files};
use crate::training_clips::{find_clips, read_clips};

/// Reads the sources of `--model`, with the clips of `--clips` where these are given.
pub fn read_parts(
    models: &[String],
    clips: &[String],
    device: &Device,
) -> Result<Vec<TrainingSource>> {
    let mut parts = Vec::new();
    for text in models {
        parts.push(with_sole_model(SourceArgument::parse(text).read(device)?)?);
    }
    for text in clips {
        let (name, path) = split_clips(text)?;
        let names = source_names(&parts);
        let part = parts.iter_mut().find(|part| part.name == name);
        let part = part.with_context(|| {
            format!("--clips {text}: no source is named `{name}`; the sources are {names}")
        })?;
        let rate = part.model.metadata.audio.sample_rate;
        let clips = read_clips(&find_clips(&[path.into()])?, rate)?.into_iter();
        let clips = clips.map(|clip| (clip.record, clip.samples));
        part.clips.get_or_insert_default().extend(clips);
    }
    Ok(parts)
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

/// A source with its sole model.
pub fn with_sole_model(source: Source) -> Result<TrainingSource> {
    let Source { name, models } = source;
    let Ok([model]) = <[_; 1]>::try_from(models) else {
        bail!("`{name}` has several models; a joint encoder takes one model per source");
    };
    Ok(TrainingSource {
        name,
        model,
        clips: None,
    })
}

/// The names of sources, for a message.
pub fn source_names(parts: &[TrainingSource]) -> String {
    let names: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
    names.join(", ")
}

/// Trains a joint encoder with a log line and a progress bar. Returns its losses too.
///
/// - `start`: initialisation; none: what the settings say
pub fn join(
    start: Option<&PretrainedWeights>,
    parts: &[TrainingSource],
    config: &JointConfig,
    seed: u64,
    device: &NamedDevice,
    terminal: &Terminal,
) -> Result<(JointEncoder, Vec<LossRecord>)> {
    let names = source_names(parts);
    log_line(
        terminal,
        format_args!("training a joint encoder for {names} on {device}"),
    );
    with_progress(terminal, "", |observe| {
        nae_joint::join_from(start, parts, config, seed, &device.device, observe)
    })
}
