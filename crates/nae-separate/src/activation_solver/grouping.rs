//! Which mixtures are solved in one batch.

use nae_kernels::{MemoryCost, batch_size};

use super::batch::BatchItem;

/// Groups mixtures into batches: those whose solvers can be batched, of similar length, and no more
/// than fit in memory.
///
/// - `items`: `None` for what is not to be solved
/// - returns the indices of each batch's items
pub fn group_into_batches(items: &[Option<BatchItem<'_>>]) -> Vec<Vec<usize>> {
    let mut groups: Vec<(&BatchItem<'_>, Vec<usize>)> = Vec::new();
    for (i, item) in items.iter().enumerate() {
        let Some(item) = item else { continue };
        let fits = |(first, _): &&mut (&BatchItem<'_>, _)| item.solver.can_batch_with(first.solver);
        match groups.iter_mut().find(fits) {
            Some((_, group)) => group.push(i),
            None => groups.push((item, vec![i])),
        }
    }
    let frames = |i: &usize| items[*i].map_or(0, |item| item.mixture.frames());
    let mut batches = Vec::new();
    for (first, mut group) in groups {
        group.sort_by_key(frames);
        let longest = group.last().map_or(0, frames);
        // roughly: the spectrum, and every source's product, gradient and mask
        let numbers = (1 + 3 * first.solver.source_count()) * longest * first.mixture.bins();
        let bytes = size_of::<f32>() * numbers;
        // every step is on all frames
        let cost = MemoryCost {
            step: bytes,
            total: bytes,
        };
        let size = batch_size(group.len(), cost, &first.solver.autodiff_device);
        batches.extend(group.chunks(size).map(<[usize]>::to_vec));
    }
    batches
}
