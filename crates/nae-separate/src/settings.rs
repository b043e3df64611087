//! The `[separate]` settings.

use nae_config::{Choice, CrossCheck, OutOfRange, Settings};
use nae_model::loss::DEFAULT_EPS;
use nae_model::optim::{OptimizerKind, RpropSettings, Schedule};
use nae_model::{ActivationForm, Latent, ModelError};
use serde::{Deserialize, Serialize};

/// Where activations start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// The output of each model's encoder for the mixture, divided by the number of sources, so
    /// that their sum has about the mixture's level.
    Encoder,
    /// `√(2/(ΣK + bins))·U(0, 1)`, as in the authors' script.
    Random,
}

/// What turns a gradient into new activations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SolverKind {
    /// Multiplicative updates for models whose only decoder layer is linear, `optimizer` for others, and
    /// for all models if it is not Adam.
    Auto,
    /// `optimizer` for all models.
    Gradient,
    /// Multiplicative updates for all models, whose only decoder layer must be linear.
    Multiplicative,
}

impl Choice for Start {}

impl Choice for SolverKind {}

nae_config::settings! {
    /// The `[separate]` settings: how a mixture is separated.
    #[derive(Clone, Debug, PartialEq)]
    pub struct SeparateConfig {
        /// Optimiser of the activations.
        pub optimizer: OptimizerKind = OptimizerKind::Adam;
        /// Learning rate; for RProp, the initial step size.
        pub learning_rate: f64 = 1.0, in 1e-15..=1e6, try "1";
        /// Learning rate schedule; `cosine` decays to a hundredth over `max_steps`.
        pub schedule: Schedule = Schedule::Constant;
        /// Maximum number of steps; 0: the initial activations are used as they are.
        /// More gains 0.04 dB on voices at most, but 0.2 dB with deep convolutive models (60 steps).
        pub max_steps: usize = 40, in 0..=100_000_000, unit "steps", try "40";
        /// A run stops when the loss improves by less than this fraction from one window of steps
        /// to the next; 0: run every step.
        pub tolerance: f64 = 0.0, in 0.0..=1.0, try "1e-3, or 0 to run every step";
        /// Steps between two evaluations of the loss.
        pub window: usize = 10, in 1..=1_000_000, unit "steps", try "10";
        /// λ of the L1 penalty `λ·mean|H|` on the activations.
        pub sparsity: f64 = 0.0, in 0.0..=1e6, try "0";
        /// Which activations are optimised: those of the bottleneck, or of the first hidden layer,
        /// with all layers after it as the decoder.
        pub latent: Latent = Latent::Bottleneck;
        /// Parametrisation of the activations H; `preactivation` optimises Z in `H = ln(1 + e^Z)`.
        pub activations: ActivationForm = ActivationForm::Preactivation;
        /// Initial activations: the encoders' output, or random.
        pub start: Start = Start::Encoder;
        /// Number of runs whose masks are averaged; all but the first start from random
        /// activations.
        pub starts: usize = 1, in 1..=10_000, unit "runs", try "1";
        /// Exponent of the ratio mask, applied to the decoded (compressed) spectra.
        pub mask_exponent: f64 = 3.0, in 0.01..=1000.0, try "3, or 1 for plain ratios";
        /// Frames this far below the loudest are ignored when the mixture's level is measured.
        pub silence_db: f64 = -50.0, in -300.0..0.0, unit "dB", try "-50";
        /// Floor ε in both logarithms of the divergence.
        pub eps: f64 = DEFAULT_EPS, in 1e-12..=1.0, try "1.19e-7";
        /// Length of a block; longer mixtures are processed block by block.
        pub block_s: f64 = 30.0, in 1.0..=3600.0, unit "seconds", try "30";
        /// Overlap of two blocks, at most half of `block_s`.
        pub overlap_s: f64 = 2.0, in 0.2..=1800.0, unit "seconds", try "2";
        /// Step sizes of RProp, for `separate.optimizer = "rprop"`.
        pub rprop: RpropSettings = RpropSettings::default();
        /// What changes the activations: `optimizer` (`gradient`), or multiplicative updates
        /// (`multiplicative`) where a model's only decoder layer is linear, as in a factorisation or a
        /// 2-layer model, for which `learning_rate` and `schedule` do not count; `auto` uses those updates
        /// unless `optimizer` is set to another than Adam.
        pub solver: SolverKind = SolverKind::Auto, was SolverKind::Gradient;
        /// Least λ in place of `separate.sparsity` where a source's model was merged from several others,
        /// as universal models are: that many bases explain a mixture in many ways. It does not count beside
        /// an unknown source. 0: no difference.
        pub universal_sparsity: f64 = 0.05, in 0.0..=1e6, try "0.05", was 0.05;
        /// Sources without a model, which are learnt on the mixture.
        pub unknown: UnknownConfig = UnknownConfig::default(), was UnknownConfig::default();
    }
}

nae_config::settings! {
    /// The `[separate.unknown]` settings: how sources without a model are learnt on the mixture.
    #[derive(Clone, Debug, PartialEq)]
    pub struct UnknownConfig {
        /// Rank: number of bases of each unknown source.
        pub rank: usize = 20, in 1..=4096, try "20";
        /// Number of updates of all activations and of the unknown sources' bases, and then of all
        /// activations with these bases, in place of `separate.max_steps`. Fewer learn too little of the
        /// unknown sources, and many more let them take over what is known.
        pub updates: usize = 100, in 1..=1_000_000, unit "updates", try "100";
        /// λ of the penalty `λ·mean X̂` on the known sources' spectra beside an unknown one. Without it
        /// their models explain noise as well; with ten times as much, the unknown sources explain
        /// everything. It does not depend on the level.
        pub penalty: f64 = 0.015, in 0.0..=10.0, try "0.015";
        /// Exponent of the ratio mask beside an unknown source; it takes the place of
        /// `separate.mask_exponent`.
        pub mask_exponent: f64 = 2.0, in 0.01..=1000.0, try "2, or 1 for plain ratios";
        /// Length of what is learnt on: longer mixtures are represented by excerpts at equal
        /// distances.
        pub excerpts_s: f64 = 60.0, in 1.0..=3600.0, unit "seconds", try "60";
    }
}

impl CrossCheck for UnknownConfig {}

impl CrossCheck for SeparateConfig {
    /// Blocks overlap by half at most.
    fn cross_check(&self, section: &str) -> Result<(), OutOfRange> {
        let half = self.block_s / 2.0;
        if self.overlap_s <= half {
            return Ok(());
        }
        let expected = format!("at most half of {section}.block_s, {half} s");
        Err(OutOfRange::new(
            section,
            "overlap_s",
            expected,
            self.overlap_s,
            "2",
        ))
    }
}

impl SeparateConfig {
    /// Checks every range, and what settings ask of each other.
    ///
    /// # Errors
    /// [`ModelError::Setting`] naming the first key that is out of range.
    pub fn validate(&self) -> Result<(), ModelError> {
        Ok(Settings::check(self, "separate")?)
    }
}

#[cfg(test)]
mod tests {
    use nae_config::Canonical;

    use super::*;

    /// Identities of separations hash this text.
    #[test]
    fn the_canonical_text_of_earlier_settings_stays_as_it_is() {
        let text = r#"{"optimizer":"adam","learning_rate":1.0,"schedule":"constant","max_steps":60,"tolerance":0.0,"window":10,"sparsity":0.0,"latent":"bottleneck","activations":"preactivation","start":"encoder","starts":1,"mask_exponent":2.0,"silence_db":-50.0,"eps":1.19e-7,"block_s":30.0,"overlap_s":2.0,"rprop":{"increase":1.2,"decrease":0.5,"min_step":1e-6,"max_step":50.0}}"#;
        let earlier = SeparateConfig {
            max_steps: 60,
            mask_exponent: 2.0,
            solver: SolverKind::Gradient,
            ..SeparateConfig::default()
        };
        assert_eq!(serde_json::to_string(&Canonical(&earlier)).unwrap(), text);
        let restored = nae_config::canonical::from_json::<SeparateConfig>(text).unwrap();
        assert_eq!(restored, earlier);
        let text = text.replace("2.0,\"silence", "3.0,\"silence");
        let text = text.replace("60,\"tol", "40,\"tol");
        let text = text.replace("}}", "},\"solver\":\"auto\"}");
        let config = SeparateConfig::default();
        assert_eq!(serde_json::to_string(&Canonical(&config)).unwrap(), text);
    }

    #[test]
    fn numbers_out_of_range_and_blocks_that_overlap_too_far_are_refused() {
        let refused = |key: &str, change: &dyn Fn(&mut SeparateConfig)| {
            let mut config = SeparateConfig::default();
            change(&mut config);
            let error = config.validate().unwrap_err().to_string();
            assert!(error.contains(&format!("`separate.{key}`")), "{error}");
        };
        refused("mask_exponent", &|c| c.mask_exponent = 1e300);
        refused("mask_exponent", &|c| c.mask_exponent = 1e-300);
        refused("learning_rate", &|c| c.learning_rate = f64::NAN);
        refused("starts", &|c| c.starts = 1_000_000_000);
        refused("block_s", &|c| c.block_s = 1e300);
        refused("overlap_s", &|c| c.overlap_s = 16.0);
        refused("rprop.min_step", &|c| c.rprop.min_step = -1.0);
    }
}
