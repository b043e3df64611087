//! The result of a share.

/// How a run of a share ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Models trained by this worker.
    pub trained: usize,
    /// Joint encoders trained by this worker.
    pub joined: usize,
    /// Mixtures separated by this worker.
    pub separated: usize,
    /// Cells that were finished before or by another worker.
    pub found: usize,
    /// Cells that failed.
    pub failed: usize,
    /// Cells that were skipped because a model or joint encoder they depend on failed.
    pub blocked: usize,
    /// Results that could not be read, whose cells this worker began again.
    pub unreadable: usize,
    /// Cells not started: the run was stopped.
    pub left: usize,
}
