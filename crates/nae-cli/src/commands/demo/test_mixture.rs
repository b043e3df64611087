//! The mixture that the demo separates.

use std::path::Path;

use anyhow::Result;
use nae_audio::Clip;
use nae_metrics::{Estimate, Reference, si_sdr};

use super::voices::VOICES;

/// Level of each voice relative to full scale, in dB: the mixture stays clear of clipping.
const LEVEL_DB: f64 = -23.0;

/// A mixture and its references.
pub struct TestMixture {
    /// Names of the voices.
    pub names: Vec<String>,
    /// Both voices at one level, cut to one length.
    pub references: Vec<Clip>,
    /// Their sum.
    pub mixture: Clip,
    /// SI-SDR of the mixture as the estimate of each voice, in dB.
    pub si_sdr: Vec<f64>,
}

impl TestMixture {
    /// Mixes one unseen sentence of each voice at 0 dB.
    pub fn read(speech: &Path, sample_rate: u32) -> Result<Self> {
        let mut references = Vec::new();
        for voice in VOICES {
            let path = speech.join(voice).join("test").join("00.wav");
            let clip = nae_audio::read(&path)?;
            references.push(nae_audio::resample(
                &clip.mixdown(),
                clip.sample_rate(),
                sample_rate,
            )?);
        }
        let samples = references.iter().map(Vec::len).min().unwrap_or(0);
        for reference in &mut references {
            reference.truncate(samples);
            let power: f64 =
                reference.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / samples as f64;
            let gain = 10f64.powf(LEVEL_DB / 20.0) / power.sqrt();
            reference
                .iter_mut()
                .for_each(|x| *x = (f64::from(*x) * gain) as f32);
        }
        let mixture: Vec<f32> = (0..samples)
            .map(|n| references.iter().map(|r| r[n]).sum())
            .collect();
        let si_sdr = references
            .iter()
            .map(|r| Ok(si_sdr(&Reference(r), &Estimate(&mixture))?))
            .collect::<Result<_>>()?;
        Ok(Self {
            names: VOICES.iter().map(|voice| (*voice).to_owned()).collect(),
            references: references
                .into_iter()
                .map(|samples| Clip::mono(samples, sample_rate))
                .collect(),
            mixture: Clip::mono(mixture, sample_rate),
            si_sdr,
        })
    }
}
