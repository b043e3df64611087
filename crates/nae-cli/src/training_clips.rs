//! Finding and reading training clips, and saying how much each of them gives.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use nae_model::AudioConfig;
use nae_train::{Material, SegmentShape, TrainingClip, Usage};
use serde::Serialize;

use crate::arguments::Terminal;
use crate::console::log_line;

/// Clips that get a line each; more get one for all.
const LINES: usize = 20;

/// Warnings about clips that are printed at most; all clips are in the JSON.
const WARNINGS: usize = 20;

/// How much of a clip was used, for `--json`.
#[derive(Clone, Debug, Serialize)]
pub struct ClipReport {
    /// The file.
    pub file: PathBuf,
    /// Its length.
    pub seconds: f64,
    /// Seconds of it that are loud enough and were used.
    pub used_seconds: f64,
}

/// The files of all clips. Folders are searched with their subfolders, in the order of their names.
pub fn find_clips(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let found = nae_audio::sound_files(path)?;
            if found.is_empty() {
                bail!(
                    "no sound file in the folder {} or its subfolders; expected files ending in {}",
                    path.display(),
                    nae_audio::ENDINGS.join(", ")
                );
            }
            files.extend(found);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

/// Reads clips, mixed down and at `sample_rate`.
pub fn read_clips(files: &[PathBuf], sample_rate: u32) -> Result<Vec<TrainingClip>> {
    read_beginnings(files, sample_rate, usize::MAX)
}

/// As [`read_clips`], but keeps only the first `limit` samples of them all.
pub fn read_beginnings(
    files: &[PathBuf],
    sample_rate: u32,
    limit: usize,
) -> Result<Vec<TrainingClip>> {
    let mut left = limit;
    let read = |path: &PathBuf| {
        let clip = TrainingClip::read_beginning(path, sample_rate, left)?;
        left -= clip.samples.len();
        log::info!("{}: {:.2} s", path.display(), clip.record.duration_s);
        Ok(clip)
    };
    files.iter().map(read).collect()
}

/// What models need of their clips.
pub struct Wanted {
    /// Sample rate and transform.
    pub audio: AudioConfig,
    /// Frames so far below the loudest are left out, in dB.
    pub silence_db: f64,
    /// The forms of the frames, as `Material::read` has them.
    pub shapes: Vec<Option<SegmentShape>>,
}

/// Reads what a model is trained on, and says how much each clip gives.
pub fn read_material(
    files: &[PathBuf],
    wanted: &Wanted,
    terminal: &Terminal,
) -> Result<(Material, Vec<ClipReport>)> {
    let (audio, silence_db) = (&wanted.audio, wanted.silence_db);
    let material = Material::read(files, audio, silence_db, &wanted.shapes);
    let material = material.with_context(|| some(files))?;
    // the same frames count in every form, unless there are too many
    let Some(frames) = material.frames.first() else {
        bail!("there is no model to train");
    };
    let seconds: Vec<f64> = frames.records.iter().map(|clip| clip.duration_s).collect();
    let setting = ("train.silence_db", silence_db);
    let reports = report(files, &seconds, &frames.usage, setting, terminal);
    let (chosen, available) = (frames.count(), frames.available);
    if chosen < available {
        log_line(
            terminal,
            format_args!(
                "training on {chosen} of {available} frames, spread evenly over the clips: more are not held in memory, and more sound hardly helps"
            ),
        );
    }
    Ok((material, reports))
}

/// Says how much each clip gives, and warns of those that give little.
///
/// - `seconds`: length of every file
/// - `usage`: of the clips, in the same order
/// - `setting`: the setting that decides what is loud enough, and its value
pub fn report(
    files: &[PathBuf],
    seconds: &[f64],
    usage: &Usage,
    setting: (&str, f64),
    terminal: &Terminal,
) -> Vec<ClipReport> {
    let clips = files.iter().zip(seconds).zip(&usage.clips);
    let reports = clips.map(|((file, &seconds), clip)| ClipReport {
        file: file.clone(),
        seconds,
        used_seconds: clip.used_s,
    });
    let reports: Vec<ClipReport> = reports.collect();
    let line = |what: &dyn std::fmt::Display, used: f64, of: f64| {
        log_line(
            terminal,
            format_args!("{what}: {used:.1} s of {of:.1} s are used"),
        );
    };
    if reports.len() <= LINES {
        for clip in &reports {
            line(&clip.file.display(), clip.used_seconds, clip.seconds);
        }
    } else {
        let what = format!("{} clips", reports.len());
        let used = reports.iter().map(|clip| clip.used_seconds).sum();
        line(&what, used, seconds.iter().sum());
    }
    let names: Vec<String> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    let warnings = usage.warnings(&names, setting);
    for warning in warnings.iter().take(WARNINGS) {
        log::warn!("{warning}");
    }
    if warnings.len() > WARNINGS {
        let further = warnings.len() - WARNINGS;
        log::warn!("and {further} more like these; --json lists all clips");
    }
    reports
}

/// Some clips by name, for an error about all of them.
fn some(files: &[PathBuf]) -> String {
    const NAMED: usize = 3;
    let display = |file: &PathBuf| Path::display(file).to_string();
    let names: Vec<String> = files.iter().take(NAMED).map(display).collect();
    match files.len().saturating_sub(NAMED) {
        0 => names.join(", "),
        further => format!("{} and {further} more", names.join(", ")),
    }
}
