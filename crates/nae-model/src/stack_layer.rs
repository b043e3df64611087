//! One layer of a stack.

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::layers::{Recurrence, Window};

/// One layer of a stack as files have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StackLayer {
    /// Number of its outputs; of the decoder's last layer, which has as many as there are bins, 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub units: usize,
    /// Frames that it sees: its own and, in the encoder, those after it or, in the decoder, those
    /// before it.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub span: usize,
    /// Its recurrence; dense without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<Recurrence>,
}

impl StackLayer {
    /// A layer that sees every frame by itself.
    pub fn dense(units: usize) -> Self {
        Self {
            units,
            span: 1,
            cell: None,
        }
    }

    /// Whether it sees every frame by itself.
    pub fn is_dense(&self) -> bool {
        self.span == 1 && self.cell.is_none()
    }

    /// Frames of its input that one of its output depends on.
    ///
    /// - `window`: its frames and where they are
    pub fn context(&self, window: Window) -> Context {
        match self.cell {
            None => window.context(),
            Some(_) => Context::Whole,
        }
    }
}

/// Frames that layers, one after the other, see together at most: training holds as many around every
/// segment.
pub const MOST_FRAMES: usize = 256;

/// Frames that layers, one after the other, see together, recurrences aside.
pub fn frames_seen(layers: &[StackLayer]) -> usize {
    let others = layers.iter().map(|layer| layer.span.saturating_sub(1));
    others.fold(1, usize::saturating_add)
}

fn is_zero(units: &usize) -> bool {
    *units == 0
}

fn one() -> usize {
    1
}

fn is_one(span: &usize) -> bool {
    *span == 1
}
