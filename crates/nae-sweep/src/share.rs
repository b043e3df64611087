//! Which part of a run a worker takes.

/// Separations (where there are none, models) number `index`, `index + of`, … with all the models and
/// joint encoders they need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// From 0.
    pub index: usize,
    /// At least 1.
    pub of: usize,
}

impl Share {
    /// The whole run.
    pub const ALL: Self = Self { index: 0, of: 1 };
}
