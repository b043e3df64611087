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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_durations_and_pairs_out_of_range_are_named() {
        let text = include_str!("../tests/earlier_run/manifest.json");
        let whole: Manifest = serde_json::from_str(text).unwrap();
        assert_eq!(whole.check_values(), Ok(()));
        let refused = |change: fn(&mut Manifest), word: &str| {
            let mut manifest = whole.clone();
            change(&mut manifest);
            let error = manifest.check_values().unwrap_err();
            assert!(error.contains(word), "{error}");
        };
        refused(|m| m.variants[0].config.audio.hop = 0, "audio.hop");
        refused(
            |m| m.variants[1].config.model.layers = 1 << 60,
            "model.layers",
        );
        refused(
            |m| m.variants[0].config.data.mixture_s = 1e300,
            "data.mixture_s",
        );
        refused(|m| m.speakers[0].train[0].duration_s = -1.0, "-1e0 seconds");
        refused(
            |m| m.speakers[1].test[0].duration_s = 1e300,
            "1e300 seconds",
        );
        refused(|m| m.pairs.push(Vec::new()), "pair 1");
    }
}
