//! Finding and reading training clips.

use std::path::PathBuf;

use anyhow::{Result, bail};
use nae_train::TrainingClip;

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
    let read = |path: &PathBuf| {
        let clip = TrainingClip::read(path, sample_rate)?;
        log::info!("{}: {:.2} s", path.display(), clip.record.duration_s);
        Ok(clip)
    };
    files.iter().map(read).collect()
}
