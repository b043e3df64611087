//! Ratio masks.

use burn::tensor::Tensor;

/// A bin in which every source's spectrum is below this is shared equally. Spectra are those of sound
/// of unit level.
const SILENCE: f64 = 1e-10;

/// Ratio masks `Mᵢ = X̂ᵢᵉ / Σⱼ X̂ⱼᵉ`. A bin in which every source is silent is shared equally, so masks
/// sum to one everywhere.
///
/// Ratios to the loudest source are formed first, so that no exponent under- or overflows.
///
/// - `exponent`: `e`, above 0; 1 gives plain ratios, 2 on magnitudes the Wiener filter's
///
/// # Shapes
/// - `estimates`: any, such as `[items, bins, frames]`, one a source, non-negative
/// - output: the same, in `[0, 1]`
pub fn ratio_masks<const D: usize>(estimates: &[Tensor<D>], exponent: f64) -> Vec<Tensor<D>> {
    let Some(loudest) = estimates.iter().cloned().reduce(|a, b| a.max_pair(b)) else {
        return Vec::new();
    };
    let is_silent = loudest.clone().lower_equal_elem(SILENCE);
    let loudest = loudest.clamp_min(SILENCE);
    let powers: Vec<Tensor<D>> = estimates
        .iter()
        .map(|x| {
            (x.clone() / loudest.clone())
                .powf_scalar(exponent)
                .mask_fill(is_silent.clone(), 1.0)
        })
        .collect();
    let Some(total) = powers.iter().cloned().reduce(|a, b| a + b) else {
        return Vec::new();
    };
    powers
        .into_iter()
        .map(|power| power / total.clone())
        .collect()
}

/// [`ratio_masks`] of one frame, on slices.
///
/// # Shapes
/// - `estimates`, `masks`: `[sources, bins]`, a source's bins together, `bins` of each
pub fn frame_ratio_masks(estimates: &[f32], bins: usize, exponent: f64, masks: &mut [f32]) {
    let sources = estimates.len() / bins.max(1);
    let equal = 1.0 / sources.max(1) as f32;
    for bin in 0..bins {
        let at = |source: usize| source * bins + bin;
        let loudest = (0..sources).fold(0.0f32, |loudest, i| loudest.max(estimates[at(i)]));
        if loudest <= SILENCE as f32 {
            (0..sources).for_each(|i| masks[at(i)] = equal);
            continue;
        }
        let mut total = 0.0f32;
        for i in 0..sources {
            let ratio = estimates[at(i)] / loudest;
            let power = match exponent {
                2.0 => ratio * ratio,
                3.0 => ratio * ratio * ratio,
                _ => ratio.powf(exponent as f32),
            };
            masks[at(i)] = power;
            total += power;
        }
        (0..sources).for_each(|i| masks[at(i)] /= total);
    }
}

/// `(x + ε)^exponent`, or `x` itself for exponent 1: brings a spectrum from one compression to another.
///
/// - `eps`: ε, keeps the gradient finite at zero
///
/// # Shapes
/// - input and output: any, such as `[items, bins, frames]`, non-negative
pub fn change_exponent<const D: usize>(x: Tensor<D>, exponent: f64, eps: f64) -> Tensor<D> {
    if exponent == 1.0 {
        x
    } else {
        x.add_scalar(eps).powf_scalar(exponent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn masks(estimates: &[[f32; 4]], exponent: f64) -> Vec<Vec<f32>> {
        let device = Device::flex();
        let tensors: Vec<_> = estimates
            .iter()
            .map(|x| Tensor::<2>::from_data([*x], &device))
            .collect();
        ratio_masks(&tensors, exponent)
            .into_iter()
            .map(|m| m.into_data().try_to_vec().unwrap())
            .collect()
    }

    #[test]
    fn masks_sum_to_one_and_silent_bins_are_shared_equally() {
        for exponent in [0.5, 1.0, 2.0, 8.0] {
            let came = masks(
                &[
                    [3.0, 0.0, 1e-20, 1e15],
                    [1.0, 0.0, 0.0, 1e-15],
                    [0.0, 0.0, 1e-19, 1.0],
                ],
                exponent,
            );
            for bin in 0..4 {
                let sum: f32 = came.iter().map(|m| m[bin]).sum();
                // three f32 roundings
                assert!((sum - 1.0).abs() < 3e-7, "{came:?}");
            }
            assert!((came[0][1] - 1.0 / 3.0).abs() < 1e-7 && (came[2][2] - 1.0 / 3.0).abs() < 1e-7);
        }
    }

    #[test]
    fn masks_of_a_frame_are_those_of_tensors() {
        let estimates = [[3.0, 0.0, 1e-20, 1e15], [1.0, 0.2, 0.0, 1e-15]];
        for exponent in [0.5, 1.0, 2.0, 3.0] {
            let expected = masks(&estimates, exponent).concat();
            let mut came = [f32::NAN; 8];
            frame_ratio_masks(estimates.as_flattened(), 4, exponent, &mut came);
            for (came, expected) in came.iter().zip(expected) {
                assert!(
                    (came - expected).abs() < 3e-7,
                    "{exponent}: {came} {expected}"
                );
            }
        }
    }

    #[test]
    fn masks_equal_their_definition() {
        let came = masks(&[[3.0, 1.0, 2.0, 0.0], [1.0, 1.0, 4.0, 5.0]], 2.0);
        let expected = [0.9, 0.5, 0.2, 0.0];
        for (came, expected) in came[0].iter().zip(expected) {
            assert!((came - expected).abs() < 1e-6);
        }
    }
}
