//! NNDSVDa initialisation of a factorisation.

use burn::linalg::svd;
use burn::tensor::{Tensor, TensorData};
use nae_model::spectra::read;

use crate::error::TrainError;

/// Bound on QR sweeps for each singular value; a handful is the rule.
const SWEEPS: usize = 100;

/// Non-negative double singular value decomposition with zeros filled by the mean (NNDSVDa):
/// bases and activations from the leading singular pairs, each cut to its stronger sign
/// (Boutsidis & Gallopoulos, *SVD based initialization*, Pattern Recognition 41(4), 2008).
/// Components beyond the number of bins or frames start at the mean.
///
/// # Shapes
/// - `x`: `[bins, frames]`, non-negative
/// - output: `[bins, rank]` and `[rank, frames]`, positive
///
/// # Errors
/// [`TrainError::Model`] if the device fails.
pub fn nndsvd(x: &Tensor<2>, rank: usize) -> Result<(Tensor<2>, Tensor<2>), TrainError> {
    let [bins, frames] = x.dims();
    let (u, sigma, v) = svd::<2, 1>(x.clone(), SWEEPS);
    let pairs = rank.min(bins).min(frames);
    let fill = read(x.clone().mean())?[0].max(1e-6);
    let (u, sigma, v) = (read(u.transpose())?, read(sigma)?, read(v)?);
    let (mut w, mut h) = (vec![fill; bins * rank], vec![fill; rank * frames]);
    for k in 0..pairs {
        let (u, v) = (
            &u[k * bins..(k + 1) * bins],
            &v[k * frames..(k + 1) * frames],
        );
        let (plus, minus) = (
            length(u, 1.0) * length(v, 1.0),
            length(u, -1.0) * length(v, -1.0),
        );
        let (sign, strength) = if plus >= minus {
            (1.0, plus)
        } else {
            (-1.0, minus)
        };
        if sigma[k] * strength <= 0.0 {
            break;
        }
        let scale = (sigma[k] * strength).sqrt();
        let (of_u, of_v) = (scale / length(u, sign), scale / length(v, sign));
        for (f, &value) in u
            .iter()
            .enumerate()
            .filter(|(_, value)| **value * sign > 0.0)
        {
            w[f * rank + k] = value * sign * of_u;
        }
        for (t, &value) in v
            .iter()
            .enumerate()
            .filter(|(_, value)| **value * sign > 0.0)
        {
            h[k * frames + t] = value * sign * of_v;
        }
    }
    let device = x.device();
    Ok((
        Tensor::from_data(TensorData::new(w, [bins, rank]), &device),
        Tensor::from_data(TensorData::new(h, [rank, frames]), &device),
    ))
}

/// Euclidean length of the part of a vector that has the given sign.
fn length(vector: &[f32], sign: f32) -> f32 {
    vector
        .iter()
        .map(|x| (x * sign).max(0.0).powi(2))
        .sum::<f32>()
        .sqrt()
}
