//! The `[separate]` settings.

use nae_model::error::setting;
use nae_model::loss::DEFAULT_EPS;
use nae_model::optim::{OptimizerKind, RpropSettings, Schedule};
use nae_model::{ActivationForm, Latent, ModelError};
use serde::{Deserialize, Serialize};

/// Where activations start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// Each model's encoder reads the mixture; of N sources each gets an N-th of what it reads, so
    /// that together they begin at about the mixture's level.
    Encoder,
    /// `√(2/(ΣK + bins))·U(0, 1)`, as in the authors' script.
    Random,
}

/// How a mixture is separated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SeparateConfig {
    /// `"adam"`, `"rmsprop"` or `"rprop"`.
    pub optimizer: OptimizerKind,
    /// Learning rate; RProp's first step.
    pub learning_rate: f64,
    /// `"constant"` or `"cosine"`.
    pub schedule: Schedule,
    /// Steps at most; 0: the start itself is the answer.
    pub max_steps: usize,
    /// Relative improvement from one window of steps to the next below which a run stops;
    /// 0: run every step.
    pub tolerance: f64,
    /// Steps in a window, which its last one judges.
    pub window: usize,
    /// λ of the L1 penalty `λ·mean|H|` on the activations.
    pub sparsity: f64,
    /// `"bottleneck"`, or `"first"`: the first hidden layer and all layers after it.
    pub latent: Latent,
    /// `"preactivation"` (`H = ln(1 + e^Z)`), `"nonnegative"` or `"free"`.
    pub activations: ActivationForm,
    /// `"encoder"` or `"random"`.
    pub start: Start,
    /// Runs whose masks are averaged; those after the first start at random.
    pub starts: usize,
    /// Exponent of the ratio mask on the modelled (compressed) spectra.
    pub mask_exponent: f64,
    /// Frames this far below the loudest do not count for the mixture's level, in dB (negative).
    pub silence_db: f64,
    /// Floor ε in both logarithms of the divergence.
    pub eps: f64,
    /// Longest stretch separated at once, in seconds; longer mixtures go through in blocks.
    pub block_s: f64,
    /// Overlap of two blocks, in seconds.
    pub overlap_s: f64,
    /// Factors and bounds of RProp's steps.
    pub rprop: RpropSettings,
}

impl Default for SeparateConfig {
    fn default() -> Self {
        Self {
            optimizer: OptimizerKind::Adam,
            learning_rate: 1.0,
            schedule: Schedule::Constant,
            max_steps: 60,
            tolerance: 0.0,
            window: 10,
            sparsity: 0.0,
            latent: Latent::Bottleneck,
            activations: ActivationForm::Preactivation,
            start: Start::Encoder,
            starts: 1,
            mask_exponent: 2.0,
            silence_db: -50.0,
            eps: DEFAULT_EPS,
            block_s: 30.0,
            overlap_s: 2.0,
            rprop: RpropSettings::default(),
        }
    }
}

impl SeparateConfig {
    /// Checks every range.
    ///
    /// # Errors
    /// [`ModelError::Setting`] naming the first key that is out of range.
    pub fn validate(&self) -> Result<(), ModelError> {
        let positive = |value: f64| value > 0.0 && value.is_finite();
        let not_negative = |value: f64| value >= 0.0 && value.is_finite();
        let number = "a finite number above 0";
        let checks = [
            (
                positive(self.learning_rate),
                "separate.learning_rate",
                number,
                self.learning_rate,
                "1",
            ),
            (
                not_negative(self.tolerance),
                "separate.tolerance",
                "at least 0",
                self.tolerance,
                "1e-3, or 0 to run every step",
            ),
            (
                not_negative(self.sparsity),
                "separate.sparsity",
                "at least 0",
                self.sparsity,
                "0",
            ),
            (
                positive(self.mask_exponent),
                "separate.mask_exponent",
                number,
                self.mask_exponent,
                "2, or 1 for plain ratios",
            ),
            (
                self.silence_db < 0.0,
                "separate.silence_db",
                "below 0",
                self.silence_db,
                "-50",
            ),
            (
                positive(self.eps),
                "separate.eps",
                number,
                self.eps,
                "1.19e-7",
            ),
            (
                self.block_s >= 1.0 && self.block_s.is_finite(),
                "separate.block_s",
                "at least 1 second",
                self.block_s,
                "30",
            ),
            (
                self.overlap_s >= 0.2 && self.overlap_s <= self.block_s / 2.0,
                "separate.overlap_s",
                "at least 0.2 seconds and at most half of separate.block_s",
                self.overlap_s,
                "2",
            ),
        ];
        for (is_fine, key, expected, came, advice) in checks {
            if !is_fine {
                return Err(setting(key, expected, came, advice));
            }
        }
        if self.window == 0 {
            return Err(setting("separate.window", "at least 1", self.window, "10"));
        }
        if self.starts == 0 {
            return Err(setting("separate.starts", "at least 1", self.starts, "1"));
        }
        let keys = [
            "separate.rprop.increase",
            "separate.rprop.decrease",
            "separate.rprop.min_step",
            "separate.rprop.max_step",
        ];
        self.rprop.validate(keys)
    }
}
