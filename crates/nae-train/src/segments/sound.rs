//! Training sound of one or more models in order.

use burn::tensor::Tensor;
use nae_model::init::from_host;

use super::shape::SegmentShape;
use crate::spectra::Spectra;

/// Training sound of one or more models in order.
pub(crate) struct Sound {
    /// Spectra, with silence between clips.
    pub spectra: Spectra,
    /// For every model, whether each of its frames counts.
    pub counted: Vec<Vec<bool>>,
    /// Segments of a mini-batch.
    pub shape: SegmentShape,
}

impl Sound {
    /// The sound of some models, in the given order.
    pub fn only(&self, models: &[usize]) -> Self {
        Self {
            spectra: self.spectra.only(models),
            counted: models.iter().map(|&i| self.counted[i].clone()).collect(),
            shape: self.shape,
        }
    }
}

/// 1 in frames that count, 0 in others and in padding.
///
/// - `counted`: for every model, whether each of its frames counts
///
/// # Shapes
/// - output: `[models, 1, frames]`, outside the graph
pub(crate) fn mask_of(spectra: &Spectra, counted: &[Vec<bool>]) -> Tensor<3> {
    let longest = spectra.longest();
    let padded = |own: &Vec<bool>| {
        let mut row: Vec<f32> = own.iter().map(|&counts| f32::from(counts)).collect();
        row.resize(longest, 0.0);
        row
    };
    let values = counted.iter().flat_map(padded).collect();
    let device = spectra.values.device().inner();
    from_host(values, [counted.len(), 1, longest], &device)
}
