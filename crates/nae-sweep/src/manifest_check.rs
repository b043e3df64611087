//! Checks the values in a manifest that was read: it may come from anyone, and memory is taken by its
//! settings and time is estimated from its durations.

use nae_config::Range;

use crate::manifest::Manifest;

/// Longest recording, in seconds.
const LONGEST_S: f64 = 1e9;

impl Manifest {
    /// Checks that settings and durations are in range and that no pair is empty.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(crate) fn check_values(&self) -> Result<(), String> {
        for variant in &self.variants {
            let checked = variant.config.validate();
            checked.map_err(|error| format!("the system `{}`: {error}", variant.label))?;
        }
        for speaker in &self.speakers {
            let recordings = speaker.train.iter().chain(&speaker.test);
            for duration_s in recordings.map(|recording| recording.duration_s) {
                if !Range::from(0.0..=LONGEST_S).contains(duration_s) {
                    let name = &speaker.name;
                    return Err(format!("a recording of {name} has {duration_s:e} seconds"));
                }
            }
        }
        match self.pairs.iter().position(Vec::is_empty) {
            Some(pair) => Err(format!("its pair {pair} has no speakers")),
            None => Ok(()),
        }
    }
}
