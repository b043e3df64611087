//! Files of every source that `[data]` names.

use std::collections::BTreeMap;
use std::path::Path;

use nae_config::Keys;
use nae_files::check_stem_name;

use crate::data::{Data, SourceFiles};
use crate::error::SweepError;
use crate::keys::source_keys;
use crate::noise_folder::noises;

/// Sources by name.
pub(crate) type Files = BTreeMap<String, SourceFiles>;

/// Files of every source the data names, by name.
///
/// - `notes`: what is passed over is added to them
pub(crate) fn all_sources(data: &Data, notes: &mut Vec<String>) -> Result<Files, SweepError> {
    let mut found = BTreeMap::new();
    if let Some(folder) = &data.speakers {
        if !folder.is_dir() {
            return Err(SweepError::NoFolder {
                key: "data.speakers",
                path: folder.clone(),
            });
        }
        for path in nae_files::sorted_entries(folder)? {
            let train = path.join("train");
            if train.is_dir() {
                let name = path
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                let files = SourceFiles {
                    train: vec![train],
                    test: vec![path.join("test")],
                    ..SourceFiles::default()
                };
                found.insert(name, files);
            }
        }
        if found.is_empty() {
            return Err(SweepError::NoSpeaker {
                place: format!("no folder in {} contains a train/", folder.display()),
            });
        }
    }
    if let Some(folder) = &data.noises {
        for (name, files) in noises(folder, notes)? {
            if found.insert(name.clone(), files).is_some() {
                return Err(SweepError::SameSource { name });
            }
        }
    }
    let listed = data
        .manifest
        .as_ref()
        .map(|path| read_manifest(path))
        .transpose()?;
    for (name, files) in listed.iter().flatten().chain(&data.sources) {
        let known: &mut SourceFiles = found.entry(name.clone()).or_default();
        known.sex = files.sex.or(known.sex);
        known.pool = files.pool.or(known.pool);
        // a source that is known already may be listed for its sex only
        if !files.train.is_empty() {
            known.train.clone_from(&files.train);
        }
        if !files.test.is_empty() {
            known.test.clone_from(&files.test);
        }
    }
    if found.is_empty() {
        return Err(SweepError::NoSpeaker {
            place: "[data] names none".into(),
        });
    }
    // names of sources become names of files and stand in every report
    found.keys().try_for_each(|name| check_stem_name(name))?;
    Ok(found)
}

/// A file of sources, with its paths made absolute.
fn read_manifest(path: &Path) -> Result<BTreeMap<String, SourceFiles>, SweepError> {
    let keys = Keys {
        known: source_keys(),
        hint: "A source has `sex`, `train` and `test`.",
    };
    let (mut sources, _) = nae_config::read::<BTreeMap<String, SourceFiles>>(path, &keys)?;
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    for files in sources.values_mut() {
        for path in files.train.iter_mut().chain(&mut files.test) {
            *path = folder.join(&path);
        }
    }
    Ok(sources)
}
