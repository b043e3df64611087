//! Faults of a sound file that can still be read.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Mutex;

use nae_files::count;

/// A fault of a file that was read all the same.
///
/// Each displays as a sentence without the file's name; [`AudioReader`](crate::AudioReader) logs them
/// with it, through [`log::warn!`], when the end of the file is reached.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// Packets that are missing or cannot be decoded; as much silence stands in their place, so that
    /// everything after them keeps its time.
    Damaged {
        /// Places with at least one such packet.
        places: u64,
        /// Samples per channel of silence in all of them.
        samples: u64,
        /// Where the first place begins, samples.
        first: u64,
        /// Samples a second, Hz.
        sample_rate: u32,
    },
    /// The header states more than there is.
    Shorter {
        /// Samples per channel that the header states.
        promised: u64,
        /// Samples per channel that are there.
        found: u64,
    },
    /// There is more than the header states; all of it is read.
    Longer {
        /// Samples per channel that the header states.
        promised: u64,
        /// Samples per channel that are there.
        found: u64,
    },
    /// The file ends in the middle of a packet or without the mark of its end.
    Unfinished,
    /// Bytes around the sound that belong to nothing, or less than one sample.
    LeftOver {
        /// How many.
        bytes: u64,
    },
    /// A field of the header contradicts the rest of the file.
    Header {
        /// Which, and what was used instead.
        detail: String,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged {
                places,
                samples,
                first,
                sample_rate,
            } => {
                let rate = f64::from(*sample_rate);
                let (lost_s, first_s) = (*samples as f64 / rate, *first as f64 / rate);
                let at = if *places == 1 {
                    format!("damaged at {first_s:.2} s")
                } else {
                    format!("damaged in {places} places, first at {first_s:.2} s")
                };
                write!(f, "{at}: {lost_s:.3} s are missing and replaced by silence")
            }
            Self::Shorter { promised, found } => write!(
                f,
                "cut short: its header states {} per channel, but the file holds only {found}; what is there is used",
                count(*promised, "sample")
            ),
            Self::Longer { promised, found } => write!(
                f,
                "its header states only {} per channel, but the file holds {found}; all of them are used",
                count(*promised, "sample")
            ),
            Self::Unfinished => write!(
                f,
                "ends in the middle of its sound and was probably cut short; what is there is used"
            ),
            Self::LeftOver { bytes: 1 } => {
                write!(f, "1 byte is no whole sample or packet and was left out")
            }
            Self::LeftOver { bytes } => write!(
                f,
                "{bytes} bytes are not whole samples or packets and were left out"
            ),
            Self::Header { detail } => write!(f, "the header is wrong: {detail}"),
        }
    }
}

/// Logs a sentence, unless this process has done so already.
pub(crate) fn warn_once(sentence: &str) {
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let is_new = SAID
        .lock()
        .map_or(true, |mut said| said.insert(sentence.into()));
    if is_new {
        log::warn!("{sentence}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_says_how_much_and_where() {
        let one = Warning::Damaged {
            places: 1,
            samples: 800,
            first: 16_000,
            sample_rate: 16_000,
        };
        assert_eq!(
            one.to_string(),
            "damaged at 1.00 s: 0.050 s are missing and replaced by silence"
        );
        let more = Warning::Damaged {
            places: 3,
            samples: 8000,
            first: 4000,
            sample_rate: 16_000,
        };
        assert!(more.to_string().contains("3 places, first at 0.25 s"));
    }
}
