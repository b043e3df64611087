//! Layers of a stack from lists in settings.

use super::layer::{LayerConfig, LayerKind, Units};
use crate::stack_layer::StackLayer;

/// Encoder and decoder of the lists, which have passed [`check`](super::check()). Without one the
/// encoder mirrors the decoder: for every decoder layer from the last to the first, a layer from its
/// outputs to its inputs with its span. A recurrent layer is mirrored by a dense one: an encoder looks
/// at frames to come, and a cell would run from those before.
///
/// - `rank`: units of the bottleneck
pub fn resolve(
    decoder: &[LayerConfig],
    encoder: Option<&[LayerConfig]>,
    rank: usize,
) -> (Vec<StackLayer>, Vec<StackLayer>) {
    let mut resolved = layers(decoder, rank);
    let encoder = match encoder {
        Some(encoder) => layers(encoder, rank),
        None => mirrored(&resolved, rank),
    };
    // as many as there are bins
    if let Some(last) = resolved.last_mut() {
        last.units = 0;
    }
    (encoder, resolved)
}

fn layers(list: &[LayerConfig], rank: usize) -> Vec<StackLayer> {
    let layer = |layer: &LayerConfig| StackLayer {
        units: match layer.units {
            Units::Count(count) => count,
            Units::Rank => rank,
            Units::Bins => 0,
        },
        span: layer.span,
        cell: match layer.kind {
            LayerKind::Dense | LayerKind::Conv => None,
            LayerKind::Cell(cell) => Some(cell),
        },
    };
    list.iter().map(layer).collect()
}

fn mirrored(decoder: &[StackLayer], rank: usize) -> Vec<StackLayer> {
    let inputs = std::iter::once(rank).chain(decoder.iter().map(|layer| layer.units));
    let mut encoder: Vec<StackLayer> = decoder
        .iter()
        .zip(inputs)
        .map(|(layer, inputs)| StackLayer {
            units: inputs,
            span: layer.span,
            cell: None,
        })
        .collect();
    encoder.reverse();
    encoder
}
