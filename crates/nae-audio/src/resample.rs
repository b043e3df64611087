//! From one sample rate to another.
//!
//! rubato's synchronous FFT resampler in `f64`: exact in ratio, a linear-phase low-pass below the
//! lower of both Nyquist frequencies. Offline there is time for a long filter: at least
//! `SHORT_BLOCK` taps counted at the lower rate. The filter's delay is taken out to the sample
//! (blocks are even in length, so that it is a whole number), nothing shifts.
//!
//! Measured from 44.1 kHz to 16 kHz: flat to 0.01 dB up to 7850 Hz, −2 dB at 7900 Hz, −104 dB at
//! 7990 Hz, aliases below −148 dB; a tone of 1 kHz comes out within 3e-8 of the one computed at the
//! other rate, in place and level.
//!
//! Sound is taken to be silent before its first and after its last sample, so that those
//! [`edge_samples`] ring a little; blocks of a longer sound should overlap by more than that.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler, WindowFunction};

use crate::AudioError;

/// The least block on the side of the lower rate, samples; the filter is as long as the block.
pub(crate) const SHORT_BLOCK: usize = 1024;
/// Rates outside are taken for a broken header, before they eat all memory.
pub(crate) const RATES: std::ops::RangeInclusive<u32> = 100..=1_000_000;

/// Changes the rate of `samples` from `from` Hz to `to` Hz.
///
/// Gives `round(samples · to / from)` samples, in time with the input. Equal rates give a copy.
///
/// # Errors
///
/// [`AudioError::SampleRate`] for a rate outside 100 Hz to 1 MHz; [`AudioError::NonFiniteSample`]
/// for NaN and infinities.
pub fn resample(samples: &[f32], from: u32, to: u32) -> Result<Vec<f32>, AudioError> {
    check_rates(from, to)?;
    let exact = samples.len() as u128 * u128::from(to);
    let len = (exact * 2 + u128::from(from)) / (2 * u128::from(from));
    resample_to_len(samples, from, to, len as usize)
}

/// As [`resample`], but gives exactly `len` samples: for the way back to a length that is known.
/// What goes beyond the input is what the filter makes of silence.
///
/// # Errors
///
/// As [`resample`].
pub fn resample_to_len(
    samples: &[f32],
    from: u32,
    to: u32,
    len: usize,
) -> Result<Vec<f32>, AudioError> {
    check_rates(from, to)?;
    crate::clip::ensure_finite("sound to be resampled", samples)?;
    if from == to || samples.is_empty() {
        let mut copy = samples.to_vec();
        copy.resize(len, 0.0);
        return Ok(copy);
    }
    let mut input: Vec<f64> = samples.iter().map(|&x| f64::from(x)).collect();
    // The resampler gives ceil(input · to / from) samples.
    let needed = (len as u128 * u128::from(from)).div_ceil(u128::from(to)) as usize;
    input.resize(needed.max(1), 0.0);
    let failed = |detail: String| AudioError::Resampler { from, to, detail };
    let mut resampler = resampler(from, to).map_err(|e| failed(e.to_string()))?;
    let buffer =
        InterleavedSlice::new(&input, 1, input.len()).map_err(|e| failed(e.to_string()))?;
    let output = resampler
        .process_all(&buffer, input.len(), None)
        .map_err(|e| failed(e.to_string()))?;
    let mut output: Vec<f32> = output.take_data().into_iter().map(|x| x as f32).collect();
    output.resize(len, 0.0);
    Ok(output)
}

/// How far from an end, in samples at rate `from`, the outcome of [`resample`] depends on the
/// silence beyond that end; 0 for equal rates.
///
/// # Errors
///
/// As [`resample`].
pub fn edge_samples(from: u32, to: u32) -> Result<usize, AudioError> {
    check_rates(from, to)?;
    Ok(if from == to {
        0
    } else {
        block(from, to, SHORT_BLOCK) / 2
    })
}

fn resampler(from: u32, to: u32) -> Result<Fft<f64>, rubato::ResamplerConstructionError> {
    in_blocks(from, to, block(from, to, SHORT_BLOCK), 1)
}

/// A resampler of blocks of `block` samples at rate `from`, as from [`block`].
pub(crate) fn in_blocks(
    from: u32,
    to: u32,
    block: usize,
    channels: usize,
) -> Result<Fft<f64>, rubato::ResamplerConstructionError> {
    Fft::new_custom(
        from as usize,
        to as usize,
        block,
        1,
        channels,
        WindowFunction::BlackmanHarris2,
        FixedSync::Both,
    )
}

/// The block at rate `from`: an even multiple of the smallest whole number of samples that is also
/// whole at rate `to`.
///
/// - `least`: samples that it has at least at the lower rate
pub(crate) fn block(from: u32, to: u32, least: usize) -> usize {
    let common = gcd(from, to);
    let (unit, shorter) = ((from / common) as usize, (from.min(to) / common) as usize);
    least.div_ceil(shorter).next_multiple_of(2) * unit
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

pub(crate) fn check_rates(from: u32, to: u32) -> Result<(), AudioError> {
    if RATES.contains(&from) && RATES.contains(&to) {
        return Ok(());
    }
    Err(AudioError::SampleRate {
        from,
        to,
        min: *RATES.start(),
        max: *RATES.end(),
    })
}
