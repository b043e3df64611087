//! A run's mixtures as files, for programs whose stems are to be compared.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use nae_audio::{BitDepth, Clip};
use serde::Serialize;

use crate::cell::{self, Place, Separation};
use crate::dataset::Speaker;
use crate::error::SweepError;
use crate::manifest::Manifest;
use crate::pool::Pool;
use crate::sound::Sounds;

/// What is in a folder of a mixture: `mixture.json`.
#[derive(Debug, Serialize)]
struct Description<'a> {
    /// The scenario, where the experiment names scenarios.
    #[serde(skip_serializing_if = "Option::is_none")]
    scenario: Option<&'a str>,
    /// The sources, joined by `+`.
    pair: String,
    /// Number of the mixture, from 0.
    mixture: usize,
    sample_rate: u32,
    /// In the mixture's order; a stem is `NAME.wav`.
    sources: Vec<Part<'a>>,
}

#[derive(Debug, Serialize)]
struct Part<'a> {
    name: &'a str,
    pool: Pool,
    /// Whether it has no model for the system that the mixture was first planned for.
    is_unknown: bool,
}

impl<'a> Part<'a> {
    fn of(source: &'a Speaker, cell: &Separation, place: usize) -> Self {
        Self {
            name: &source.name,
            pool: source.pool,
            is_unknown: cell.unknown.contains(&place),
        }
    }
}

/// Writes every mixture of a run into a folder of its own under `folder`: `mixture.wav`, the sources that it
/// is the sum of under their names in `sources/`, and `mixture.json`. Samples are 32-bit floats. Mixtures that are there stay.
///
/// A system whose `stems` is another folder scores `FOLDER/NAME/SOURCE.wav`, where NAME is the folder of the
/// mixture here.
///
/// - `stop`: asked before every mixture
///
/// # Errors
/// [`SweepError`] for recordings that are missing or changed, and files that cannot be written.
pub fn write(
    manifest: &Manifest,
    folder: &Path,
    stop: &dyn Fn() -> bool,
) -> Result<Vec<PathBuf>, SweepError> {
    let sounds = Sounds::new(&manifest.speakers);
    let (mut written, mut seen) = (Vec::new(), HashSet::new());
    for cell in &manifest.separations {
        if stop() {
            return Err(SweepError::Stopped);
        }
        let config = &manifest.variants[cell.variant].config;
        let members = manifest.members(cell.pair);
        let place = Place {
            index: cell.mixture,
            of: manifest.mixtures_of(cell.variant),
        };
        let id = cell::mixture(config, &members, place)?;
        let folder = folder.join(manifest.mixture_name(cell.pair, cell.mixture, &id));
        if !seen.insert(folder.clone()) {
            continue;
        }
        written.push(folder.clone());
        let description = folder.join("mixture.json");
        if description.exists() {
            continue;
        }
        let rate = config.audio.sample_rate;
        let sound = sounds.mixture(&manifest.pairs[cell.pair], place, &config.data, rate)?;
        let sources = folder.join("sources");
        nae_files::create_folder(&sources)?;
        for (source, samples) in members.iter().zip(sound.references) {
            let path = sources.join(format!("{}.wav", source.name));
            nae_audio::write(&path, &Clip::mono(samples, rate), BitDepth::Float32)?;
        }
        let mixture = folder.join("mixture.wav");
        nae_audio::write(&mixture, &sound.mixture, BitDepth::Float32)?;
        let sources = members.iter().copied().enumerate();
        let what = Description {
            scenario: manifest
                .scenario_of(cell.variant)
                .map(|own| own.name.as_str()),
            pair: manifest.pair_name(cell.pair),
            mixture: cell.mixture,
            sample_rate: rate,
            sources: sources
                .map(|(place, source)| Part::of(source, cell, place))
                .collect(),
        };
        // the last file says that all are there
        let text = serde_json::to_vec_pretty(&what).map_err(|error| SweepError::Damaged {
            path: description.clone(),
            message: error.to_string(),
        })?;
        nae_files::write_atomically(&description, &text)?;
    }
    Ok(written)
}
