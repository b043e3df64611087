//! The `[joint]` settings.

use std::ops::RangeInclusive;

use nae_config::{Choice, CrossCheck, OutOfRange, Range, Settings};
use nae_model::ModelError;
use serde::{Deserialize, Serialize};

/// Temporal model between the input layer and the activations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BodyKind {
    /// One more dense layer: every frame by itself, as a control.
    None,
    /// Dilated depthwise-separable convolutions along time.
    Conv,
    /// A gated recurrent unit.
    Gru,
    /// A long short-term memory.
    Lstm,
}

/// Which frames the activations of a frame may depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TemporalContext {
    /// Earlier and later frames; `"both"` in files.
    #[serde(rename = "both")]
    Bidirectional,
    /// Earlier frames only, as real-time use needs; `"past"` in files.
    #[serde(rename = "past")]
    Causal,
}

/// How the input layer and the temporal model are initialised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StartKind {
    /// With the weights that come with nae, if the architecture is the one they were trained for,
    /// else at random; `"voices"` in files.
    #[serde(rename = "voices")]
    Pretrained,
    /// At random.
    Random,
}

/// What training minimises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LossKind {
    /// Squared error of the masked mixture against the part of each source that is in phase with
    /// it, `(M·|X| − clamp(|S|·cos Δφ, 0, |X|))²`.
    Mask,
    /// Generalised Kullback–Leibler divergence between the same two.
    Kl,
}

impl Choice for BodyKind {}
impl Choice for TemporalContext {}
impl Choice for StartKind {}
impl Choice for LossKind {}

nae_config::settings! {
    /// The `[joint]` settings: a joint encoder and its training.
    #[derive(Clone, Debug, PartialEq)]
    pub struct JointConfig {
        /// Initial weights: `voices` loads the input layer and the temporal model from the
        /// pretrained weights that come with nae if they fit the architecture and the `[audio]`
        /// settings, as with the defaults; otherwise, and with `random`, all weights are random.
        pub start: StartKind = StartKind::Pretrained;
        /// The temporal model: convolutions, a recurrent layer, or none.
        pub body: BodyKind = BodyKind::Conv;
        /// Units of the input layer and of the temporal model (per direction if it is
        /// bidirectional).
        pub width: usize = 160, in 1..=4096, unit "units", try "160";
        /// Convolutions of the temporal model, with dilations 1, 2, 4, 8, 16, 1, 2 …
        pub blocks: usize = 5, in 0..=32, try "5";
        /// Kernel size of the convolutions, an odd number.
        pub kernel: usize = 5, in 1..=63, unit "frames", try "5";
        /// Temporal context of a frame: earlier and later frames (`both`), or earlier ones only
        /// (`past`).
        pub context: TemporalContext as "hearing" = TemporalContext::Bidirectional;
        /// Compression exponent of the network's input magnitudes.
        pub compression: f64 = 0.25, in 0.01..=1.0, try "0.25";
        /// Exponent of the ratio mask, applied to the decoded (compressed) spectra.
        pub mask_exponent: f64 = 2.0, in 0.01..=20.0, try "2";
        /// Training loss: squared error of the masked mixture (`mask`), or generalised Kullback–Leibler
        /// divergence (`kl`).
        pub loss: LossKind = LossKind::Mask;
        /// Ensemble size: networks trained from different seeds, whose masks are averaged.
        pub ensemble_size: usize as "members" = 1, in 1..=16, unit "networks", try "1";
        /// Training steps of each network.
        pub steps: usize = 1400, in 1..=1_000_000, unit "steps", try "1400";
        /// Batch size: mixtures in a step.
        pub mixtures: usize = 12, in 1..=1024, unit "mixtures", try "12";
        /// Length of a training mixture.
        pub frames: usize = 100, in 8..=10_000, unit "frames", try "100";
        /// Initial learning rate, which decays along a cosine.
        pub learning_rate: f64 = 2e-3, in 1e-15..=1.0, try "2e-3";
        /// Decoupled weight decay, which is multiplied by the learning rate.
        pub weight_decay: f64 = 0.01, in 0.0..=1000.0, try "0.01";
        /// Dropout rate of the input layer.
        pub dropout: f64 = 0.5, in 0.0..=0.99, try "0.5";
        /// Largest random gain or attenuation of a source in a training mixture.
        pub level_db: f64 = 4.0, in 0.0..=100.0, unit "dB", try "4";
        /// Speed perturbation: factors by which sources are played faster or slower in training, 1
        /// to 16 of them.
        pub speed_perturbation: Vec<f64> as "speeds" = vec![0.92, 1.0, 1.08], in 0.5..=2.0, try "[0.92, 1, 1.08]";
        /// Fraction of each source's training material that is held out for validation, whose loss
        /// then selects the best weights; 0: the training loss selects them. With 25 s of a voice,
        /// a tenth is too little to validate on, and training stops too early.
        pub held_back: f64 = 0.0, in Range::from(0.01..=0.5).or_zero(), try "0";
        /// Training stops when the loss improves by less than this fraction from one window of
        /// steps to the next; 0: run every step.
        pub tolerance: f64 = 0.0, in 0.0..=1.0, try "0";
        /// Steps between two evaluations of the loss: the mean over these steps, or the validation
        /// loss if `held_back` is above 0.
        pub window: usize = 50, in 1..=1_000_000, unit "steps", try "50";
        /// Frames this far below the loudest are ignored when levels are measured.
        pub silence_db: f64 = -50.0, in -300.0..0.0, unit "dB", try "-50";
        /// Later frames that the activations of a frame depend on with `hearing = "past"`: they are
        /// estimated so many frames later, which is what they add to the latency of `nae live`.
        pub look_ahead: usize = 0, in 0..=1000, unit "frames", try "4", was 0;
    }
}

/// Compressions in files: with less, 32 bits hardly tell magnitudes apart.
const STORED_COMPRESSIONS: RangeInclusive<f64> = 1e-4..=1.0;

/// Mask exponents in files: amplitudes up to 34 times unit level have half that power in 32 bits.
const STORED_MASK_EXPONENTS: RangeInclusive<f64> = 1e-4..=50.0;

/// Speeds at most: the sound at each is kept.
const MAX_SPEEDS: usize = 16;

/// Frames of all mixtures of a step at most: each takes some kB.
const MAX_STEP_FRAMES: usize = 250_000;

impl CrossCheck for JointConfig {
    fn cross_check(&self, section: &str) -> Result<(), OutOfRange> {
        let out_of_range = |name: &str, expected: String, came: String, advice: &str| {
            Err(OutOfRange::new(section, name, expected, came, advice))
        };
        if self.body == BodyKind::Conv && self.blocks == 0 {
            let expected = format!("at least 1 with {section}.body = \"conv\"");
            return out_of_range("blocks", expected, self.blocks.to_string(), "5");
        }
        if self.kernel.is_multiple_of(2) {
            return out_of_range("kernel", "odd".into(), self.kernel.to_string(), "5");
        }
        if self.look_ahead > 0 && self.context == TemporalContext::Bidirectional {
            let expected =
                format!("0 with {section}.hearing = \"both\", which reads later frames anyway");
            return out_of_range("look_ahead", expected, self.look_ahead.to_string(), "0");
        }
        if !(1..=MAX_SPEEDS).contains(&self.speed_perturbation.len()) {
            let expected = format!("a list of 1 to {MAX_SPEEDS} numbers");
            let came = format!("a list of {}", self.speed_perturbation.len());
            return out_of_range("speeds", expected, came, "[0.92, 1, 1.08]");
        }
        if self.mixtures * self.frames > MAX_STEP_FRAMES {
            let expected = format!(
                "at most {} with {section}.frames = {} ({MAX_STEP_FRAMES} frames in a step)",
                MAX_STEP_FRAMES / self.frames,
                self.frames
            );
            return out_of_range("mixtures", expected, self.mixtures.to_string(), "12");
        }
        Ok(())
    }
}

impl JointConfig {
    /// Checks every range, and what settings ask of each other.
    ///
    /// # Errors
    /// [`ModelError::Setting`] naming the first key that is out of range.
    pub fn validate(&self) -> Result<(), ModelError> {
        Ok(Settings::check(self, "joint")?)
    }

    /// Checks what a network that is already trained depends on, as files need: earlier builds took
    /// more, and what only its training used does not matter any more.
    ///
    /// # Errors
    /// [`ModelError::Setting`] naming the first key that is out of range.
    pub(crate) fn validate_stored(&self) -> Result<(), ModelError> {
        let mut used = Self {
            body: self.body,
            width: self.width,
            blocks: self.blocks,
            kernel: self.kernel,
            context: self.context,
            compression: self.compression,
            mask_exponent: self.mask_exponent,
            ensemble_size: self.ensemble_size,
            look_ahead: self.look_ahead,
            ..Self::default()
        };
        if used.body != BodyKind::Conv {
            used.blocks = Self::default().blocks;
        }
        if STORED_COMPRESSIONS.contains(&used.compression) {
            used.compression = Self::default().compression;
        }
        if STORED_MASK_EXPONENTS.contains(&used.mask_exponent) {
            used.mask_exponent = Self::default().mask_exponent;
        }
        used.validate()
    }
}

#[cfg(test)]
mod tests {
    use nae_config::{Canonical, canonical};

    use super::*;

    /// Joint files keep this text, and identities hash it.
    #[test]
    fn the_canonical_text_of_the_defaults_stays_as_it_is() {
        let text = r#"{"start":"voices","body":"conv","width":160,"blocks":5,"kernel":5,"hearing":"both","compression":0.25,"mask_exponent":2.0,"loss":"mask","members":1,"steps":1400,"mixtures":12,"frames":100,"learning_rate":0.002,"weight_decay":0.01,"dropout":0.5,"level_db":4.0,"speeds":[0.92,1.0,1.08],"held_back":0.0,"tolerance":0.0,"window":50,"silence_db":-50.0}"#;
        let config = JointConfig::default();
        assert_eq!(serde_json::to_string(&Canonical(&config)).unwrap(), text);
        assert_eq!(canonical::from_json::<JointConfig>(text).unwrap(), config);
    }

    #[test]
    fn files_may_hold_what_earlier_builds_took() {
        let stored = |change: &dyn Fn(&mut JointConfig)| {
            let mut config = JointConfig::default();
            change(&mut config);
            config.validate().unwrap_err();
            config.validate_stored()
        };
        stored(&|c| c.compression = 0.005).unwrap();
        stored(&|c| c.mask_exponent = 30.0).unwrap();
        stored(&|c| c.learning_rate = 10.0).unwrap();
        stored(&|c| (c.mixtures, c.frames) = (2000, 1_000_000)).unwrap();
        stored(&|c| c.compression = 1e-300).unwrap_err();
        stored(&|c| c.mask_exponent = 1e300).unwrap_err();
        stored(&|c| c.mask_exponent = f64::NAN).unwrap_err();
        stored(&|c| c.width = 1_000_000_000).unwrap_err();
        stored(&|c| c.kernel = 4).unwrap_err();
    }

    #[test]
    fn numbers_out_of_range_and_at_odds_are_refused() {
        let refused = |key: &str, change: &dyn Fn(&mut JointConfig)| {
            let mut config = JointConfig::default();
            change(&mut config);
            let error = config.validate().unwrap_err().to_string();
            assert!(error.contains(&format!("`joint.{key}`")), "{error}");
        };
        refused("mixtures", &|c| c.mixtures = 1_000_000_000);
        refused("mixtures", &|c| (c.mixtures, c.frames) = (1000, 1000));
        refused("held_back", &|c| c.held_back = 0.0001);
        refused("compression", &|c| c.compression = 1e-300);
        refused("learning_rate", &|c| c.learning_rate = 1e300);
        refused("dropout", &|c| c.dropout = 1.0 - 1e-12);
        refused("blocks", &|c| c.blocks = 0);
        refused("kernel", &|c| c.kernel = 4);
        refused("look_ahead", &|c| c.look_ahead = 3);
        refused("speeds", &|c| c.speed_perturbation.clear());
        refused("speeds", &|c| c.speed_perturbation = vec![1.0; 17]);
        refused("speeds", &|c| c.speed_perturbation = vec![3.0]);
        let mut recurrent = JointConfig {
            body: BodyKind::Gru,
            ..JointConfig::default()
        };
        recurrent.blocks = 0;
        recurrent.validate().unwrap();
    }
}
