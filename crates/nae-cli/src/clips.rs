//! Finding and reading training clips.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use nae_audio::resample;
use nae_model::ClipRecord;
use nae_model::file::sha256_hex;
use nae_train::TrainingClip;

/// File name endings that a folder is searched for.
const ENDINGS: [&str; 10] = [
    "wav", "flac", "mp3", "ogg", "oga", "m4a", "mp4", "aac", "aif", "aiff",
];

/// Reads all clips, mixed down and at `sample_rate`. Folders are searched with their subfolders,
/// in the order of their names.
pub fn read_clips(paths: &[PathBuf], sample_rate: u32) -> Result<Vec<TrainingClip>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let before = files.len();
            search(path, &mut files)?;
            if files.len() == before {
                bail!(
                    "there is no sound file in the folder {} (looked for {})",
                    path.display(),
                    ENDINGS.join(", ")
                );
            }
        } else {
            files.push(path.clone());
        }
    }
    files
        .iter()
        .map(|file| read_clip(file, sample_rate))
        .collect()
}

fn search(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for path in sorted_entries(folder)? {
        if path.is_dir() {
            search(&path, files)?;
        } else if is_sound(&path) {
            files.push(path);
        }
    }
    Ok(())
}

/// What is in a folder, in the order of the names.
pub fn sorted_entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("cannot look into the folder {}", folder.display()))?;
    let mut paths = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<PathBuf>>>()?;
    paths.sort();
    Ok(paths)
}

/// Whether a file's name ends as a sound's does.
pub fn is_sound(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ENDINGS.contains(&ending.to_string_lossy().to_lowercase().as_str()))
}

fn read_clip(path: &Path, sample_rate: u32) -> Result<TrainingClip> {
    let clip = nae_audio::read(path)?;
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let record = ClipRecord {
        name: path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        sha256: sha256_hex(&bytes),
        duration_s: clip.duration_s(),
    };
    log::info!(
        "{}: {:.2} s, {} Hz, {} channels",
        path.display(),
        clip.duration_s(),
        clip.sample_rate(),
        clip.channel_count()
    );
    let samples = resample(&clip.mixdown(), clip.sample_rate(), sample_rate)?;
    Ok(TrainingClip { record, samples })
}
