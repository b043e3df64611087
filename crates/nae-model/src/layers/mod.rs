//! Layers that networks and decoders are made of, one file each.

mod dense;
mod frozen;
mod layer;
mod matched;
mod recurrent;
mod window;

pub use dense::{Dense, LayerSpec};
pub use frozen::FrozenDense;
pub use layer::{FrozenLayer, Layer};
pub use matched::{Matched, match_layers};
pub use recurrent::{Recurrence, Recurrent};
pub use window::{Direction, Window};

/// Layer by layer, the layers of several models as one; `None` if they do not fit together.
///
/// - `models`: every model's layers, of one depth
/// - `stack`: what makes one layer of several
pub fn stack_layers<L>(models: &[&[L]], stack: impl Fn(&[&L]) -> Option<L>) -> Option<Vec<L>> {
    let depth = models.first()?.len();
    let layer =
        |i: usize| -> Vec<&L> { models.iter().filter_map(|layers| layers.get(i)).collect() };
    (0..depth).map(|i| stack(&layer(i))).collect()
}
