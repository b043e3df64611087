//! Stems that another program made of a run's mixtures.

use std::path::Path;

use nae_audio::Clip;
use nae_files::sha256_of_file;

use crate::cell::StemFile;
use crate::dataset::Speaker;
use crate::error::SweepError;

/// The stems of a mixture's sources, in their order: files called like them.
///
/// - `system`: what the experiment calls the program
/// - `folder`: that of the mixture's stems
///
/// # Errors
/// [`SweepError::NoStem`] for the first that is missing.
pub(crate) fn stem_files(
    system: &str,
    folder: &Path,
    sources: &[&Speaker],
) -> Result<Vec<StemFile>, SweepError> {
    let stem = |source: &&Speaker| {
        let path = folder.join(format!("{}.wav", source.name));
        match path.is_file() {
            true => Ok(StemFile {
                sha256: sha256_of_file(&path)?,
                path,
            }),
            false => Err(SweepError::NoStem {
                name: system.into(),
                path,
            }),
        }
    };
    sources.iter().map(stem).collect()
}

/// Reads stems, at the mixture's rate and length.
///
/// # Errors
/// [`SweepError::Changed`] for other files than the run was planned with, [`SweepError::StemLength`] for
/// files of another length than the mixture.
pub(crate) fn read_stems(stems: &[StemFile], mixture: &Clip) -> Result<Vec<Clip>, SweepError> {
    let rate = mixture.sample_rate();
    let read = |stem: &StemFile| {
        if sha256_of_file(&stem.path)? != stem.sha256 {
            return Err(SweepError::Changed {
                path: stem.path.clone(),
            });
        }
        let clip = nae_audio::read(&stem.path)?;
        let samples = nae_audio::resample(&clip.mixdown(), clip.sample_rate(), rate)?;
        match samples.len() == mixture.samples() {
            true => Ok(Clip::mono(samples, rate)),
            false => Err(SweepError::StemLength {
                path: stem.path.clone(),
                came: samples.len(),
                expected: mixture.samples(),
                sample_rate: rate,
            }),
        }
    };
    stems.iter().map(read).collect()
}
