//! Which frames an estimate depends on.

/// The frames that a decoder's estimate of one frame depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// The frame itself and so many frames of activations before and after it.
    Frames {
        /// Frames before it.
        before: usize,
        /// Frames after it.
        after: usize,
    },
    /// The whole sequence up to the frame, or all of it.
    Whole,
}

impl Context {
    /// Every frame by itself.
    pub const NONE: Self = Self::Frames {
        before: 0,
        after: 0,
    };

    /// What a layer depends on whose inputs depend on this.
    pub fn then(self, next: Self) -> Self {
        match (self, next) {
            (
                Self::Frames { before, after },
                Self::Frames {
                    before: earlier,
                    after: later,
                },
            ) => Self::Frames {
                before: before.saturating_add(earlier),
                after: after.saturating_add(later),
            },
            _ => Self::Whole,
        }
    }

    /// What the sum of two estimates depends on.
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (
                Self::Frames { before, after },
                Self::Frames {
                    before: earlier,
                    after: later,
                },
            ) => Self::Frames {
                before: before.max(earlier),
                after: after.max(later),
            },
            _ => Self::Whole,
        }
    }
}
