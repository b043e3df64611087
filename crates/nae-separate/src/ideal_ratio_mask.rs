//! The ideal ratio mask of the true sources: a reference that estimated masks hardly exceed.

use nae_audio::{AudioError, Magnitude, Stft, StftConfig};

/// Separates a mixture with the ratio masks `|Sᵢ|/Σ|Sⱼ|` of its true sources.
///
/// - `references`, `mixture`: mono samples of one length at `sample_rate` Hz
/// - returns one estimate for every reference, as long as the mixture
///
/// Frames of 64 ms with a hop of 16 ms, whatever the models use, so that one reference serves all.
/// Bins in which every source is silent are shared equally.
///
/// # Errors
/// [`AudioError`] from the transform.
pub fn ideal_ratio_mask(
    references: &[&[f32]],
    mixture: &[f32],
    sample_rate: u32,
) -> Result<Vec<Vec<f32>>, AudioError> {
    let hop = (sample_rate as usize * 16 / 1000).max(1);
    let stft = Stft::new(StftConfig {
        n_fft: 4 * hop,
        hop,
    })?;
    in_parts(references, mixture, &stft, PART)
}

/// Samples of a part: the spectra of one at a time are kept, however long the sound is.
const PART: usize = 1 << 18;

fn in_parts(
    references: &[&[f32]],
    mixture: &[f32],
    stft: &Stft,
    samples: usize,
) -> Result<Vec<Vec<f32>>, AudioError> {
    let room = || Vec::with_capacity(mixture.len());
    let mut estimates: Vec<Vec<f32>> = references.iter().map(|_| room()).collect();
    for start in (0..mixture.len()).step_by(samples) {
        let part = start..(start + samples).min(mixture.len());
        let frames = stft.frames_of(&part, mixture.len());
        let sources = references
            .iter()
            .map(|samples| Ok(stft.analyze_frames(samples, frames.clone())?.magnitude()))
            .collect::<Result<Vec<Magnitude>, AudioError>>()?;
        let spectrogram = stft.analyze_frames(mixture, frames)?;
        let totals: Vec<f32> = (0..spectrogram.data().len())
            .map(|i| {
                let magnitudes = sources.iter().map(|source| source.data().get(i));
                magnitudes.map(|x| x.copied().unwrap_or(0.0)).sum()
            })
            .collect();
        let equal = 1.0 / sources.len() as f32;
        let ratio = |(x, total): (&f32, &f32)| if *total > 0.0 { x / total } else { equal };
        for (source, estimate) in sources.iter().zip(&mut estimates) {
            let mask = source.data().iter().zip(&totals).map(ratio).collect();
            let mask = Magnitude::new(source.bins(), source.frames(), mask)?;
            let masked = spectrogram.masked(&mask)?;
            estimate.extend(stft.synthesize_part(&masked, mixture.len(), part.clone())?);
        }
    }
    Ok(estimates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_sum_to_the_mixture_and_disjoint_sources_are_recovered() {
        let tone = |step: f32| -> Vec<f32> { (0..8000).map(|n| (n as f32 * step).sin()).collect() };
        let (low, high) = (tone(0.1), tone(1.5));
        let mixture: Vec<f32> = low.iter().zip(&high).map(|(a, b)| a + b).collect();
        let estimates = ideal_ratio_mask(&[&low, &high], &mixture, 16_000).unwrap();
        for n in 0..mixture.len() {
            // rounding of the transform
            assert!((estimates[0][n] + estimates[1][n] - mixture[n]).abs() < 1e-5);
        }
        // away from the onsets at both ends the two tones share no bin
        for n in 2000..6000 {
            assert!((estimates[0][n] - low[n]).abs() < 1e-2, "{n}");
        }
    }

    #[test]
    fn parts_join_to_the_same_numbers() {
        let tone = |step: f32| -> Vec<f32> { (0..8000).map(|n| (n as f32 * step).sin()).collect() };
        let (low, high) = (tone(0.1), tone(0.13));
        let mixture: Vec<f32> = low.iter().zip(&high).map(|(a, b)| a + b).collect();
        let stft = Stft::new(StftConfig::default()).unwrap();
        let of_parts = |samples| in_parts(&[&low, &high], &mixture, &stft, samples).unwrap();
        let whole = of_parts(8000);
        for samples in [1000, 1024, 3001] {
            assert_eq!(of_parts(samples), whole, "{samples}");
        }
    }
}
