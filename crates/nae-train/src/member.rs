//! The kinds of models that an ensemble can have as members.

use nae_config::Choice;
use nae_model::config::Cell;
use nae_model::layer_list::LayerList;
use nae_model::{BasisNorm, Hidden, ModelConfig, ModelKind};
use serde::{Deserialize, Serialize};

/// Frames of a convolutive member's bases: about 80 ms at the default settings, and more gains nothing
/// on speech.
const CONV_SPAN: usize = 4;

/// A word of `train.ensemble`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberKind {
    /// Not a kind: the default members where `[model]` asks for nothing in particular, else the one
    /// model that it describes.
    Auto,
    /// The autoencoder that `[model]` describes.
    Dense,
    /// An autoencoder of two dense layers.
    Shallow,
    /// Non-negative matrix factorisation with bases of unit norm.
    Nmf,
    /// A convolutive autoencoder: two layers of half the rank, bases of four frames.
    Conv,
    /// An autoencoder with a recurrent layer.
    Recurrent,
}

impl Choice for MemberKind {}

impl MemberKind {
    /// What [`Auto`](Self::Auto) stands for with the default architecture. On pairs of voices this
    /// average gained more than either of its members (README, *Results*); a shallow one added nothing to it. On two
    /// cores both train in the time of the first.
    pub const DEFAULTS: [Self; 2] = [Self::Dense, Self::Nmf];

    /// The word in settings.
    pub fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Dense => "dense",
            Self::Shallow => "shallow",
            Self::Nmf => "nmf",
            Self::Conv => "conv",
            Self::Recurrent => "recurrent",
        }
    }

    /// A member's architecture: rank, compression and non-linearities of `model`, and what makes its
    /// kind.
    ///
    /// Bases of a factorisation have unit norm, whatever `model.basis_norm` says: without it NMF of rank
    /// 100 gained 0.7 dB less on five pairs of voices. A convolutive member has softplus, without which many of
    /// its units die.
    pub fn model(self, model: &ModelConfig) -> ModelConfig {
        let plain = plain(model);
        match self {
            Self::Auto | Self::Dense => ModelConfig {
                kind: ModelKind::Nae,
                ..model.clone()
            },
            Self::Shallow => ModelConfig { layers: 2, ..plain },
            Self::Nmf => ModelConfig {
                kind: ModelKind::Nmf,
                basis_norm: BasisNorm::L2,
                ..plain
            },
            Self::Conv => ModelConfig {
                layers: 2,
                rank: plain.rank.div_ceil(2),
                span: CONV_SPAN,
                hidden: Hidden::Softplus,
                ..plain
            },
            Self::Recurrent => ModelConfig {
                cell: Cell::Rnn,
                ..plain
            },
        }
    }

    /// The kind of a model with these settings.
    pub(crate) fn of(model: &ModelConfig) -> Self {
        match model {
            ModelConfig {
                kind: ModelKind::Nmf,
                ..
            } => Self::Nmf,
            ModelConfig {
                decoder: LayerList::Auto,
                layers: 2,
                ..
            } => Self::Shallow,
            ModelConfig {
                decoder: LayerList::Auto,
                ..
            } => Self::Dense,
            _ => match model.has_recurrence() {
                true => Self::Recurrent,
                false => Self::Conv,
            },
        }
    }

    /// A member's passes of refinement. Two fifths are as good for a shallow member of an average, and take
    /// a third less of its training time.
    pub(crate) fn passes(self, passes: usize) -> usize {
        match self {
            Self::Shallow => (2 * passes).div_ceil(5),
            _ => passes,
        }
    }

    /// Keys of `[model]` that [`model`](Self::model) sets by itself, whatever `[model]` says.
    pub fn sets(self) -> &'static [&'static str] {
        match self {
            Self::Auto | Self::Dense => &["kind"],
            Self::Shallow | Self::Recurrent => &[
                "kind", "layers", "widths", "span", "cell", "decoder", "encoder",
            ],
            Self::Nmf => &[
                "kind",
                "layers",
                "widths",
                "hidden",
                "output",
                "sharpness",
                "bias",
                "basis_norm",
                "span",
                "cell",
                "decoder",
                "encoder",
            ],
            Self::Conv => &[
                "kind", "layers", "widths", "hidden", "span", "cell", "decoder", "encoder",
            ],
        }
    }
}

/// Whether settings leave the layers as they are by default: `auto` then is an ensemble.
pub(crate) fn has_default_layers(model: &ModelConfig) -> bool {
    plain(model) == *model
}

/// The default layers with the rank, compression, non-linearities, biases and norm of `model`.
fn plain(model: &ModelConfig) -> ModelConfig {
    ModelConfig {
        rank: model.rank,
        hidden: model.hidden,
        output: model.output,
        sharpness: model.sharpness,
        compression: model.compression,
        bias: model.bias,
        basis_norm: model.basis_norm,
        ..ModelConfig::default()
    }
}

#[cfg(test)]
mod tests {
    use nae_model::layer_list::{LayerConfig, LayerKind, Units};

    use super::*;

    const ALL: [MemberKind; 5] = [
        MemberKind::Dense,
        MemberKind::Shallow,
        MemberKind::Nmf,
        MemberKind::Conv,
        MemberKind::Recurrent,
    ];

    #[test]
    fn words_are_those_of_settings() {
        let words = nae_config::words::<MemberKind>();
        assert_eq!(words[0], MemberKind::Auto.word());
        assert_eq!(words[1..], ALL.map(MemberKind::word));
    }

    /// A convolutive last layer.
    fn last() -> LayerConfig {
        LayerConfig {
            kind: LayerKind::Conv,
            units: Units::Bins,
            span: 3,
        }
    }

    #[test]
    fn layers_that_are_listed_are_one_model_unless_members_are_named() {
        let mut recipe = crate::Recipe::default();
        recipe.model.decoder = LayerList::Layers(vec![last()]);
        let members = recipe.members(0);
        assert_eq!(members.len(), 1);
        assert_eq!(members[0].recipe.model, recipe.model);
        recipe.train.ensemble = vec![MemberKind::Dense, MemberKind::Nmf];
        let models = recipe.members(0).into_iter().map(|m| m.recipe.model);
        let models: Vec<ModelConfig> = models.collect();
        assert_eq!(models[0], recipe.model);
        assert_eq!(models[1].decoder, LayerList::Auto);
    }

    #[test]
    fn every_member_of_any_model_is_valid() {
        let mut models = vec![ModelConfig::default(), ModelConfig::default()];
        models[1].kind = ModelKind::Nmf;
        let changes: [fn(&mut ModelConfig); 7] = [
            |m| m.decoder = LayerList::Layers(vec![last()]),
            |m| m.rank = 1,
            |m| m.layers = 2,
            |m| m.span = 7,
            |m| m.cell = Cell::Gru,
            |m| m.widths = vec![7, 100, 9],
            |m| m.basis_norm = BasisNorm::L2,
        ];
        for change in changes {
            let mut model = ModelConfig::default();
            change(&mut model);
            models.push(model);
        }
        for model in models {
            for kind in ALL {
                // settings that a factorisation ignores may not fit an autoencoder
                kind.model(&model).validate().unwrap();
            }
        }
    }

    #[test]
    fn what_a_member_sets_by_itself_does_not_depend_on_the_model() {
        let mut other = ModelConfig {
            kind: ModelKind::Nmf,
            layers: 3,
            widths: vec![100, 90],
            hidden: Hidden::Abs,
            output: nae_model::Output::Softplus,
            sharpness: 5.0,
            bias: nae_model::config::Bias::All,
            basis_norm: BasisNorm::L2,
            span: 2,
            ..ModelConfig::default()
        };
        let identity = |kind: MemberKind, model: &ModelConfig| {
            kind.model(model).architecture().identity().unwrap()
        };
        for kind in ALL {
            let mut same = ModelConfig::default();
            // what it does not set is the same in both
            for key in [
                "layers",
                "widths",
                "hidden",
                "output",
                "sharpness",
                "bias",
                "basis_norm",
                "span",
            ] {
                if kind.sets().contains(&key) {
                    continue;
                }
                match key {
                    "layers" => same.layers = other.layers,
                    "widths" => same.widths.clone_from(&other.widths),
                    "hidden" => same.hidden = other.hidden,
                    "output" => same.output = other.output,
                    "sharpness" => same.sharpness = other.sharpness,
                    "bias" => same.bias = other.bias,
                    "basis_norm" => same.basis_norm = other.basis_norm,
                    _ => same.span = other.span,
                }
            }
            assert_eq!(identity(kind, &other), identity(kind, &same), "{kind:?}");
        }
        other.compression = 0.7;
        for kind in ALL {
            assert_eq!(kind.model(&other).compression, 0.7);
        }
    }
}
