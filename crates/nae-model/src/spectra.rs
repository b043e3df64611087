//! Between host spectrograms and tensors: the one place that transposes.

use burn::tensor::{Device, Tensor};
use nae_audio::Magnitude;

use crate::error::ModelError;
use crate::init::from_host;

/// Magnitudes as the rows of `[bins, frames]`, row-major.
pub fn bin_major(magnitude: &Magnitude) -> Vec<f32> {
    let mut values = vec![0.0f32; magnitude.bins() * magnitude.frames()];
    write_rows(magnitude, &mut values, magnitude.frames(), |x| x);
    values
}

/// Writes `map` of magnitudes into the rows of `[bins, frames]`, whose ends stay as they are if
/// there are more `frames`.
fn write_rows(magnitude: &Magnitude, rows: &mut [f32], frames: usize, map: impl Fn(f32) -> f32) {
    for t in 0..magnitude.frames() {
        for (f, &x) in magnitude.frame(t).iter().enumerate() {
            rows[f * frames + t] = map(x);
        }
    }
}

/// Uploads magnitudes scaled and compressed, `(gain·|X|)^γ`, one after the other; shorter ones are
/// filled up with silence to the longest.
///
/// # Shapes
/// - `magnitudes`: `frames × bins` each on the host, with its gain
/// - output: `[magnitudes, bins, frames]`
pub fn upload(magnitudes: &[(&Magnitude, f64)], compression: f64, device: &Device) -> Tensor<3> {
    let bins = magnitudes
        .first()
        .map_or(0, |(magnitude, _)| magnitude.bins());
    let frames = magnitudes.iter().map(|(magnitude, _)| magnitude.frames());
    let frames = frames.max().unwrap_or(0);
    let compress = |x: f32, gain: f64| {
        let scaled = f64::from(x) * gain;
        if compression == 0.5 {
            scaled.sqrt() as f32 // the defaults, and many times faster
        } else if compression == 0.25 {
            scaled.sqrt().sqrt() as f32
        } else {
            scaled.powf(compression) as f32
        }
    };
    let mut values = vec![0.0f32; magnitudes.len() * bins * frames];
    for (plane, (magnitude, gain)) in values.chunks_mut((bins * frames).max(1)).zip(magnitudes) {
        write_rows(magnitude, plane, frames, |x| compress(x, *gain));
    }
    from_host(values, [magnitudes.len(), bins, frames], device)
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

/// Reads spectra back to the host's frame-major order.
///
/// # Shapes
/// - `spectra`: `[models, bins, frames]`, of which the first `frames` of every model are real
///
/// # Errors
/// [`ModelError::Device`] if the device fails, [`ModelError::Audio`] never.
pub fn download(spectra: Tensor<3>, frames: &[usize]) -> Result<Vec<Magnitude>, ModelError> {
    let [_, bins, longest] = spectra.dims();
    let values = read(spectra)?;
    let planes = values.chunks((bins * longest).max(1)).zip(frames);
    planes
        .map(|(rows, &frames)| {
            let mut values = vec![0.0f32; bins * frames];
            for (f, row) in rows.chunks_exact(longest).enumerate() {
                for (t, &x) in row[..frames].iter().enumerate() {
                    values[t * bins + f] = x;
                }
            }
            Ok(Magnitude::new(bins, frames, values)?)
        })
        .collect()
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
