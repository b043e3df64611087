//! Settings that depend on what models the sources have.

use nae_model::Model;

use crate::settings::SeparateConfig;
use crate::sources::Source;

/// Settings of a set of sources, and a penalty for each.
pub(crate) struct Adjusted {
    pub config: SeparateConfig,
    /// λ of the penalty `λ·mean X̂` on every source's decoded spectra, at least 0: the share by which
    /// multiplicative updates of its activations divide by more. 0 is the plain divergence.
    pub penalties: Vec<f64>,
}

impl Adjusted {
    /// A model that was learnt on a mixture is used as it was learnt: with as many updates, the mask
    /// exponent of unknown sources, and a penalty on the sources that were known, in this recording or in
    /// another one. Universal models ask for a penalty on all activations.
    pub fn new(sources: &[Source], config: SeparateConfig) -> Self {
        let is_learnt = |model: &Model| model.metadata.training.beside.is_some();
        let is_beside_known = |source: &Source| {
            let mut beside = source
                .models
                .iter()
                .map(|model| &model.metadata.training.beside);
            beside.any(|known| known.as_ref().is_some_and(|known| !known.is_empty()))
        };
        let all = || sources.iter().flat_map(|source| &source.models);
        let unknown = &config.unknown;
        let penalty = match sources.iter().any(is_beside_known) {
            true => unknown.penalty,
            false => 0.0,
        };
        let penalties = sources.iter().map(|source| match is_beside_known(source) {
            true => 0.0,
            false => penalty,
        });
        let penalties = penalties.collect();
        let config = if all().any(is_learnt) {
            SeparateConfig {
                max_steps: unknown.updates,
                mask_exponent: unknown.mask_exponent,
                ..config
            }
        } else if all().any(|model| model.metadata.training.merged.len() > 1) {
            SeparateConfig {
                sparsity: config.sparsity.max(config.universal_sparsity),
                ..config
            }
        } else {
            config
        };
        Self { config, penalties }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use nae_model::{MergedSource, ModelConfig, ModelKind, TrainingSummary};
    use nae_testing_models::models::{AUDIO, untrained};

    use super::*;

    fn source(training: TrainingSummary) -> Source {
        let config = ModelConfig {
            kind: ModelKind::Nmf,
            rank: 2,
            ..ModelConfig::default()
        };
        let mut model = untrained("a", AUDIO, &config, 1, &Device::flex());
        model.metadata.training = training;
        Source::new("a", vec![model])
    }

    fn merged(names: &[&str]) -> Source {
        let part = |name: &&str| MergedSource {
            name: (*name).into(),
            rank: 1,
        };
        source(TrainingSummary {
            merged: names.iter().map(part).collect(),
            ..TrainingSummary::default()
        })
    }

    fn learnt(beside: &[&str]) -> Source {
        source(TrainingSummary {
            beside: Some(beside.iter().map(|&name| name.into()).collect()),
            ..TrainingSummary::default()
        })
    }

    fn known() -> Source {
        source(TrainingSummary::default())
    }

    #[test]
    fn a_penalty_on_activations_is_the_default_beside_universal_models_only() {
        let lambda = |sources: &[Source], sparsity: f64, universal_sparsity: f64| {
            let config = SeparateConfig {
                sparsity,
                universal_sparsity,
                ..SeparateConfig::default()
            };
            Adjusted::new(sources, config).config.sparsity
        };
        assert_eq!(lambda(&[known()], 0.0, 0.05), 0.0);
        assert_eq!(lambda(&[known(), merged(&["x"])], 0.0, 0.05), 0.0);
        let universal = [known(), merged(&["x", "y"])];
        assert_eq!(lambda(&universal, 0.0, 0.05), 0.05);
        assert_eq!(lambda(&universal, 0.2, 0.05), 0.2);
        assert_eq!(lambda(&universal, 0.0, 0.0), 0.0);
        // on all activations it loses 1.7 dB of 3.9 beside an unknown source, whose penalty takes its place
        let unknown = [merged(&["x", "y"]), learnt(&["a"])];
        assert_eq!(lambda(&unknown, 0.0, 0.05), 0.0);
    }

    #[test]
    fn known_sources_are_penalised_beside_what_was_learnt_on_a_mixture() {
        let config = SeparateConfig::default();
        let adjusted = |sources: &[Source]| Adjusted::new(sources, config.clone());
        let both = adjusted(&[known(), learnt(&["a"]), known()]);
        let penalty = config.unknown.penalty;
        assert_eq!(both.penalties, [penalty, 0.0, penalty]);
        assert_eq!(both.config.max_steps, config.unknown.updates);
        assert_eq!(both.config.mask_exponent, config.unknown.mask_exponent);
        // where nothing was known, there is nothing to keep from explaining the rest
        let blind = adjusted(&[learnt(&[]), learnt(&[])]);
        assert_eq!(blind.penalties, [0.0, 0.0]);
        assert_eq!(blind.config.max_steps, config.unknown.updates);
        assert_eq!(
            adjusted(&[learnt(&[]), learnt(&["a"])]).penalties[0],
            penalty
        );
        let plain = adjusted(&[known(), known()]);
        assert_eq!(plain.penalties, [0.0, 0.0]);
        assert_eq!(plain.config, config);
    }
}
