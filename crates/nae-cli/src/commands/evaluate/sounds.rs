//! Reading what is scored: one channel, whole in memory.

use std::path::Path;

use anyhow::{Result, bail};
use nae_audio::{AudioReader, Clip};

/// Samples per channel read at once.
const STEP: usize = 1 << 16;

/// Samples of a sound at most, 4.7 h at 16 kHz: all sounds of a mixture are held at once.
const MAX_SAMPLES: usize = 1 << 28;

/// One channel of samples.
#[derive(Debug)]
pub struct Sound {
    /// The file.
    pub name: String,
    /// Hz.
    pub sample_rate: u32,
    pub samples: Vec<f32>,
}

impl Sound {
    /// Reads a file, mixed down as it is read.
    pub fn read(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let mut reader = AudioReader::open(path)?;
        let sample_rate = reader.sample_rate();
        // a hint only: it may lie
        let hint = reader.samples_hint().unwrap_or(0).min(MAX_SAMPLES as u64);
        let mut samples: Vec<f32> = Vec::with_capacity(hint as usize);
        let mut is_silent = true;
        loop {
            let channels = reader.read(STEP)?;
            if channels[0].is_empty() {
                break;
            }
            is_silent &= channels.iter().flatten().all(|x| *x == 0.0);
            samples.extend(Clip::new(channels, sample_rate)?.mixdown());
            if samples.len() > MAX_SAMPLES {
                bail!(
                    "{name} is longer than {MAX_SAMPLES} samples ({:.1} h at its {sample_rate} Hz), the most that can be scored at once; score it in parts",
                    MAX_SAMPLES as f64 / f64::from(sample_rate) / 3600.0
                );
            }
        }
        if !is_silent && samples.iter().all(|x| *x == 0.0) {
            bail!(
                "{name}: its channels cancel each other when they are mixed down to one, so nothing is left to score; give one channel, or turn the polarity of one"
            );
        }
        Ok(Self {
            name,
            sample_rate,
            samples,
        })
    }
}
