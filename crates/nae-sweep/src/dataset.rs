//! Finding the recordings of an experiment, and checking that there is enough of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use nae_config::Keys;
use nae_files::{check_stem_name, sha256_of_file};
use serde::{Deserialize, Serialize};

use crate::data::{Data, Sex, SourceFiles};
use crate::error::SweepError;
use crate::keys::source_keys;
use crate::lists::Pairs;

/// A recording as it was when the run was planned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// The file.
    pub path: PathBuf,
    /// SHA-256 of the file in hexadecimal.
    pub sha256: String,
    /// Length in seconds.
    pub duration_s: f64,
}

/// One speaker, or any other source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Speaker {
    /// Name, also of models and stems.
    pub name: String,
    /// Training recordings, in order.
    pub train: Vec<Recording>,
    /// Recordings that mixtures are made of, in order.
    pub test: Vec<Recording>,
}

/// The speakers of an experiment, and which of them are mixed.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// All that take part.
    pub speakers: Vec<Speaker>,
    /// Indices into `speakers`.
    pub pairs: Vec<Vec<usize>>,
}

/// Seconds of all recordings together.
pub fn duration_s(recordings: &[Recording]) -> f64 {
    recordings
        .iter()
        .map(|recording| recording.duration_s)
        .sum()
}

impl Dataset {
    /// Finds all speakers that take part and reads their recordings once.
    ///
    /// - `longest_mixture_s`: the longest mixture that will be cut
    ///
    /// # Errors
    /// [`SweepError`] for folders and speakers that are missing, unreadable sound, or too little of it.
    pub fn find(data: &Data, longest_mixture_s: f64) -> Result<Self, SweepError> {
        let files = all_sources(data)?;
        let groups = groups(data, &files)?;
        let takes_part = |name: &String| {
            groups.is_empty() || groups.iter().flatten().any(|member| member == name)
        };
        let mut speakers = Vec::new();
        for (name, files) in files.iter().filter(|(name, _)| takes_part(name)) {
            let train = recordings(name, "train", &files.train)?;
            let found_s = duration_s(&train);
            if found_s < data.min_train_s {
                return Err(SweepError::TooLittle {
                    speaker: name.clone(),
                    part: "train",
                    found_s,
                    needed_s: data.min_train_s,
                    key: "data.min_train_s",
                });
            }
            let test = match groups.is_empty() {
                true => Vec::new(),
                false => recordings(name, "test", &files.test)?,
            };
            let found_s = duration_s(&test);
            if !groups.is_empty() && found_s < longest_mixture_s {
                return Err(SweepError::TooLittle {
                    speaker: name.clone(),
                    part: "test",
                    found_s,
                    needed_s: longest_mixture_s,
                    key: "data.mixture_s",
                });
            }
            speakers.push(Speaker {
                name: name.clone(),
                train,
                test,
            });
        }
        let index = |name: &String| speakers.iter().position(|speaker| speaker.name == *name);
        let pairs = groups
            .iter()
            .map(|group| group.iter().filter_map(index).collect())
            .collect();
        Ok(Self { speakers, pairs })
    }
}

/// Files of every source the data names, by name.
fn all_sources(data: &Data) -> Result<BTreeMap<String, SourceFiles>, SweepError> {
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
                    sex: None,
                    train: vec![train],
                    test: vec![path.join("test")],
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
    let listed = data
        .manifest
        .as_ref()
        .map(|path| read_manifest(path))
        .transpose()?;
    for (name, files) in listed.iter().flatten().chain(&data.sources) {
        let known: &mut SourceFiles = found.entry(name.clone()).or_default();
        known.sex = files.sex.or(known.sex);
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

/// Names that are mixed with each other; none when models are only trained.
fn groups(
    data: &Data,
    files: &BTreeMap<String, SourceFiles>,
) -> Result<Vec<Vec<String>>, SweepError> {
    let names: Vec<&String> = files.keys().collect();
    let known = || {
        const MOST: usize = 40;
        let shown = names.iter().take(MOST).map(|name| name.as_str());
        let shown = shown.collect::<Vec<_>>().join(", ");
        match names.len().saturating_sub(MOST) {
            0 => shown,
            more => format!("{shown} … and {more} more"),
        }
    };
    let rule = |rule: &str, pairs: Vec<Vec<String>>| match pairs.is_empty() {
        true => Err(SweepError::NoPair {
            rule: rule.into(),
            known: known(),
        }),
        false => Ok(pairs),
    };
    match &data.pairs {
        Pairs::None => Ok(Vec::new()),
        Pairs::All => {
            let others = |i: usize| names[i + 1..].iter().map(move |b| (i, *b));
            let pairs = (0..names.len()).flat_map(others);
            rule(
                "all",
                pairs
                    .map(|(i, b)| vec![names[i].clone(), b.clone()])
                    .collect(),
            )
        }
        Pairs::MixedSex => {
            let mut sides: [Vec<&String>; 2] = Default::default();
            for (name, files) in files {
                match files.sex.or_else(|| sex_of_name(name)) {
                    Some(Sex::Female) => sides[0].push(name),
                    Some(Sex::Male) => sides[1].push(name),
                    None => {
                        return Err(SweepError::NoSex {
                            speaker: name.clone(),
                        });
                    }
                }
            }
            let [women, men] = sides;
            let pairs = women
                .iter()
                .flat_map(|woman| men.iter().map(|man| vec![(*woman).clone(), (*man).clone()]));
            rule("mixed-sex", pairs.collect())
        }
        Pairs::List(groups) => {
            for group in groups {
                let mut sorted = group.clone();
                sorted.sort();
                sorted.dedup();
                if group.len() < 2 || sorted.len() < group.len() {
                    return Err(SweepError::BadPair {
                        pair: group.join("+"),
                    });
                }
                if let Some(name) = group.iter().find(|name| !files.contains_key(*name)) {
                    let nearness = |known: &&&String| strsim::jaro_winkler(name, known);
                    let nearest = names
                        .iter()
                        .max_by(|a, b| nearness(a).total_cmp(&nearness(b)));
                    return Err(SweepError::UnknownSpeaker {
                        name: name.clone(),
                        nearest: nearest.map_or_else(String::new, |nearest| {
                            format!(" Did you mean `{nearest}`?")
                        }),
                        known: known(),
                    });
                }
            }
            Ok(groups.clone())
        }
    }
}

/// By the end of the name: `…_f` or `…_m`.
fn sex_of_name(name: &str) -> Option<Sex> {
    match name.rsplit_once('_')?.1 {
        "f" => Some(Sex::Female),
        "m" => Some(Sex::Male),
        _ => None,
    }
}

/// Reads every file once: its checksum, its length, and whether it is sound.
fn recordings(
    speaker: &str,
    part: &'static str,
    paths: &[PathBuf],
) -> Result<Vec<Recording>, SweepError> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            files.extend(nae_audio::sound_files(path)?);
        } else if path.exists() {
            files.push(path.clone());
        }
    }
    if files.is_empty() {
        let places: Vec<String> = paths
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        let place = match places.is_empty() {
            true => format!("`{part}` lists none"),
            false => format!("nothing found at {}", places.join(", ")),
        };
        return Err(SweepError::NoSound {
            speaker: speaker.into(),
            part,
            place,
        });
    }
    let read = |path: &PathBuf| {
        Ok(Recording {
            duration_s: nae_audio::read(path)?.duration_s(),
            sha256: sha256_of_file(path)?,
            path: path.clone(),
        })
    };
    files.iter().map(read).collect()
}

#[cfg(test)]
mod tests;
