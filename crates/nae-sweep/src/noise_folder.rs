//! `data.noises`: a folder of noises.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::data::SourceFiles;
use crate::error::SweepError;
use crate::pool::Pool;

/// Noises by name: folders with `test.wav` (or another sound file of that name, or a folder `test/`) and,
/// where the noise is to have a model, `train` likewise; and sound files that lie there themselves, which
/// have no training sound. What is passed over is added to `notes`.
///
/// # Errors
/// [`SweepError::NoNoise`] for a folder that is missing or has none.
pub(crate) fn noises(
    folder: &Path,
    notes: &mut Vec<String>,
) -> Result<BTreeMap<String, SourceFiles>, SweepError> {
    let none = |problem: &'static str| SweepError::NoNoise {
        path: folder.into(),
        problem,
    };
    if !folder.is_dir() {
        return Err(none("does not exist"));
    }
    let mut found = BTreeMap::new();
    for path in nae_files::sorted_entries(folder)? {
        let files = |train: Option<PathBuf>, test: PathBuf| SourceFiles {
            sex: None,
            pool: Some(Pool::Noises),
            train: train.into_iter().collect(),
            test: vec![test],
        };
        let (name, files) = if path.is_dir() {
            let Some(test) = part(&path, "test")? else {
                notes.push(format!(
                    "{} is no noise of `data.noises`: it has neither test.wav nor test/",
                    path.display()
                ));
                continue;
            };
            (path.file_name(), files(part(&path, "train")?, test))
        } else if nae_audio::is_sound(&path) {
            (path.file_stem(), files(None, path.clone()))
        } else {
            continue;
        };
        let name = name.unwrap_or_default().to_string_lossy().into_owned();
        if found.insert(name.clone(), files).is_some() {
            return Err(SweepError::SameSource { name });
        }
    }
    match found.is_empty() {
        true => Err(none("has no noise in it")),
        false => Ok(found),
    }
}

/// A folder's part: a folder or a sound file of that name.
fn part(folder: &Path, name: &str) -> Result<Option<PathBuf>, SweepError> {
    let is_part = |path: &PathBuf| match path.is_dir() {
        true => path.file_name().is_some_and(|own| own == name),
        false => path.file_stem().is_some_and(|own| own == name) && nae_audio::is_sound(path),
    };
    Ok(nae_files::sorted_entries(folder)?.into_iter().find(is_part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noises_are_folders_with_a_test_and_sound_files() {
        let folder = tempfile::tempdir().unwrap();
        let make = |path: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"").unwrap();
        };
        for path in [
            "wind/train.wav",
            "wind/test.flac",
            "rain/test/0.wav",
            "fan.ogg",
            "notes.txt",
            "empty/readme",
        ] {
            make(path);
        }
        let mut notes = Vec::new();
        let found = noises(folder.path(), &mut notes).unwrap();
        let names: Vec<&str> = found.keys().map(String::as_str).collect();
        assert_eq!(names, ["fan", "rain", "wind"]);
        assert_eq!(found["wind"].train, [folder.path().join("wind/train.wav")]);
        assert_eq!(found["wind"].test, [folder.path().join("wind/test.flac")]);
        assert_eq!(found["rain"].test, [folder.path().join("rain/test")]);
        assert!(found["fan"].train.is_empty());
        assert!(found.values().all(|noise| noise.pool == Some(Pool::Noises)));
        assert_eq!(notes.len(), 1);
        assert!(notes[0].contains("empty"), "{notes:?}");
        make("fan/test.wav");
        assert!(matches!(
            noises(folder.path(), &mut notes),
            Err(SweepError::SameSource { .. })
        ));
        for wrong in ["nowhere", "empty"] {
            let error = noises(&folder.path().join(wrong), &mut notes).unwrap_err();
            assert!(error.to_string().contains("data.noises"), "{error}");
        }
    }
}
