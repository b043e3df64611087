//! The `[train]` settings.

use nae_config::{Choice, CrossCheck, OutOfRange, Range, Settings};
use nae_model::ModelError;
use nae_model::loss::DEFAULT_EPS;
use nae_model::optim::{OptimizerKind, RpropSettings, Schedule};
use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::member::MemberKind;

/// Members that an ensemble has at most.
const MOST_MEMBERS: usize = nae_model::ensemble::MOST_MEMBERS;

/// Initialisation of a factorisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NmfStart {
    /// Uniform numbers at the spectrum's scale.
    Random,
    /// NNDSVDa, which is deterministic.
    Nndsvd,
}

/// Initial weights of an autoencoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InitialWeights {
    /// Matched for convolutive kinds of two layers, random for others.
    Auto,
    /// Glorot-uniform.
    Random,
    /// Excerpts of the training sound, so that every unit responds to something.
    Matched,
}

impl Choice for NmfStart {}

impl Choice for InitialWeights {}

nae_config::settings! {
    /// The `[train]` settings: how a model is optimised.
    #[derive(Clone, Debug, PartialEq)]
    pub struct TrainConfig {
        /// Optimiser; RProp needs `batch_frames = 0`.
        pub optimizer: OptimizerKind = OptimizerKind::Adam;
        /// Learning rate; for RProp, the initial step size.
        pub learning_rate: f64 = 3e-3, in 1e-15..=1e6, try "3e-3";
        /// Learning rate schedule; `cosine` decays to a hundredth over `max_steps`.
        pub schedule: Schedule = Schedule::Cosine;
        /// Frames of a mini-batch, drawn at random; 0: all frames in every step.
        pub batch_frames: usize = 128, in 0..=1_000_000, unit "frames", try "128";
        /// Maximum number of steps before refinement; 1500 works better without refinement.
        pub max_steps: usize = 900, in 1..=100_000_000, unit "steps", try "900";
        /// Training stops when the loss improves by less than this fraction from one window of
        /// steps to the next; 0: run every step.
        pub tolerance: f64 = 0.0, in 0.0..=1.0, try "1e-4, or 0 to run every step";
        /// Steps between two evaluations of the loss, which is logged, selects the best weights and
        /// may end training. It is that of the later half of the window's mini-batches, of the last
        /// pass of refinement, or of the last step on all frames.
        pub window: usize = 25, in 1..=1_000_000, unit "steps", try "25";
        /// λ of the L1 penalty `λ·mean|H|` on every hidden layer.
        pub sparsity: f64 = 0.0, in 0.0..=1e6, try "0.01, or 0 for none";
        /// σ of the multiplicative noise on the latent, `h·max(0, 1 + σ·N(0, 1))`.
        pub latent_noise: f64 = 0.3, in 0.0..=100.0, try "0.3, or 0 for none";
        /// Frames this far below the loudest are left out.
        pub silence_db: f64 = -50.0, in -300.0..0.0, unit "dB", try "-50";
        /// Floor ε in both logarithms of the divergence, relative to sound of unit standard
        /// deviation.
        pub eps: f64 = DEFAULT_EPS, in 1e-12..=1.0, try "1.19e-7";
        /// Step sizes of RProp, for `train.optimizer = "rprop"`.
        pub rprop: RpropSettings = RpropSettings::default();
        /// The refining stage: decoder and free activations of the training frames together, Adam.
        pub refine: RefineConfig = RefineConfig::default();
        /// Factorisation, for `model.kind = "nmf"`. Of `[train]`, only `tolerance`, `window`,
        /// `sparsity`, `silence_db` and this section apply to it.
        pub nmf: NmfConfig = NmfConfig::default();
        /// Learning rate of the encoder over `learning_rate`, for one frame that it sees at a time; 0: `1/3`, or
        /// `2/15` if initial weights are matched. Of larger steps more of its units die.
        pub encoder_factor: f64 = 0.0, in Range::from(1e-9..=1e9).or_zero(), try "0, or 1 for one rate for all", was 1.0;
        /// Initial weights: `random`, or `matched`, excerpts of the training sound; `auto` matches those
        /// of convolutive models of two layers.
        pub initial_weights: InitialWeights = InitialWeights::Auto, was InitialWeights::Auto;
        /// The models of a source, whose masks are averaged: `dense` is the autoencoder that `[model]`
        /// describes; the others have its rank: `shallow` has two dense layers, `nmf` is a factorisation
        /// with bases of unit norm, `conv` has two layers of half the rank and bases of four frames,
        /// `recurrent` has four layers, one of them recurrent. A word that is repeated has another
        /// seed. An empty list: the one model that `[model]` describes. `auto`, alone: `dense`
        /// and `nmf` if `[model]` leaves the kind and the layers at their defaults, else the one model
        /// that it describes; in experiments always that one.
        pub ensemble: Vec<MemberKind> = vec![MemberKind::Auto], was Vec::new();
    }
}

nae_config::settings! {
    /// The refining stage: decoder and free activations of the training frames together, Adam.
    #[derive(Clone, Debug, PartialEq)]
    pub struct RefineConfig {
        /// Passes over the training frames; 0: no refinement.
        pub passes: usize = 200, in 0..=10_000_000, unit "passes", try "200";
        /// Number of mini-batches in a pass; 1: all frames in every step.
        pub batches: usize = 6, in 1..=1000, unit "batches", try "6";
        /// Learning rate of the activations, which are optimised as pre-activations.
        pub activation_rate: f64 = 0.8, in 1e-15..=1e6, try "0.2";
        /// Learning rate of the decoder.
        pub decoder_rate: f64 = 1e-2, in 1e-15..=1e6, try "5e-3";
        /// Maximum number of frames, chosen at random; 0: all frames.
        pub max_frames: usize = 4000, in 0..=100_000_000, unit "frames", try "4000";
    }
}

nae_config::settings! {
    /// Non-negative matrix factorisation by multiplicative updates.
    #[derive(Clone, Debug, PartialEq)]
    pub struct NmfConfig {
        /// Multiplicative updates of bases and activations.
        pub updates: usize = 100, in 1..=10_000_000, unit "updates", try "100";
        /// β of the divergence: 1 Kullback–Leibler, 0 Itakura–Saito, 2 Euclidean, or between.
        pub beta: f64 = 1.0, in -1.0..=3.0, try "1";
        /// Number of runs from different initial values, of which the best is kept.
        pub restarts: usize = 1, in 1..=10_000, unit "restarts", try "1";
        /// Initialisation of bases and activations; with `nndsvd`, restarts after the first are
        /// random.
        pub start: NmfStart = NmfStart::Random;
    }
}

impl CrossCheck for TrainConfig {
    /// RProp takes all frames in every step; `auto` is no member among others.
    fn cross_check(&self, section: &str) -> Result<(), OutOfRange> {
        self.check_ensemble(section)?;
        if self.optimizer != OptimizerKind::Rprop || self.batch_frames == 0 {
            return Ok(());
        }
        Err(OutOfRange::new(
            section,
            "batch_frames",
            format!(
                "0 (all frames) with {section}.optimizer = \"rprop\", whose rule takes every change of sign for a minimum"
            ),
            self.batch_frames,
            format!("--set {section}.batch_frames=0, or optimizer = \"adam\""),
        ))
    }
}

impl CrossCheck for RefineConfig {}

impl CrossCheck for NmfConfig {}

impl TrainConfig {
    /// Checks every range, and what settings ask of each other.
    ///
    /// # Errors
    /// [`TrainError::Model`] naming the first key that is out of range.
    pub fn validate(&self) -> Result<(), TrainError> {
        Ok(Settings::check(self, "train").map_err(ModelError::from)?)
    }

    fn check_ensemble(&self, section: &str) -> Result<(), OutOfRange> {
        let refuse = |expected: String, came: String, advice: &str| {
            Err(OutOfRange::new(section, "ensemble", expected, came, advice))
        };
        let count = self.ensemble.len();
        if count > MOST_MEMBERS {
            return refuse(
                format!("a list of at most {MOST_MEMBERS} words"),
                format!("a list of {count}"),
                "one of each: [\"dense\", \"shallow\", \"nmf\", \"conv\", \"recurrent\"]",
            );
        }
        if count > 1 && self.ensemble.contains(&MemberKind::Auto) {
            let words: Vec<&str> = self.ensemble.iter().map(|kind| kind.word()).collect();
            return refuse(
                "[\"auto\"] alone, or a list of kinds without it".into(),
                format!("{words:?}"),
                "[\"auto\"], or what it stands for: [\"dense\", \"nmf\"]",
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use nae_config::Canonical;

    use super::*;

    /// Identities of trained models hash this text.
    #[test]
    fn the_canonical_text_of_earlier_settings_stays_as_it_is() {
        let text = r#"{"optimizer":"adam","learning_rate":0.003,"schedule":"cosine","batch_frames":128,"max_steps":900,"tolerance":0.0,"window":25,"sparsity":0.0,"latent_noise":0.3,"silence_db":-50.0,"eps":1.19e-7,"rprop":{"increase":1.2,"decrease":0.5,"min_step":1e-6,"max_step":50.0},"refine":{"passes":200,"batches":6,"activation_rate":0.8,"decoder_rate":0.01,"max_frames":4000},"nmf":{"updates":100,"beta":1.0,"restarts":1,"start":"random"}}"#;
        // of files and cells from before ensembles and an encoder's own rate
        let single: TrainConfig = nae_config::canonical::from_json(text).unwrap();
        let config = TrainConfig {
            ensemble: Vec::new(),
            encoder_factor: 1.0,
            ..TrainConfig::default()
        };
        assert_eq!(single, config);
        assert_eq!(serde_json::to_string(&Canonical(&config)).unwrap(), text);
    }

    #[test]
    fn numbers_that_f32_or_memory_cannot_hold_are_refused() {
        let refused = |key: &str, change: &dyn Fn(&mut TrainConfig)| {
            let mut config = TrainConfig::default();
            change(&mut config);
            let error = config.validate().unwrap_err().to_string();
            assert!(error.contains(&format!("`train.{key}`")), "{error}");
        };
        refused("learning_rate", &|c| c.learning_rate = 1e39);
        refused("learning_rate", &|c| c.learning_rate = 1e-300);
        refused("encoder_factor", &|c| c.encoder_factor = 1e-300);
        refused("batch_frames", &|c| c.batch_frames = usize::MAX);
        refused("tolerance", &|c| c.tolerance = f64::INFINITY);
        refused("silence_db", &|c| c.silence_db = f64::NEG_INFINITY);
        refused("eps", &|c| c.eps = 1e-300);
        refused("rprop.max_step", &|c| c.rprop.max_step = 1e300);
        refused("refine.batches", &|c| c.refine.batches = i64::MAX as usize);
        refused("refine.passes", &|c| c.refine.passes = usize::MAX);
        refused("nmf.beta", &|c| c.nmf.beta = 1e39);
        refused("nmf.restarts", &|c| c.nmf.restarts = 0);
    }
}
