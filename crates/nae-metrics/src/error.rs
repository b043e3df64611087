//! Errors of the signals that are scored.

use std::fmt;

/// Which signal an error is about. Counted from 0 here, from 1 in messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// A true source, by its place in the set of references.
    Reference(usize),
    /// A separated source, by its place in the set of estimates.
    Estimate(usize),
    /// What is scored as the estimate of every reference.
    Mixture,
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Signal::Reference(index) => write!(f, "reference {}", index + 1),
            Signal::Estimate(index) => write!(f, "estimate {}", index + 1),
            Signal::Mixture => f.write_str("the mixture"),
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
         Leave this sound out, or score a part of the file in which it is active"
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
        "{signal} has {}: expected {expected}, as many as reference 1. \
         Cut or pad it to the same length, and check that both have the same sample rate",
        counted(*.found, "sample")
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
        "{signal} has {}: expected at least {expected} for this many references and \
         taps. Score a longer stretch, or use fewer taps",
        counted(*.found, "sample")
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
        "too little of reference 1 is loud enough for STOI: {} of 12.8 ms, expected at least \
         {expected}, about 0.4 s of speech. Score a longer stretch, or take STOI as undefined here",
        counted(*.found, "frame")
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
        "{} came for {}: expected as many of one as of the \
         other. Give one estimate for each reference, in the same order",
        counted(*.found, "estimate"),
        counted(*.expected, "reference")
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

    /// The set of references is too large for the memory that its projections take.
    #[error(
        "there are {found} references: expected at most {expected} sources in one mixture. \
         Score every mixture with its own references"
    )]
    TooManyReferences {
        /// The most there may be.
        expected: usize,
        /// How many there are.
        found: usize,
    },

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
        "the Gram matrix of {} with {} could not be factored: \
         expected linearly independent references. Remove references that are copies of another",
        counted(*.references, "reference"),
        counted(*.taps, "tap")
    )]
    Dependent {
        /// How many references are projected onto.
        references: usize,
        /// Taps of each projection filter.
        taps: usize,
    },
}

/// `1 sample`, `2 samples`.
fn counted(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        number => format!("{number} {noun}s"),
    }
}

impl MetricsError {
    /// The signal that the error is about, if it is about one.
    #[must_use]
    pub fn signal(&self) -> Option<Signal> {
        match self {
            Self::Silent { signal, .. }
            | Self::NonFinite { signal, .. }
            | Self::LengthMismatch { signal, .. }
            | Self::TooShort { signal, .. } => Some(*signal),
            _ => None,
        }
    }

    /// The same of another signal, where a single one was measured.
    pub(crate) fn about(self, other: Signal) -> Self {
        let mut error = self;
        if let Self::Silent { signal, .. }
        | Self::NonFinite { signal, .. }
        | Self::LengthMismatch { signal, .. }
        | Self::TooShort { signal, .. } = &mut error
        {
            *signal = other;
        }
        error
    }
}
