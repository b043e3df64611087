//! How a worker runs.

use crate::share::Share;

/// How cells go through the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parallelism {
    /// This many at a time, each on one thread: small models gain little from more, and the
    /// numbers do not depend on how many cores there are.
    Cells(usize),
    /// One group after another, for a device that is parallel inside: models of one recipe, and
    /// mixtures with models of one shape, go through as stacks of tensors; joint encoders one by one. The
    /// numbers then differ by rounding with what happens to be left.
    Batched,
}

/// What happens after a cell fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// The others are still worked on.
    KeepGoing,
    /// No other cell is started.
    Stop,
}

/// What happens to cells that failed in an earlier run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryPolicy {
    /// They stay failed.
    Skip,
    /// They are tried again.
    Retry,
}

/// How to run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Which cells.
    pub share: Share,
    /// How many at a time.
    pub parallelism: Parallelism,
    /// After a failure.
    pub on_failure: OnFailure,
    /// Earlier failures.
    pub retry_policy: RetryPolicy,
}
