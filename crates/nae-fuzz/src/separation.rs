//! What files are for: stems.

use nae_audio::Clip;
use nae_model::AudioConfig;
use nae_model::optim::Flow;
use nae_separate::{SeparateError, Separator};

use crate::message;

/// Samples of a frame up to which separating takes no time.
const LONGEST_FRAME: usize = 256;

/// Largest difference between the mixture and the sum of its stems, of full scale.
const TOLERANCE: f32 = 1e-4;

/// Separates a short mixture, if that is quick.
///
/// # Panics
/// If stems are not finite, not as long as the mixture or do not sum to it.
pub(crate) fn check(separator: Result<Separator, SeparateError>, audio: &AudioConfig) {
    if audio.n_fft > LONGEST_FRAME {
        return;
    }
    let separator = match separator {
        Ok(separator) => separator,
        Err(error) => return message::check(&error),
    };
    let mixture = Clip::mono(noise(4 * audio.n_fft + 1), audio.sample_rate);
    let separated = match separator.separate(&mixture, &mut |_| Flow::Continue) {
        Ok(separated) => separated,
        Err(error) => return message::check(&error),
    };
    let mut left = mixture.channels()[0].clone();
    for stem in &separated.stems {
        assert_eq!(stem.samples(), mixture.samples());
        for (left, x) in left.iter_mut().zip(&stem.channels()[0]) {
            assert!(x.is_finite(), "{x} in a stem");
            *left -= x;
        }
    }
    let most = left.iter().fold(0.0f32, |most, x| most.max(x.abs()));
    assert!(most <= TOLERANCE, "stems miss the mixture by {most}");
}

/// The same noise every time, between ±0.5.
fn noise(samples: usize) -> Vec<f32> {
    let mut state = 1u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32 - 0.5
    };
    std::iter::repeat_with(next).take(samples).collect()
}
