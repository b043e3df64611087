//! Segments of all models as one tensor, with their targets.

use std::ops::Range;

use burn::tensor::Tensor;
use nae_model::loss::Target;

use super::shape::SegmentShape;
use crate::frame_rows::FrameRows;

/// Segments of every model, as many of each.
pub(super) struct SegmentBatch<'a> {
    /// Where each of every model's segments begins; a missing one has no frame that counts.
    pub starts: Vec<Vec<Option<usize>>>,
    pub counted: &'a [Vec<bool>],
    pub shape: SegmentShape,
    pub eps: f64,
}

impl SegmentBatch<'_> {
    /// Segments of a model.
    pub fn len(&self) -> usize {
        self.starts.first().map_or(0, Vec::len)
    }

    /// Whether each frame of a model's segments counts.
    fn counts(&self, model: usize, segments: Range<usize>) -> Vec<bool> {
        let (shape, counted) = (self.shape, &self.counted[model]);
        let of_segment = |start: &Option<usize>| {
            let start = *start;
            (0..shape.frames()).map(move |t| match start {
                Some(start) => {
                    shape.places().contains(&t) && counted.get(start + t).copied().unwrap_or(false)
                }
                None => false,
            })
        };
        let starts = self.starts[model][segments].iter();
        starts.flat_map(of_segment).collect()
    }

    /// Spectra of a part of the segments and what their estimates are to become.
    ///
    /// # Shapes
    /// - output: `[models, bins, segments·frames]`
    pub fn part(&self, rows: &FrameRows, segments: &Range<usize>) -> (Tensor<3>, Target) {
        let frames = self.shape.frames();
        let models = 0..self.starts.len();
        let indices = |model: usize| -> Vec<i32> {
            let starts = self.starts[model][segments.clone()].iter();
            let starts = starts.map(|start| start.unwrap_or(0));
            let of_segment = |start: usize| (start..start + frames).map(|t| t as i32);
            starts.flat_map(of_segment).collect()
        };
        let indices: Vec<Vec<i32>> = models.clone().map(indices).collect();
        let indices: Vec<&[i32]> = indices.iter().map(Vec::as_slice).collect();
        let x = rows.pick(&indices);
        let all = self.len() * frames;
        let factor = |model: usize| {
            let counted = self.counts(model, 0..self.len());
            let counted = counted.iter().filter(|counts| **counts).count();
            all as f64 / counted.max(1) as f64
        };
        let counted = models
            .clone()
            .map(|model| self.counts(model, segments.clone()));
        let counted: Vec<bool> = counted.flatten().collect();
        let target = Target::new(x.clone(), self.eps)
            .counting(&counted, models.map(factor).collect())
            .part_of(all);
        (x, target)
    }
}
