//! Masks averaged over several separators.

use nae_audio::Magnitude;
use nae_model::optim::{Flow, Progress};

use crate::error::SeparateError;
use crate::mask_estimator::{MaskEstimate, MaskEstimator};

/// A mask estimator, and the place of every one of its masks among those of the mean.
#[derive(Debug)]
pub(crate) struct Placed {
    pub estimator: Box<dyn MaskEstimator>,
    /// For every source of the mean the index of its mask here.
    pub order: Vec<usize>,
}

/// Averages the masks of several estimators of the same sources.
#[derive(Debug)]
pub(crate) struct MeanMasks(pub Vec<Placed>);

impl MaskEstimator for MeanMasks {
    /// The mean of all masks; activations of the first estimator, loss and steps of all together.
    fn estimate_masks(
        &self,
        mixture: &Magnitude,
        gain: f64,
        observe: &mut dyn FnMut(&Progress) -> Flow,
    ) -> Result<MaskEstimate, SeparateError> {
        let mut mean: Option<MaskEstimate> = None;
        for Placed { estimator, order } in &self.0 {
            let own = estimator.estimate_masks(mixture, gain, observe)?;
            let masks = order.iter().filter_map(|&i| own.masks.get(i).cloned());
            let masks: Vec<_> = masks.collect();
            mean = Some(match mean {
                None => MaskEstimate { masks, ..own },
                Some(sum) => MaskEstimate {
                    masks: sum
                        .masks
                        .into_iter()
                        .zip(masks)
                        .map(|(a, b)| a + b)
                        .collect(),
                    activations: sum.activations,
                    loss: sum.loss + own.loss,
                    steps: sum.steps + own.steps,
                    is_interrupted: sum.is_interrupted || own.is_interrupted,
                },
            });
        }
        let mut mean = mean.ok_or(SeparateError::NoSources)?;
        let count = self.0.len() as f64;
        let masks = mean.masks.into_iter();
        mean.masks = masks.map(|mask| mask.div_scalar(count)).collect();
        Ok(mean)
    }
}
