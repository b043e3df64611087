//! Between host spectrograms and tensors: the one place that transposes.

use burn::tensor::{Device, Tensor};
use nae_audio::Magnitude;

use crate::error::ModelError;
use crate::init::matrix;

/// Magnitudes as the rows of `[bins, frames]`, row-major.
pub fn bin_major(magnitude: &Magnitude) -> Vec<f32> {
    let (bins, frames) = (magnitude.bins(), magnitude.frames());
    let mut values = vec![0.0f32; bins * frames];
    for t in 0..frames {
        for (f, &x) in magnitude.frame(t).iter().enumerate() {
            values[f * frames + t] = x;
        }
    }
    values
}

/// Uploads magnitudes scaled and compressed, `(gain·|X|)^γ`.
///
/// # Shapes
/// - `magnitude`: `frames × bins` on the host
/// - output: `[bins, frames]`
pub fn upload(magnitude: &Magnitude, gain: f64, compression: f64, device: &Device) -> Tensor<2> {
    let mut values = bin_major(magnitude);
    for x in &mut values {
        let scaled = f64::from(*x) * gain;
        *x = if compression == 0.5 {
            scaled.sqrt() as f32 // the defaults, and many times faster
        } else if compression == 0.25 {
            scaled.sqrt().sqrt() as f32
        } else {
            scaled.powf(compression) as f32
        };
    }
    matrix(values, magnitude.bins(), magnitude.frames(), device)
}

/// Level of a sound: its standard deviation as its spectra show it, silent frames left out.
///
/// A white signal of standard deviation σ has `E|X|² = σ²·Σw²` in every bin, and `Σw² = n_fft/2`
/// for the √Hann window, so the level is `√(mean|X|² / (n_fft/2))`. Zero for silence.
///
/// - `silence_db`: frames this far below the loudest are silent, in dB (negative)
pub fn level(magnitude: &Magnitude, silence_db: f32) -> f64 {
    let active = magnitude.active_frames(silence_db);
    let bins = magnitude.bins();
    let count = (active.len() * bins).max(1) as f64;
    let power: f64 = active
        .iter()
        .flat_map(|&t| magnitude.frame(t))
        .map(|&x| f64::from(x).powi(2))
        .sum();
    (power / count / (bins.max(2) - 1) as f64).sqrt()
}

/// [`level`] from every frame's energy `Σ|X|²`.
pub fn level_of(energies: &[f64], bins: usize, silence_db: f32) -> f64 {
    let loudest = energies.iter().copied().fold(0.0, f64::max);
    let floor = loudest * 10f64.powf(f64::from(silence_db) / 10.0);
    let active = energies.iter().filter(|&&e| e > 0.0 && e >= floor);
    let (count, power) = active.fold((0usize, 0.0), |(n, sum), e| (n + 1, sum + e));
    (power / (count * bins).max(1) as f64 / (bins.max(2) - 1) as f64).sqrt()
}

/// Reads a `[bins, frames]` tensor back to the host's frame-major order.
///
/// # Errors
/// [`ModelError::Device`] if the device fails, [`ModelError::Write`] never.
pub fn download(tensor: Tensor<2>) -> Result<Magnitude, ModelError> {
    let [bins, frames] = tensor.dims();
    let rows = read(tensor)?;
    let mut values = vec![0.0f32; bins * frames];
    for f in 0..bins {
        for t in 0..frames {
            values[t * bins + f] = rows[f * frames + t];
        }
    }
    Ok(Magnitude::new(bins, frames, values)?)
}

/// Reads a tensor's values back, row-major.
///
/// # Errors
/// [`ModelError::Device`] if the device fails.
pub fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, ModelError> {
    let data = tensor
        .try_into_data()
        .map_err(|error| ModelError::Device(format!("{error:?}")))?;
    data.try_to_vec::<f32>()
        .map_err(|error| ModelError::Device(format!("{error:?}")))
}
