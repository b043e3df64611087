//! The `[train]` settings.

use nae_model::error::setting;
use nae_model::loss::DEFAULT_EPS;
use nae_model::optim::{OptimizerKind, RpropSettings, Schedule};
use serde::{Deserialize, Serialize};

use crate::error::TrainError;

/// How a model is optimised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// `"adam"`, `"rmsprop"` or `"rprop"` (which needs `batch_frames = 0`).
    pub optimizer: OptimizerKind,
    /// Learning rate; RProp's first step.
    pub learning_rate: f64,
    /// `"cosine"` (falls to a hundredth over `max_steps`) or `"constant"`.
    pub schedule: Schedule,
    /// Random frames in a step; 0: all of them.
    pub batch_frames: usize,
    /// Steps at most. They give refining its start; without refining use 1500.
    pub max_steps: usize,
    /// Relative improvement from one window of steps to the next below which training stops;
    /// 0: run every step.
    pub tolerance: f64,
    /// Steps in a window: how often the loss is read, shown and judged, by the later half of the
    /// window's mini-batches, refining's last pass, or the last step on all frames.
    pub window: usize,
    /// λ of the L1 penalty `λ·mean|H|` on every hidden layer.
    pub sparsity: f64,
    /// σ of the multiplicative noise on the latent, `h·max(0, 1 + σ·N(0, 1))`.
    pub latent_noise: f64,
    /// Frames this far below the loudest are left out, in dB (negative).
    pub silence_db: f64,
    /// Floor ε in both logarithms of the divergence, relative to sound of unit standard deviation.
    pub eps: f64,
    /// Factors and bounds of RProp's steps.
    pub rprop: RpropSettings,
    /// The refining stage.
    pub refine: RefineConfig,
    /// Factorisation, for `model.kind = "nmf"` (of this section only `tolerance`, `window`,
    /// `sparsity`, `silence_db` and `nmf` apply to it).
    pub nmf: NmfConfig,
}

/// Non-negative matrix factorisation by multiplicative updates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NmfConfig {
    /// Updates of bases and activations.
    pub updates: usize,
    /// β of the divergence: 1 Kullback–Leibler, 0 Itakura–Saito, 2 Euclidean, or between.
    pub beta: f64,
    /// Restarts, the best of which is kept.
    pub restarts: usize,
    /// `"random"`, or `"nndsvd"` for the first restart.
    pub start: NmfStart,
}

/// Where a factorisation starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NmfStart {
    /// Uniform numbers at the spectrum's scale.
    Random,
    /// NNDSVDa, which depends on no seed.
    Nndsvd,
}

impl Default for NmfConfig {
    fn default() -> Self {
        Self {
            updates: 100,
            beta: 1.0,
            restarts: 1,
            start: NmfStart::Random,
        }
    }
}

/// The refining stage: decoder and free activations of the training frames together, Adam.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RefineConfig {
    /// Times that every frame is visited; 0: no refining.
    pub passes: usize,
    /// Batches that the frames are dealt into and a pass takes in turn; 1: all frames in every step.
    pub batches: usize,
    /// Learning rate of the activations (as pre-activations).
    pub activation_rate: f64,
    /// Learning rate of the decoder.
    pub decoder_rate: f64,
    /// Frames at most, a random choice of all; 0: all of them.
    pub max_frames: usize,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            optimizer: OptimizerKind::Adam,
            learning_rate: 3e-3,
            schedule: Schedule::Cosine,
            batch_frames: 128,
            max_steps: 900,
            tolerance: 0.0,
            window: 25,
            sparsity: 0.0,
            latent_noise: 0.3,
            silence_db: -50.0,
            eps: DEFAULT_EPS,
            rprop: RpropSettings::default(),
            refine: RefineConfig::default(),
            nmf: NmfConfig::default(),
        }
    }
}

impl Default for RefineConfig {
    fn default() -> Self {
        Self {
            passes: 200,
            batches: 6,
            activation_rate: 0.8,
            decoder_rate: 1e-2,
            max_frames: 4000,
        }
    }
}

impl TrainConfig {
    /// Checks every range.
    ///
    /// # Errors
    /// [`TrainError::Model`] naming the first key that is out of range.
    pub fn validate(&self) -> Result<(), TrainError> {
        let positive = |value: f64| value > 0.0 && value.is_finite();
        let not_negative = |value: f64| value >= 0.0 && value.is_finite();
        let number = "a finite number above 0";
        let checks = [
            (
                positive(self.learning_rate),
                "train.learning_rate",
                number,
                self.learning_rate,
                "3e-3",
            ),
            (
                not_negative(self.tolerance),
                "train.tolerance",
                "at least 0",
                self.tolerance,
                "1e-4, or 0 to run every step",
            ),
            (
                not_negative(self.sparsity),
                "train.sparsity",
                "at least 0",
                self.sparsity,
                "0.01, or 0 for none",
            ),
            (
                not_negative(self.latent_noise),
                "train.latent_noise",
                "at least 0",
                self.latent_noise,
                "0.3, or 0 for none",
            ),
            (
                self.silence_db < 0.0,
                "train.silence_db",
                "below 0",
                self.silence_db,
                "-50",
            ),
            (positive(self.eps), "train.eps", number, self.eps, "1.19e-7"),
            (
                positive(self.refine.activation_rate),
                "train.refine.activation_rate",
                number,
                self.refine.activation_rate,
                "0.2",
            ),
            (
                positive(self.refine.decoder_rate),
                "train.refine.decoder_rate",
                number,
                self.refine.decoder_rate,
                "5e-3",
            ),
        ];
        for (is_fine, key, expected, came, advice) in checks {
            if !is_fine {
                return Err(setting(key, expected, came, advice).into());
            }
        }
        if !self.nmf.beta.is_finite() {
            return Err(setting("train.nmf.beta", "a finite number", self.nmf.beta, "1").into());
        }
        if self.nmf.updates == 0 {
            return Err(setting("train.nmf.updates", "at least 1", self.nmf.updates, "100").into());
        }
        if self.nmf.restarts == 0 {
            return Err(setting("train.nmf.restarts", "at least 1", self.nmf.restarts, "1").into());
        }
        if self.refine.batches == 0 {
            return Err(setting("train.refine.batches", "at least 1", 0, "6").into());
        }
        if self.window == 0 {
            return Err(setting("train.window", "at least 1", self.window, "25").into());
        }
        if self.max_steps == 0 {
            return Err(setting("train.max_steps", "at least 1", self.max_steps, "900").into());
        }
        if self.optimizer == OptimizerKind::Rprop && self.batch_frames != 0 {
            return Err(setting(
                "train.batch_frames",
                "0 (all frames) with train.optimizer = \"rprop\", whose rule takes every change of sign for a minimum",
                self.batch_frames,
                "--set train.batch_frames=0, or optimizer = \"adam\"",
            )
            .into());
        }
        let keys = [
            "train.rprop.increase",
            "train.rprop.decrease",
            "train.rprop.min_step",
            "train.rprop.max_step",
        ];
        Ok(self.rprop.validate(keys)?)
    }
}
