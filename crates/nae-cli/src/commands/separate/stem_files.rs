//! The files of the stems while they are written.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nae_audio::{AudioError, AudioReader, BitDepth, WavSink};
use nae_files::ScratchFolder;
use nae_separate::{ResidualLevel, SeparationSummary};

use super::integers::to_integers;

/// What the finished files hold.
pub struct Written {
    /// Gain that all stems share: 1 unless integer stems would have clipped.
    pub gain: f32,
    /// Residual of the files, with the rounding of integer stems.
    pub residual: ResidualLevel,
}

/// The files of all stems. Integer stems may need a gain that is known at the end only, so they are
/// first written as floats into a temporary folder beside them.
pub struct StemFiles {
    stems: Vec<PathBuf>,
    depth: BitDepth,
    sinks: Vec<WavSink>,
    draft: Option<Draft>,
}

/// Float stems on their way to integers. The folder is removed when dropped.
struct Draft {
    paths: Vec<PathBuf>,
    _folder: ScratchFolder,
}

impl StemFiles {
    /// Opens a file a stem, with the mixture's channels and rate.
    ///
    /// - `folder`: that of the stems
    pub fn create(
        folder: &Path,
        stems: &[PathBuf],
        mixture: &AudioReader,
        depth: BitDepth,
    ) -> Result<Self> {
        let draft = match depth {
            BitDepth::Float32 => None,
            BitDepth::Int16 | BitDepth::Int24 => Some(Draft::new(folder, stems)?),
        };
        let (channels, rate) = (mixture.channel_count(), mixture.sample_rate());
        let paths = draft.as_ref().map_or(stems, |draft| &draft.paths);
        let sinks = paths
            .iter()
            .map(|path| WavSink::create(path, channels, rate, BitDepth::Float32))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            stems: stems.to_vec(),
            depth,
            sinks,
            draft,
        })
    }

    /// Appends samples, channel by channel, to one stem.
    pub fn write(&mut self, stem: usize, samples: &[Vec<f32>]) -> Result<(), AudioError> {
        self.sinks[stem].write(samples)
    }

    /// Completes the files.
    pub fn finish(self, separation: &SeparationSummary) -> Result<Written> {
        let residual = separation.residual;
        let Some(draft) = self.draft else {
            place(self.sinks)?;
            let gain = 1.0;
            return Ok(Written { gain, residual });
        };
        for sink in self.sinks {
            sink.finish().context("no stem was written")?;
        }
        let peak = separation.peaks.iter().fold(0.0f32, |a, &b| a.max(b));
        let (sinks, gain, residual) =
            to_integers(&draft.paths, &self.stems, self.depth, peak, residual)?;
        place(sinks)?;
        Ok(Written { gain, residual })
    }
}

/// Completes all files before the first is moved to its place: on a full disk none appears.
fn place(sinks: Vec<WavSink>) -> Result<()> {
    let complete = sinks.into_iter().map(WavSink::complete);
    let mut placed = Vec::new();
    for file in complete.collect::<Result<Vec<_>, _>>()? {
        let path = file.path().display().to_string();
        let placing = file.commit();
        placing.with_context(|| match placed.is_empty() {
            true => "no stem was written".into(),
            false => format!("of the stems, only {} was written", placed.join(" and ")),
        })?;
        placed.push(path);
    }
    Ok(())
}

impl Draft {
    fn new(folder: &Path, stems: &[PathBuf]) -> Result<Self> {
        let draft = ScratchFolder::create_hidden_in(folder)?;
        // called like the stems, as errors name them
        let path = |stem: &PathBuf| draft.path().join(stem.file_name().unwrap_or_default());
        Ok(Self {
            paths: stems.iter().map(path).collect(),
            _folder: draft,
        })
    }
}
