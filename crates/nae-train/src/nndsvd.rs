//! NNDSVDa initialisation of a factorisation.

use burn::tensor::{Tensor, TensorData};
use nae_model::error::setting;
use nae_model::spectra::read;
use nalgebra::{DMatrix, SymmetricEigen};

use crate::error::TrainError;

/// Bound on the QR iterations of all eigenvalues, a row of the matrix; two or three are the rule.
const ITERATIONS: usize = 100;

/// Columns of a spectrum that are multiplied at once.
const COLUMNS: usize = 1024;

/// Part of the largest eigenvalue below which one is rounding: its singular value is 3e-7 of the largest,
/// which single precision cannot tell from 0.
const ROUNDING: f64 = 1e-13;

/// Non-negative double singular value decomposition with zeros filled by the mean (NNDSVDa):
/// bases and activations from the leading singular pairs, each cut to its stronger sign
/// (Boutsidis & Gallopoulos, *SVD based initialization*, Pattern Recognition 41(4), 2008).
/// Components beyond the spectrum's rank start at the mean.
///
/// # Shapes
/// - `x`: `[bins, frames]`, non-negative
/// - output: `[bins, rank]` and `[rank, frames]`, positive
///
/// # Errors
/// [`TrainError::Model`] if the device fails or the decomposition does not converge.
pub fn nndsvd(x: &Tensor<2>, rank: usize) -> Result<(Tensor<2>, Tensor<2>), TrainError> {
    let [bins, frames] = x.dims();
    let values = read(x.clone())?;
    let pairs = singular_pairs(&values, bins, frames, rank)?;
    let mean = values.iter().map(|&x| f64::from(x)).sum::<f64>() / values.len().max(1) as f64;
    let fill = (mean as f32).max(1e-6);
    let (mut w, mut h) = (vec![fill; bins * rank], vec![fill; rank * frames]);
    for (k, Pair { sigma, u, v }) in pairs.iter().enumerate() {
        let (plus, minus) = (
            length(u, 1.0) * length(v, 1.0),
            length(u, -1.0) * length(v, -1.0),
        );
        let (sign, strength) = if plus >= minus {
            (1.0, plus)
        } else {
            (-1.0, minus)
        };
        if sigma * strength <= 0.0 {
            break;
        }
        let scale = (sigma * strength).sqrt();
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

/// A singular value with its vectors of unit length.
struct Pair {
    sigma: f32,
    u: Vec<f32>,
    v: Vec<f32>,
}

/// The leading singular pairs of a matrix, in double precision: eigenvectors of its product with its
/// transpose, whose size is the smaller one of the matrix. Fewer than `count` for a matrix of lower rank.
///
/// - `x`: `[rows × columns]`, row-major
fn singular_pairs(
    x: &[f32],
    rows: usize,
    columns: usize,
    count: usize,
) -> Result<Vec<Pair>, TrainError> {
    let is_wide = rows <= columns;
    let (short, long) = (rows.min(columns), rows.max(columns));
    let at = |i: usize, j: usize| {
        f64::from(if is_wide {
            x[i * columns + j]
        } else {
            x[j * columns + i]
        })
    };
    let mut gram = DMatrix::<f64>::zeros(short, short);
    for first in (0..long).step_by(COLUMNS) {
        let part = DMatrix::from_fn(short, COLUMNS.min(long - first), |i, j| at(i, first + j));
        gram.gemm(1.0, &part, &part.transpose(), 1.0);
    }
    let not_found = || {
        let expected = "\"random\" where the singular values of the spectrum do not converge";
        TrainError::from(setting(
            "train.nmf.start",
            expected,
            "\"nndsvd\"",
            "--set train.nmf.start=random",
        ))
    };
    if !gram.iter().all(|x| x.is_finite()) {
        return Err(not_found());
    }
    let limit = ITERATIONS * short.max(1);
    let eigen = SymmetricEigen::try_new(gram, f64::EPSILON, limit).ok_or_else(not_found)?;
    let mut order: Vec<usize> = (0..short).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
    let largest = order.first().map_or(0.0, |&k| eigen.eigenvalues[k]);
    let is_found = |k: &usize| eigen.eigenvalues[*k] > largest * ROUNDING;
    let pair = |k: usize| {
        let sigma = eigen.eigenvalues[k].sqrt();
        let one = eigen.eigenvectors.column(k);
        let mut other = vec![0.0f64; long];
        for (i, &weight) in one.iter().enumerate() {
            for (j, sum) in other.iter_mut().enumerate() {
                *sum += weight * at(i, j);
            }
        }
        let one = one.iter().map(|&x| x as f32).collect();
        let other = other.iter().map(|x| (x / sigma) as f32).collect();
        let (u, v) = if is_wide { (one, other) } else { (other, one) };
        Pair {
            sigma: sigma as f32,
            u,
            v,
        }
    };
    let order = order.into_iter().take(count).take_while(is_found);
    Ok(order.map(pair).collect())
}

/// Euclidean length of the part of a vector that has the given sign.
fn length(vector: &[f32], sign: f32) -> f32 {
    vector
        .iter()
        .map(|x| (x * sign).max(0.0).powi(2))
        .sum::<f32>()
        .sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::linalg::svd;
    use burn::tensor::Device;
    use nae_audio::{Stft, StftConfig};
    use nae_model::init::from_host;
    use nae_testing::tones::scale;

    const SEED: u64 = 4;

    fn start(x: &[f32], shape: [usize; 2], rank: usize) -> (Vec<f32>, Vec<f32>) {
        let x = from_host(x.to_vec(), shape, &Device::flex());
        let (w, h) = nndsvd(&x, rank).unwrap();
        assert_eq!((w.dims(), h.dims()), ([shape[0], rank], [rank, shape[1]]));
        (read(w).unwrap(), read(h).unwrap())
    }

    /// Compressed spectrum of some sound, `[bins, frames]`.
    fn spectrum(samples: &[f32]) -> (Vec<f32>, [usize; 2]) {
        let stft = Stft::new(StftConfig {
            n_fft: 256,
            hop: 64,
        })
        .unwrap();
        let magnitude = stft.analyze(samples).unwrap().magnitude();
        let x = nae_model::spectra::bin_major(&magnitude);
        let x = x.iter().map(|x| x.sqrt()).collect();
        (x, [magnitude.bins(), magnitude.frames()])
    }

    #[test]
    fn singular_pairs_of_sound_are_those_of_burn() {
        let notes = scale(&mut nae_model::random::generator(SEED, "notes"));
        let (x, [bins, frames]) = spectrum(&notes[..8000]);
        // wide and tall
        for (rows, columns) in [(bins, frames), (frames, bins)] {
            let x = match rows == bins {
                true => x.clone(),
                false => (0..rows * columns)
                    .map(|i| x[i % columns * frames + i / columns])
                    .collect(),
            };
            let pairs = singular_pairs(&x, rows, columns, 12).unwrap();
            let tensor = from_host(x, [rows, columns], &Device::flex());
            let (u, sigma, v) = svd::<2, 1>(tensor, 100);
            let (u, sigma, v) = (
                read(u.transpose()).unwrap(),
                read(sigma).unwrap(),
                read(v).unwrap(),
            );
            for (k, pair) in pairs.iter().enumerate() {
                // single precision, relative to the largest
                assert!((pair.sigma - sigma[k]).abs() < 1e-5 * sigma[0], "{k}");
                let cosine =
                    |a: &[f32], b: &[f32]| -> f32 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
                let of_u = cosine(&pair.u, &u[k * rows..(k + 1) * rows]);
                let of_v = cosine(&pair.v, &v[k * columns..(k + 1) * columns]);
                assert!((of_u * of_v - 1.0).abs() < 1e-3, "{k}: {of_u} {of_v}");
            }
        }
    }

    #[test]
    fn sounds_of_low_rank_give_a_start_like_any_other() {
        let square = |n: usize| {
            if (n / 32).is_multiple_of(2) {
                0.3
            } else {
                -0.3
            }
        };
        let click = |n: usize| f32::from(u8::from(n.is_multiple_of(1000)));
        let sine = |n: usize| (n as f32 * 0.3).sin();
        let shapes: [&dyn Fn(usize) -> f32; 4] = [&square, &click, &sine, &|_| 0.3];
        for shape in shapes {
            for samples in [24_000, 4000, 300] {
                let (x, size) = spectrum(&(0..samples).map(shape).collect::<Vec<_>>());
                for rank in [1, 20, 200] {
                    let (w, h) = start(&x, size, rank);
                    let are_fine = w.iter().chain(&h).all(|x| x.is_finite() && *x >= 0.0);
                    assert!(are_fine, "{samples} samples, rank {rank}");
                    assert!(w.iter().any(|x| *x > 0.0) && h.iter().any(|x| *x > 0.0));
                }
            }
        }
    }

    #[test]
    fn matrices_at_the_edge_give_a_start() {
        for shape in [[1, 1], [1, 8], [8, 1], [3, 4], [129, 8]] {
            let count = shape[0] * shape[1];
            let ramp: Vec<f32> = (0..count).map(|i| i as f32).collect();
            for x in [vec![0.0; count], vec![2.0; count], vec![1e-30; count], ramp] {
                let (w, h) = start(&x, shape, 5);
                assert!(
                    w.iter().chain(&h).all(|x| x.is_finite() && *x >= 0.0),
                    "{shape:?}"
                );
            }
        }
    }

    #[test]
    fn a_product_of_two_vectors_is_found_and_the_rest_is_the_mean() {
        let (a, b) = ([1.0f32, 2.0, 3.0], [0.5f32, 1.0, 4.0, 2.0]);
        let x: Vec<f32> = a.iter().flat_map(|a| b.map(|b| a * b)).collect();
        let mean = x.iter().sum::<f32>() / 12.0;
        let (w, h) = start(&x, [3, 4], 2);
        for (i, x) in x.iter().enumerate() {
            let product = w[i / 4 * 2] * h[i % 4];
            assert!((product - x).abs() < 1e-5 * x, "{product} {x}");
        }
        assert!((w[1] - mean).abs() < 1e-5 && (h[4] - mean).abs() < 1e-5);
    }
}
