//! Searches over all their runs.

use burn::tensor::Tensor;
use nae_audio::Magnitude;
use nae_kernels::Parallelism;
use nae_model::optim::{Flow, Progress};

use crate::error::SeparateError;
use crate::explainer::{Explained, Explainer};
use crate::fit::{Scene, explain};
use crate::mask::ratio_masks;
use crate::sources::Search;

impl Explainer for Search {
    /// Masks averaged over all runs.
    fn explain(
        &self,
        mixture: &Magnitude,
        gain: f64,
        observe: &mut dyn FnMut(&Progress) -> Flow,
    ) -> Result<Explained, SeparateError> {
        let scene = Scene {
            search: self,
            mixture,
            gain,
        };
        explain_stack(&[scene], Parallelism::Frames, observe)
            .pop()
            .unwrap_or(Err(SeparateError::NoSources))
    }

    fn search(&self) -> Option<&Search> {
        Some(self)
    }
}

/// What the runs of one scene add up to.
#[derive(Default)]
struct Sum {
    masks: Vec<Tensor<3>>,
    activations: Vec<Tensor<2>>,
    loss: f64,
    steps: usize,
    runs: usize,
}

/// Explains scenes whose searches are alike, masks averaged over all runs.
pub(crate) fn explain_stack(
    scenes: &[Scene<'_>],
    sharing: Parallelism,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Vec<Result<Explained, SeparateError>> {
    let Some(first) = scenes.first() else {
        return Vec::new();
    };
    let exponent = first.search.config.mask_exponent;
    let mut sums: Vec<Result<Sum, SeparateError>> =
        scenes.iter().map(|_| Ok(Sum::default())).collect();
    let mut is_interrupted = false;
    for run in 0..first.search.runs() {
        let found = match explain(scenes, run, sharing, observe) {
            Ok(explained) => explained,
            Err(error) => {
                // the device's failure is everybody's
                let message = error.to_string();
                return scenes
                    .iter()
                    .map(|_| Err(SeparateError::Stack(message.clone())))
                    .collect();
            }
        };
        for (sum, found) in sums.iter_mut().zip(found) {
            let add = |sum: &mut Sum| -> Result<(), SeparateError> {
                let found = found?;
                let masks = ratio_masks(&found.estimates, exponent);
                let before = std::mem::take(&mut sum.masks);
                sum.masks = if before.is_empty() {
                    masks
                } else {
                    before.into_iter().zip(masks).map(|(a, b)| a + b).collect()
                };
                sum.activations = found.activations;
                sum.loss += found.loss;
                sum.steps += found.steps;
                sum.runs += 1;
                is_interrupted |= found.is_interrupted;
                Ok(())
            };
            if let Ok(so_far) = sum
                && let Err(error) = add(so_far)
            {
                *sum = Err(error);
            }
        }
        if is_interrupted {
            break;
        }
    }
    let mean = |sum: Result<Sum, SeparateError>| {
        let sum = sum?;
        let runs = sum.runs.max(1) as f64;
        let mask = |mask: Tensor<3>| mask.div_scalar(runs).squeeze_dim(0);
        Ok(Explained {
            masks: sum.masks.into_iter().map(mask).collect(),
            activations: sum.activations,
            loss: sum.loss / runs,
            steps: sum.steps,
            is_interrupted,
        })
    };
    sums.into_iter().map(mean).collect()
}
