//! Finding the recordings of an experiment, and checking that there is enough of them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use nae_files::sha256_of_file;
use serde::{Deserialize, Serialize};

use crate::data::Data;
use crate::error::SweepError;
use crate::lists::Pairs;
use crate::pairs::{groups, known, nearest};
use crate::pool::Pool;
use crate::source_files::{Files, all_sources};
use crate::system_config::{Join, MixSpec};
use crate::unknown_model::UnknownModel;
use crate::unknown_sources::UnknownSource;

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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Speaker {
    /// Name, also of models and stems.
    pub name: String,
    /// Training recordings, in order.
    pub train: Vec<Recording>,
    /// Recordings that mixtures are made of, in order.
    pub test: Vec<Recording>,
    /// What it belongs to.
    #[serde(default, skip_serializing_if = "Pool::is_default")]
    pub pool: Pool,
}

/// What an experiment wants of one set of mixtures.
#[derive(Clone, Debug)]
pub(crate) struct Wanted<'a> {
    /// Which sources are mixed.
    pub pairs: &'a Pairs,
    /// How, by every system that separates them.
    pub uses: Vec<Use<'a>>,
}

/// How mixtures are made and separated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Use<'a> {
    /// Durations and levels.
    pub mix: &'a MixSpec,
    /// What stands in for sources without a model; nothing where no model is needed at all.
    pub unknown: Option<&'a UnknownModel>,
    /// Whether models are joined: then against the sound of others, where a source has none.
    pub join: Join,
}

/// The speakers of an experiment, and which of them are mixed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Dataset {
    /// All that take part.
    pub speakers: Vec<Speaker>,
    /// Indices into `speakers`.
    pub pairs: Vec<Vec<usize>>,
    /// For every set of mixtures its pairs, as indices into `pairs`.
    pub of_wanted: Vec<Vec<usize>>,
    /// What was passed over, in sentences.
    pub notes: Vec<String>,
}

/// Seconds of all recordings together.
pub fn duration_s(recordings: &[Recording]) -> f64 {
    recordings
        .iter()
        .map(|recording| recording.duration_s)
        .sum()
}

/// Names of sources by what is needed of them.
#[derive(Debug, Default)]
struct Needs {
    /// They have a model of their own.
    trained: BTreeSet<String>,
    /// Mixtures are made of them.
    tested: BTreeSet<String>,
    /// They stand for others without a model, where they have enough sound.
    merged: BTreeSet<String>,
}

type Groups = Vec<Vec<String>>;

impl Dataset {
    /// Finds all speakers that take part and reads their recordings once.
    ///
    /// # Errors
    /// [`SweepError`] for folders and speakers that are missing, unreadable sound, or too little of it, and
    /// for settings of mixtures that do not fit the sources.
    pub fn find(data: &Data, wanted: &[Wanted<'_>]) -> Result<Self, SweepError> {
        let mut notes = Vec::new();
        let files = all_sources(data, &mut notes)?;
        let of_wanted = wanted.iter().map(|wanted| groups(wanted.pairs, &files));
        let of_wanted = of_wanted.collect::<Result<Vec<Groups>, _>>()?;
        for (wanted, groups) in wanted.iter().zip(&of_wanted) {
            check_mixes(wanted, groups, &files)?;
        }
        let needs = needs(wanted, &of_wanted, &files);
        let mut speakers = Vec::new();
        for (name, files) in &files {
            let is_trained = needs.trained.contains(name);
            let is_tested = needs.tested.contains(name);
            let is_merged = needs.merged.contains(name);
            if !(is_trained || is_tested || is_merged) {
                continue;
            }
            let train = match (is_trained, is_merged) {
                (true, _) => recordings(name, "train", &files.train)?,
                (false, true) => {
                    let found = recordings(name, "train", &files.train);
                    let enough = |found: &Vec<Recording>| duration_s(found) >= data.min_train_s;
                    found.ok().filter(enough).unwrap_or_else(|| {
                        notes.push(format!("{name} has less training sound than `data.min_train_s`, {} s, and does not stand for sources without a model", data.min_train_s));
                        Vec::new()
                    })
                }
                (false, false) => Vec::new(),
            };
            let found_s = duration_s(&train);
            if is_trained && found_s < data.min_train_s {
                return Err(SweepError::TooLittle {
                    speaker: name.clone(),
                    part: "train",
                    found_s,
                    needed_s: data.min_train_s,
                    key: "data.min_train_s",
                });
            }
            let test = match is_tested {
                false => Vec::new(),
                true => recordings(name, "test", &files.test)?,
            };
            speakers.push(Speaker {
                name: name.clone(),
                train,
                test,
                pool: files.pool(),
            });
        }
        let (mut pairs, mut places) = (Vec::new(), Vec::new());
        for (wanted, groups) in wanted.iter().zip(&of_wanted) {
            let first = pairs.len();
            let index = |name: &String| speakers.iter().position(|own| own.name == *name);
            let members = |group: &Vec<String>| group.iter().filter_map(index).collect();
            pairs.extend(groups.iter().map(members));
            check_lengths(wanted, &pairs[first..], &speakers)?;
            places.push((first..pairs.len()).collect());
        }
        Ok(Self {
            speakers,
            pairs,
            of_wanted: places,
            notes,
        })
    }
}

/// What the mixtures need of each source; without mixtures all are trained.
fn needs(wanted: &[Wanted<'_>], of_wanted: &[Groups], files: &Files) -> Needs {
    let mut needs = Needs::default();
    if of_wanted.iter().all(Vec::is_empty) {
        needs.trained = files.keys().cloned().collect();
        return needs;
    }
    for (wanted, groups) in wanted.iter().zip(of_wanted) {
        for (group, own) in groups
            .iter()
            .flat_map(|g| wanted.uses.iter().map(move |u| (g, u)))
        {
            needs.tested.extend(group.iter().cloned());
            let Some(stands_in) = own.unknown else {
                continue;
            };
            let unknown = places(own.mix, group, files);
            for (place, name) in group.iter().enumerate() {
                match stands_in {
                    _ if !unknown.contains(&place) => needs.trained.insert(name.clone()),
                    UnknownModel::Known => needs.trained.insert(name.clone()),
                    UnknownModel::Free if own.join == Join::No => false,
                    UnknownModel::Free | UnknownModel::Universal => {
                        let pool = files[name].pool();
                        let own = files.iter().filter(|(_, files)| files.pool() == pool);
                        needs.merged.extend(own.map(|(name, _)| name.clone()));
                        true
                    }
                    UnknownModel::Model(_) => false,
                };
            }
        }
    }
    needs
}

/// Places of a mixture's sources that have no model.
fn places(mix: &MixSpec, group: &[String], files: &Files) -> Vec<usize> {
    let members = group.iter();
    let members = members.map(|name| (name.as_str(), files[name].pool()));
    mix.unknown.places(members)
}

/// Refuses unknown sources that no mixture has or that are all of one, and levels of other sources.
fn check_mixes(wanted: &Wanted<'_>, groups: &Groups, files: &Files) -> Result<(), SweepError> {
    for own in &wanted.uses {
        for group in groups {
            let levels = own.mix.levels_db.len();
            if levels != 0 && levels != group.len() {
                return Err(SweepError::Levels {
                    pair: group.join("+"),
                    came: levels,
                    expected: group.len(),
                });
            }
            if places(own.mix, group, files).len() == group.len() {
                return Err(SweepError::NothingKnown {
                    pair: group.join("+"),
                });
            }
        }
        if groups.is_empty() {
            continue;
        }
        for unknown in &own.mix.unknown.0 {
            let mut sources = groups.iter().flat_map(|group| group.iter().enumerate());
            let is_there =
                |(place, name): (usize, &String)| unknown.is(place, name, files[name].pool());
            if !sources.any(is_there) {
                return Err(not_mixed(unknown, groups));
            }
        }
    }
    Ok(())
}

/// The error for an unknown source that is in no mixture.
fn not_mixed(unknown: &UnknownSource, groups: &Groups) -> SweepError {
    let all: BTreeSet<String> = groups.iter().flatten().cloned().collect();
    let (name, nearest) = match unknown {
        UnknownSource::Name(name) => (format!("`{name}`"), nearest(name, all.iter())),
        UnknownSource::Pool(pool) => (format!("\"{}\"", pool.word()), String::new()),
        UnknownSource::Place(place) => (format!("{place}"), String::new()),
    };
    SweepError::NotMixed {
        name,
        nearest,
        known: known(all.iter()),
    }
}

/// Refuses mixtures of too little sound. Of those that a rule makes, the others are enough.
fn check_lengths(
    wanted: &Wanted<'_>,
    pairs: &[Vec<usize>],
    speakers: &[Speaker],
) -> Result<(), SweepError> {
    for own in &wanted.uses {
        let mut refused = None;
        let mut is_any_long_enough = false;
        for pair in pairs {
            let durations = pair
                .iter()
                .map(|&member| duration_s(&speakers[member].test));
            let durations: Vec<f64> = durations.collect();
            match own.mix.length_s(&durations) {
                Ok(_) => is_any_long_enough = true,
                Err(short) => {
                    let error = SweepError::TooLittle {
                        speaker: speakers[pair[short.place]].name.clone(),
                        part: "test",
                        found_s: durations[short.place],
                        needed_s: short.needed_s,
                        key: short.key,
                    };
                    refused.get_or_insert(error);
                }
            }
        }
        let is_by_rule = matches!(wanted.pairs, Pairs::Rule(_));
        match refused {
            Some(error) if !is_by_rule || !is_any_long_enough => return Err(error),
            _ => {}
        }
    }
    Ok(())
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
