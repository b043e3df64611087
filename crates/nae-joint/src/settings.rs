//! The `[joint]` settings.

use nae_model::ModelError;
use nae_model::error::setting;
use serde::{Deserialize, Serialize};

/// What stands between the input layer and the activations.
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
    /// Earlier frames only, as live use needs; `"past"` in files.
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

/// A joint encoder and its training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JointConfig {
    /// `"voices"`: the input layer and the body begin with what they know from the voices that come
    /// with nae, if all else that shapes them is as by default; or `"random"`.
    pub start: StartKind,
    /// `"conv"`, `"gru"`, `"lstm"` or `"none"`.
    pub body: BodyKind,
    /// Units of the input layer and of the body (of each direction where it has two).
    pub width: usize,
    /// Convolutions in the body, with dilations 1, 2, 4, 8, 16, 1, 2 …
    pub blocks: usize,
    /// Taps of a convolution, odd.
    pub kernel: usize,
    /// `"both"`, or `"past"`: no activation depends on a later frame.
    #[serde(rename = "hearing")]
    pub context: TemporalContext,
    /// Exponent in (0, 1] that compresses the magnitudes the network reads.
    pub compression: f64,
    /// Exponent of the ratio mask on the decoded (compressed) spectra.
    pub mask_exponent: f64,
    /// `"mask"` or `"kl"`.
    pub loss: LossKind,
    /// Networks trained from different seeds, whose masks are averaged.
    #[serde(rename = "members")]
    pub ensemble_size: usize,
    /// Steps of each.
    pub steps: usize,
    /// Mixtures in a step.
    pub mixtures: usize,
    /// Frames of a mixture.
    pub frames: usize,
    /// Learning rate at the start; it falls along a cosine.
    pub learning_rate: f64,
    /// Decoupled weight decay per unit of learning rate.
    pub weight_decay: f64,
    /// Share of the input layer's units that are silenced at random while training.
    pub dropout: f64,
    /// Levels of the sources in a mixture differ by up to this, up and down, in dB.
    pub level_db: f64,
    /// Speed perturbation: factors by which training material is sped up, each between 0.5 and 2.
    #[serde(rename = "speeds")]
    pub speed_perturbation: Vec<f64>,
    /// Share of every source's sound that is held back to choose the best window on; 0: the
    /// training loss chooses. A tenth of 25 s says little about the voice, and stops too early.
    pub held_back: f64,
    /// Relative improvement from one window to the next below which training stops; 0: never.
    pub tolerance: f64,
    /// Steps in a window, judged by all of them, or by the last if something is held back.
    pub window: usize,
    /// Frames this far below the loudest do not count for levels, in dB (negative).
    pub silence_db: f64,
}

impl Default for JointConfig {
    fn default() -> Self {
        Self {
            start: StartKind::Pretrained,
            body: BodyKind::Conv,
            width: 160,
            blocks: 5,
            kernel: 5,
            context: TemporalContext::Bidirectional,
            compression: 0.25,
            mask_exponent: 2.0,
            loss: LossKind::Mask,
            ensemble_size: 1,
            steps: 1400,
            mixtures: 12,
            frames: 100,
            learning_rate: 2e-3,
            weight_decay: 0.01,
            dropout: 0.5,
            level_db: 4.0,
            speed_perturbation: vec![0.92, 1.0, 1.08],
            held_back: 0.0,
            tolerance: 0.0,
            window: 50,
            silence_db: -50.0,
        }
    }
}

impl JointConfig {
    /// Checks every range.
    ///
    /// # Errors
    /// [`ModelError::Setting`] naming the first key that is out of range.
    pub fn validate(&self) -> Result<(), ModelError> {
        let counts = [
            (self.width, 4096, "joint.width", "160"),
            (self.ensemble_size, 16, "joint.members", "1"),
            (self.steps, 1_000_000, "joint.steps", "1400"),
            (self.mixtures, 1024, "joint.mixtures", "12"),
            (self.window, 1_000_000, "joint.window", "50"),
            (self.kernel, 63, "joint.kernel", "5"),
        ];
        for (value, most, key, advice) in counts {
            if !(1..=most).contains(&value) {
                let range = format!("between 1 and {most}");
                return Err(setting(key, &range, value, advice));
            }
        }
        if !(1..=32).contains(&self.blocks) && self.body == BodyKind::Conv {
            let range = "between 1 and 32";
            return Err(setting("joint.blocks", range, self.blocks, "5"));
        }
        if self.kernel.is_multiple_of(2) {
            return Err(setting("joint.kernel", "odd", self.kernel, "5"));
        }
        if !(8..=10_000).contains(&self.frames) {
            let range = "between 8 and 10000";
            return Err(setting("joint.frames", range, self.frames, "100"));
        }
        let positive = |value: f64| value > 0.0 && value.is_finite();
        let not_negative = |value: f64| value >= 0.0 && value.is_finite();
        let below_one = |value: f64| (0.0..1.0).contains(&value);
        let exponent = self.compression > 0.0 && self.compression <= 1.0;
        #[rustfmt::skip]
        let checks = [
            (exponent, "joint.compression", "above 0 and at most 1", self.compression, "0.25"),
            (positive(self.mask_exponent), "joint.mask_exponent", "a finite number above 0", self.mask_exponent, "2"),
            (positive(self.learning_rate), "joint.learning_rate", "a finite number above 0", self.learning_rate, "2e-3"),
            (not_negative(self.weight_decay), "joint.weight_decay", "at least 0", self.weight_decay, "0.01"),
            (below_one(self.dropout), "joint.dropout", "at least 0 and below 1", self.dropout, "0.3"),
            (not_negative(self.level_db), "joint.level_db", "at least 0", self.level_db, "4"),
            ((0.0..=0.5).contains(&self.held_back), "joint.held_back", "between 0 and 0.5", self.held_back, "0"),
            (not_negative(self.tolerance), "joint.tolerance", "at least 0", self.tolerance, "0"),
            (self.silence_db < 0.0, "joint.silence_db", "below 0", self.silence_db, "-50"),
        ];
        for (is_fine, key, expected, came, advice) in checks {
            if !is_fine {
                return Err(setting(key, expected, came, advice));
            }
        }
        let speeds = "at least one number between 0.5 and 2";
        if self.speed_perturbation.is_empty()
            || self
                .speed_perturbation
                .iter()
                .any(|s| !(0.5..=2.0).contains(s))
        {
            let came = format!("{:?}", self.speed_perturbation);
            return Err(setting("joint.speeds", speeds, came, "[0.92, 1, 1.08]"));
        }
        Ok(())
    }
}
