//! Masks averaged over all runs.

use burn::tensor::Tensor;
use nae_audio::Magnitude;
use nae_kernels::Parallelism;
use nae_model::optim::{Flow, Progress};

use super::batch::BatchItem;
use super::solve::{Solution, solve};
use super::solver::ActivationSolver;
use crate::error::SeparateError;
use crate::mask::ratio_masks;
use crate::mask_estimator::{MaskEstimate, MaskEstimator};

impl MaskEstimator for ActivationSolver {
    /// Masks averaged over all runs.
    fn estimate_masks(
        &self,
        mixture: &Magnitude,
        gain: f64,
        observe: &mut dyn FnMut(&Progress) -> Flow,
    ) -> Result<MaskEstimate, SeparateError> {
        let item = BatchItem {
            solver: self,
            mixture,
            gain,
        };
        estimate_batch(&[item], Parallelism::Frames, observe)
            .pop()
            .unwrap_or(Err(SeparateError::NoSources))
    }
}

/// Sums over the runs of one mixture.
#[derive(Default)]
struct RunSum {
    masks: Vec<Tensor<3>>,
    /// Those of the last run.
    activations: Vec<Tensor<2>>,
    loss: f64,
    steps: usize,
    runs: usize,
}

impl RunSum {
    fn add(&mut self, solution: Solution, mask_exponent: f64) {
        let masks = ratio_masks(&solution.estimates, mask_exponent);
        let before = std::mem::take(&mut self.masks);
        self.masks = if before.is_empty() {
            masks
        } else {
            before.into_iter().zip(masks).map(|(a, b)| a + b).collect()
        };
        self.activations = solution.activations;
        self.loss += solution.loss;
        self.steps += solution.steps;
        self.runs += 1;
    }

    fn mean(self, is_interrupted: bool) -> MaskEstimate {
        let runs = self.runs.max(1) as f64;
        let mask = |mask: Tensor<3>| mask.div_scalar(runs).squeeze_dim(0);
        MaskEstimate {
            masks: self.masks.into_iter().map(mask).collect(),
            activations: self.activations,
            loss: self.loss / runs,
            steps: self.steps,
            is_interrupted,
        }
    }
}

/// Estimates the masks of mixtures that can be solved in one batch, averaged over all runs.
///
/// # Errors
/// Every mixture's own, as for [`solve`]; [`SeparateError::Batch`] for all of them if the device
/// fails.
pub fn estimate_batch(
    items: &[BatchItem<'_>],
    parallelism: Parallelism,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Vec<Result<MaskEstimate, SeparateError>> {
    let Some(first) = items.first() else {
        return Vec::new();
    };
    let mask_exponent = first.solver.config.mask_exponent;
    let mut sums: Vec<Result<RunSum, SeparateError>> =
        items.iter().map(|_| Ok(RunSum::default())).collect();
    let mut is_interrupted = false;
    for run in 0..first.solver.runs() {
        let solutions = match solve(items, run, parallelism, observe) {
            Ok(solutions) => solutions,
            Err(error) => {
                let message = error.to_string();
                let failed = |_| Err(SeparateError::Batch(message.clone()));
                return items.iter().map(failed).collect();
            }
        };
        for (sum, solution) in sums.iter_mut().zip(solutions) {
            match (sum.as_mut(), solution) {
                (Ok(sum), Ok(solution)) => {
                    is_interrupted |= solution.is_interrupted;
                    sum.add(solution, mask_exponent);
                }
                (Ok(_), Err(error)) => *sum = Err(error),
                // the first error is the one to report
                (Err(_), _) => {}
            }
        }
        if is_interrupted {
            break;
        }
    }
    sums.into_iter()
        .map(|sum| Ok(sum?.mean(is_interrupted)))
        .collect()
}
