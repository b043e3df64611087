//! Errors of the signals that are scored.

use std::fmt;

/// Which signal an error is about. Counted from 0 here, from 1 in messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// A true source, by its place in the set of references.
    Reference(usize),
    /// A separated source, by its place in the set of estimates.
    Estimate(usize),
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Signal::Reference(index) => write!(f, "reference {}", index + 1),
            Signal::Estimate(index) => write!(f, "estimate {}", index + 1),
        }
    }
}

/// Why a score is undefined. Every message says what was expected, what was found and what to try.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricsError {
    /// Every sample is zero: scores of silence are undefined.
    #[error(
        "{signal} is silent: expected at least one sample other than zero, found {samples} zeros. \
         Leave this source out, or score a part of the file in which it is active"
    )]
    Silent {
        /// The silent signal.
        signal: Signal,
        /// Its length in samples.
        samples: usize,
    },

    /// A sample is NaN or infinite.
    #[error(
        "{signal} has the value {value} at sample {sample}: expected finite samples. \
         Export the file again, or look for a division by zero in the program that made it"
    )]
    NonFinite {
        /// The signal with the bad sample.
        signal: Signal,
        /// The place of the first bad sample, from 0.
        sample: usize,
        /// The bad sample.
        value: f64,
    },

    /// Two signals that must be compared sample by sample differ in length.
    #[error(
        "{signal} has {found} samples: expected {expected}, as many as reference 1. \
         Cut or pad it to the same length, and check that both have the same sample rate"
    )]
    LengthMismatch {
        /// The signal of another length.
        signal: Signal,
        /// Samples of the first reference.
        expected: usize,
        /// Samples of `signal`.
        found: usize,
    },

    /// There are too few samples for the projection.
    #[error(
        "{signal} has {found} samples: expected at least {expected} for this many references and \
         taps. Score a longer stretch, or use fewer taps"
    )]
    TooShort {
        /// The short signal.
        signal: Signal,
        /// The least number of samples that can be scored.
        expected: usize,
        /// Samples of `signal`.
        found: usize,
    },

    /// Too little is left for STOI once the silent frames are gone.
    #[error(
        "{found} frames (12.8 ms apart) of reference 1 are loud enough: expected at least \
         {expected}, about 0.4 s of speech. Score a longer stretch, or take STOI as undefined here"
    )]
    TooFewFrames {
        /// Frames in one STOI segment.
        expected: usize,
        /// Frames left.
        found: usize,
    },

    /// The sample rate cannot be brought to that of STOI.
    #[error(
        "the sample rate is {found} Hz: expected 1 Hz to {expected} Hz. \
         Give the rate the signals were recorded at"
    )]
    SampleRate {
        /// The highest rate taken.
        expected: u32,
        /// The rate that came.
        found: u32,
    },

    /// Estimates cannot be paired with references one to one.
    #[error(
        "there are {found} estimates for {expected} references: expected as many of one as of the \
         other. Give one estimate for each reference, in the same order"
    )]
    CountMismatch {
        /// How many references there are.
        expected: usize,
        /// How many estimates came.
        found: usize,
    },

    /// The set of references is empty.
    #[error("there is no reference: expected at least one. Give the true sources to score against")]
    NoReference,

    /// There is no reference of that index.
    #[error(
        "there is no reference with index {found}: expected an index below {expected}. \
         Indices start at 0"
    )]
    NoSuchReference {
        /// How many references there are.
        expected: usize,
        /// The index that came.
        found: usize,
    },

    /// The projection filters have no taps.
    #[error(
        "the projection filters have {found} taps: expected at least {expected}. \
         Use 512 for BSS_eval v3, 1 for the scale-invariant ratios"
    )]
    NoTaps {
        /// The least number of taps.
        expected: usize,
        /// The number that came.
        found: usize,
    },

    /// The references are so similar that there is no stable projection onto them.
    #[error(
        "the Gram matrix of {references} references with {taps} taps could not be factored: \
         expected linearly independent references. Remove references that are copies of another"
    )]
    Dependent {
        /// How many references are projected onto.
        references: usize,
        /// Taps of each projection filter.
        taps: usize,
    },
}
