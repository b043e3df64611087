//! Where the sounds of a bank are.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use nae_audio::is_sound;
use nae_files::files_below;

use crate::model_location::ModelLocation;

/// What may give sounds to a bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub location: Location,
    /// Whether it was named itself, and not found in a folder.
    pub is_named: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    Clip(PathBuf),
    Model(ModelLocation),
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Clip(path) => write!(f, "{}", path.display()),
            Self::Model(model) => write!(f, "{model}"),
        }
    }
}

/// Everything that `--against` names.
pub struct Places(pub(super) Vec<Place>);

impl Places {
    /// Its files.
    pub fn files(&self) -> impl Iterator<Item = PathBuf> {
        let places = self.0.iter();
        places.filter_map(|place| match &place.location {
            Location::Clip(path) => Some(path.clone()),
            Location::Model(model) => model.file().map(Path::to_owned),
        })
    }
}

/// Looks for sound files and model files, in folders with their subfolders.
///
/// # Errors
/// For a folder without any.
pub fn find(against: &[String]) -> Result<Places> {
    let mut places: Vec<Place> = Vec::new();
    for text in against {
        let path = Path::new(text);
        let found = match path.is_dir() {
            true => in_folder(path)?,
            false => vec![Place {
                location: match ModelLocation::is_universal(text) || is_model(path) {
                    true => Location::Model(ModelLocation::parse(text)),
                    false => Location::Clip(path.into()),
                },
                is_named: true,
            }],
        };
        // a file that is named twice is one sound
        for place in found {
            let mut others = places.iter_mut();
            match others.find(|other| other.location == place.location) {
                Some(other) => other.is_named |= place.is_named,
                None => places.push(place),
            }
        }
    }
    Ok(Places(places))
}

fn in_folder(folder: &Path) -> Result<Vec<Place>> {
    let files = files_below(folder, &|path| is_sound(path) || is_model(path))?;
    if files.is_empty() {
        bail!(
            "nothing to train against in the folder {} or its subfolders; expected sound files (ending in {}) or model files (ending in safetensors)",
            folder.display(),
            nae_audio::ENDINGS.join(", ")
        );
    }
    let place = |path: PathBuf| Place {
        location: match is_model(&path) {
            true => Location::Model(ModelLocation::File(path)),
            false => Location::Clip(path),
        },
        is_named: false,
    };
    Ok(files.into_iter().map(place).collect())
}

fn is_model(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("safetensors"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sounds_and_models_are_found_in_subfolders_and_each_once() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("b")).unwrap();
        for name in ["a.wav", "b/x.safetensors", "b/notes.txt", "b/y.flac"] {
            std::fs::write(folder.path().join(name), b"").unwrap();
        }
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let all = text(folder.path());
        let again = text(&folder.path().join("a.wav"));
        let places = find(&[all, again, "universal:noise".into()]).unwrap();
        assert_eq!(places.files().count(), 3);
        let named: Vec<bool> = places.0.iter().map(|place| place.is_named).collect();
        assert_eq!(named, [true, false, false, true]);
        assert!(matches!(
            &places.0[1].location,
            Location::Model(ModelLocation::File(_))
        ));
        let empty = folder.path().join("empty");
        std::fs::create_dir(&empty).unwrap();
        let error = find(&[text(&empty)]).err().unwrap().to_string();
        assert!(error.contains("nothing to train against"), "{error}");
    }
}
