//! The `[model]` settings.

use std::ops::RangeInclusive;

use nae_config::{Choice, CrossCheck, OutOfRange, Settings};
use serde::{Deserialize, Serialize};

use nae_files::count;

use crate::error::ModelError;
use crate::layer_list::{self, LayerKind, LayerList, ShortForms};
use crate::layers::Recurrence;
use crate::nonlinearity::{Hidden, Nonlinearity};
use crate::stack_layer::StackLayer;

/// What kind of model a source gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelKind {
    /// Non-negative autoencoder.
    Nae,
    /// Non-negative matrix factorisation: bases only, one linear layer, no encoder; with `span`,
    /// deconvolution. `layers`, `widths`, `hidden`, `output`, `sharpness` and `bias` do not apply.
    Nmf,
}

/// The output stage of the decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Output {
    /// `ln(1 + e^{p·x})/p` of sign-free weights. Decodes silence to `ln 2 / p`, not to zero.
    Softplus,
    /// `max(x, 0)` of sign-free weights.
    Relu,
    /// `|x|` of sign-free weights.
    Abs,
    /// Non-negative bases `|W|` and no further non-linearity: no floor, and level-equivariant
    /// when the hidden layers are.
    Linear,
}

/// Norm to which the columns of the decoder's weights are scaled in the objective (Le Roux,
/// Weninger & Hershey, TR2015-023), so that scaling activations down and bases up cannot reduce a
/// sparsity penalty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BasisNorm {
    /// Weights are used as they are.
    None,
    /// Every column has unit Euclidean length.
    L2,
}

/// Hidden layer whose activations separation optimises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Latent {
    /// The innermost layer, the encoder's last: the decoder alone models the mixture.
    Bottleneck,
    /// The first hidden layer, as in the authors' script: all layers after it model the mixture.
    First,
}

/// Which layers have biases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bias {
    /// No layer (the paper's model).
    None,
    /// Every layer.
    All,
}

/// Recurrence of the decoder's last hidden layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cell {
    /// None: the layer is dense.
    None,
    /// `h_t = max(0, W·x_t + V·h_{t−1})`.
    Rnn,
    /// Its input gated by a gated recurrent unit, `x_t ⊙ (1 + h_t)`.
    Gru,
    /// Its input gated by a long short-term memory, `x_t ⊙ (1 + h_t)`.
    Lstm,
}

impl Cell {
    /// The recurrence, if there is one.
    pub fn recurrence(self) -> Option<Recurrence> {
        match self {
            Self::None => None,
            Self::Rnn => Some(Recurrence::Rnn),
            Self::Gru => Some(Recurrence::Gru),
            Self::Lstm => Some(Recurrence::Lstm),
        }
    }
}

impl Choice for Cell {}
impl Choice for ModelKind {}
impl Choice for Output {}
impl Choice for BasisNorm {}
impl Choice for Latent {}
impl Choice for Bias {}

nae_config::settings! {
    /// The `[model]` settings: architecture of one source's model.
    #[derive(Clone, Debug, PartialEq)]
    pub struct ModelConfig {
        /// Kind of model: a non-negative autoencoder (`nae`) or non-negative matrix factorisation
        /// (`nmf`).
        pub kind: ModelKind = ModelKind::Nae;
        /// Number of dense layers, encoder and decoder together. An odd number gives the decoder
        /// the extra layer.
        pub layers: usize = 4, in 2..=64, try "2 or 4";
        /// Rank: units of the bottleneck (components).
        pub rank: usize = 100, in 1..=4096, try "20 or 100";
        /// Units of each hidden layer, from the input on: `layers − 1` numbers, of which the
        /// bottleneck's must equal `rank`; empty: `rank` units in every hidden layer.
        pub widths: Vec<usize> = Vec::new(), in 1..=16_384, try "leaving it out: every hidden layer then has `model.rank` units";
        /// Non-linearity `g` of the hidden layers. `auto`: softplus for convolutive autoencoders, ReLU for
        /// others.
        pub hidden: Hidden = Hidden::Auto;
        /// Output stage of the decoder; `linear` means non-negative bases without a further
        /// non-linearity.
        pub output: Output = Output::Linear;
        /// Sharpness p of softplus, `ln(1 + e^{p·x})/p`.
        pub sharpness: f64 = 3.0, in 0.01..=100.0, try "3";
        /// Compression exponent γ of the magnitudes: the model is trained on `|X|^γ`.
        /// 0.67 gained 0.5 dB on 0.5 on pairs of voices; 0.75 and more gained less.
        pub compression: f64 = 0.67, in 0.01..=1.0, try "0.67, or 1 for plain magnitudes";
        /// Which layers have biases.
        pub bias: Bias = Bias::None;
        /// Norm to which the columns of the decoder's weights are scaled in the objective.
        pub basis_norm: BasisNorm = BasisNorm::None;
        /// Frames of a basis. With more than one the decoder's last layer and the encoder's first are
        /// convolutive: they see so many successive frames at a time. `nmf` then is non-negative matrix
        /// factor deconvolution (NMFD).
        pub span: usize = 1, in 1..=64, unit "frames", try "4, or 1 for bases of a single frame", was 1;
        /// Recurrence of the decoder's last hidden layer: `rnn`, or a `gru` or `lstm` that gates its
        /// input. Needs a hidden layer after the bottleneck, so at least 3 `layers`.
        pub cell: Cell = Cell::None, was Cell::None;
        /// Layers from the bottleneck, which has `rank` units, to the spectrum. A layer is `dense`,
        /// `conv` (convolutive: sees `span` successive frames), `rnn`, `gru` or `lstm`, with its number
        /// of outputs or "rank"; the last one has "bins" outputs. `auto`: what `layers`, `widths`,
        /// `span` and `cell` are short for. Beside a list these are left out.
        pub decoder: LayerList = LayerList::Auto, was LayerList::Auto;
        /// Layers from the spectrum to the bottleneck; the last one has "rank" outputs. `auto`: those of
        /// `decoder` mirrored, that is, in reverse order, each from the decoder layer's outputs to its
        /// inputs, with the same span; a recurrent layer is mirrored by a dense one.
        pub encoder: LayerList = LayerList::Auto, was LayerList::Auto;
    }
}

/// Compressions in files: with less, 32 bits hardly tell magnitudes apart.
const STORED_COMPRESSIONS: RangeInclusive<f64> = 1e-4..=1.0;

/// Sharpnesses in files: with more or less, 32 bits do not hold softplus.
const STORED_SHARPNESSES: RangeInclusive<f64> = 1e-4..=1e6;

impl CrossCheck for ModelConfig {
    /// Widths fit the number of layers and the rank, and a recurrence has its layer.
    fn cross_check(&self, section: &str) -> Result<(), OutOfRange> {
        self.check_cell(section)?;
        self.check_lists(section)?;
        if self.decoder != LayerList::Auto {
            return Ok(());
        }
        if self.kind == ModelKind::Nmf || self.widths.is_empty() {
            return Ok(());
        }
        let out_of_range = |expected: String, came: String, advice: &str| {
            Err(OutOfRange::new(section, "widths", expected, came, advice))
        };
        let hidden = self.layers - 1;
        if self.widths.len() != hidden {
            return out_of_range(
                format!(
                    "empty or {}, one for each hidden layer",
                    count(hidden, "number")
                ),
                format!("{:?}", self.widths),
                "leaving it out: every hidden layer then has `model.rank` units",
            );
        }
        let place = self.encoder_layers();
        let bottleneck = self.widths[place - 1];
        if bottleneck != self.rank {
            return out_of_range(
                format!(
                    "equal to {section}.rank = {} at the bottleneck (number {place})",
                    self.rank
                ),
                bottleneck.to_string(),
                "setting both to the same number",
            );
        }
        Ok(())
    }
}

impl ModelConfig {
    /// Checks every range, and that widths fit the rank.
    ///
    /// # Errors
    /// [`ModelError::Setting`] naming the first key that is out of range.
    pub fn validate(&self) -> Result<(), ModelError> {
        Ok(Settings::check(self, "model")?)
    }

    /// Non-linearity of the hidden layers: that of the settings, or the one that suits the kind.
    pub fn nonlinearity(&self) -> Nonlinearity {
        self.hidden
            .or(match self.kind == ModelKind::Nae && self.is_convolutive() {
                // of rectified units with several frames' inputs many would die
                true => Nonlinearity::Softplus,
                false => Nonlinearity::Relu,
            })
    }

    /// Checks ranges as files need: earlier builds took more of some numbers.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub(crate) fn validate_stored(mut self) -> Result<(), ModelError> {
        if STORED_COMPRESSIONS.contains(&self.compression) {
            self.compression = Self::default().compression;
        }
        if STORED_SHARPNESSES.contains(&self.sharpness) {
            self.sharpness = Self::default().sharpness;
        }
        self.validate()
    }

    fn check_cell(&self, section: &str) -> Result<(), OutOfRange> {
        let Some(recurrence) = self.cell.recurrence() else {
            return Ok(());
        };
        let is_short = self.decoder == LayerList::Auto;
        let refuse = |key: &str, expected: &str, came: String, advice: &str| {
            Err(OutOfRange::new(section, key, expected, came, advice))
        };
        if self.kind == ModelKind::Nmf {
            return refuse(
                "cell",
                "\"none\" with `model.kind = \"nmf\"`, whose only layer is its bases",
                format!("{:?}", self.cell).to_lowercase(),
                "`model.kind = \"nae\"`, or `model.span` for bases of several frames",
            );
        }
        if self.layers < 3 && is_short {
            return refuse(
                "layers",
                "at least 3 with `model.cell`, which is in a hidden layer after the bottleneck",
                self.layers.to_string(),
                "4",
            );
        }
        // a gate has as many units as inputs
        let has_widths = !self.widths.is_empty() && self.widths.len() + 1 == self.layers;
        if recurrence.is_gate() && has_widths && is_short {
            let units = &self.widths[self.layers - 3..];
            if units[0] != units[1] {
                return refuse(
                    "widths",
                    "equal in the last two hidden layers with a gated `model.cell`",
                    format!("{units:?}"),
                    "the same number twice, or `model.cell = \"rnn\"`",
                );
            }
        }
        Ok(())
    }

    fn check_lists(&self, section: &str) -> Result<(), OutOfRange> {
        for (name, list) in [("decoder", &self.decoder), ("encoder", &self.encoder)] {
            if self.kind == ModelKind::Nmf && *list != LayerList::Auto {
                return Err(OutOfRange::new(
                    section,
                    name,
                    "\"auto\" with `model.kind = \"nmf\"`, whose only layer is its bases",
                    list,
                    "`model.kind = \"nae\"`, or `model.span` for bases of several frames",
                ));
            }
        }
        let short = ShortForms {
            layers: (self.layers, Self::default().layers),
            rank: self.rank,
            widths: &self.widths,
            span: self.span,
            cell: self.cell.recurrence(),
        };
        layer_list::check(section, &self.decoder, &self.encoder, &short)
    }

    /// Checks the number of outputs of the decoder's last layer where it is given as a number.
    ///
    /// - `bins`: of the spectra that the model is for
    ///
    /// # Errors
    /// [`ModelError::Setting`] if it is another number.
    pub fn check_bins(&self, bins: usize) -> Result<(), ModelError> {
        Ok(layer_list::check_bins("model", &self.decoder, bins)?)
    }

    /// Layers of an autoencoder's encoder and decoder, given as lists or in short.
    ///
    /// The settings must have passed [`validate`](Self::validate).
    pub(crate) fn stack_layers(&self) -> (Vec<StackLayer>, Vec<StackLayer>) {
        if let Some(decoder) = self.decoder.layers() {
            return layer_list::resolve(decoder, self.encoder.layers(), self.rank);
        }
        let units = match self.widths.as_slice() {
            [] => vec![self.rank; self.layers.saturating_sub(1)],
            widths => widths.to_vec(),
        };
        let mut encoder: Vec<StackLayer> = units.into_iter().map(StackLayer::dense).collect();
        let mut decoder = encoder.split_off(self.encoder_layers().min(encoder.len()));
        if let Some(hidden) = decoder.last_mut() {
            hidden.cell = self.cell.recurrence();
        }
        decoder.push(StackLayer::dense(0));
        if let (Some(first), Some(last)) = (encoder.first_mut(), decoder.last_mut()) {
            first.span = self.span;
            last.span = self.span;
        }
        (encoder, decoder)
    }

    /// Whether any layer is recurrent.
    pub fn has_recurrence(&self) -> bool {
        let lists = [&self.decoder, &self.encoder].map(LayerList::layers);
        let mut listed = lists.into_iter().flatten().flatten();
        match self.decoder {
            LayerList::Auto => self.cell != Cell::None,
            LayerList::Layers(_) => listed.any(|layer| matches!(layer.kind, LayerKind::Cell(_))),
        }
    }

    /// Whether any layer sees several frames.
    fn is_convolutive(&self) -> bool {
        let lists = [&self.decoder, &self.encoder].map(LayerList::layers);
        let mut listed = lists.into_iter().flatten().flatten();
        match self.decoder {
            LayerList::Auto => self.span > 1,
            LayerList::Layers(_) => listed.any(|layer| layer.span > 1),
        }
    }

    /// Whether an autoencoder's layers are all dense, as many before the bottleneck as after it or one
    /// fewer.
    pub(crate) fn is_dense(&self) -> bool {
        if self.decoder == LayerList::Auto {
            return self.span == 1 && self.cell == Cell::None;
        }
        let (encoder, decoder) = self.stack_layers();
        let mut layers = encoder.iter().chain(&decoder);
        layers.all(StackLayer::is_dense)
            && (decoder.len() == encoder.len() || decoder.len() == encoder.len() + 1)
    }

    /// Number of layers from the input to the bottleneck.
    fn encoder_layers(&self) -> usize {
        self.layers / 2
    }
}

#[cfg(test)]
mod tests {
    use nae_config::{Canonical, canonical};

    use super::*;

    /// Model files keep this text, and identities hash it.
    #[test]
    fn the_canonical_text_of_the_defaults_stays_as_it_is() {
        let text = r#"{"kind":"nae","layers":4,"rank":100,"widths":[],"hidden":"relu","output":"linear","sharpness":3.0,"compression":0.5,"bias":"none","basis_norm":"none"}"#;
        let config = ModelConfig {
            // what `auto` stands for here
            hidden: Hidden::Relu,
            compression: 0.5,
            ..Default::default()
        };
        assert_eq!(serde_json::to_string(&Canonical(&config)).unwrap(), text);
        assert_eq!(canonical::from_json::<ModelConfig>(text).unwrap(), config);
    }

    #[test]
    fn the_non_linearity_is_what_suits_the_kind_unless_it_is_given() {
        let of = |hidden, kind, span, cell| {
            let settings = ModelConfig {
                hidden,
                kind,
                span,
                cell,
                ..Default::default()
            };
            settings.nonlinearity()
        };
        let (nae, nmf) = (ModelKind::Nae, ModelKind::Nmf);
        let (relu, softplus) = (Nonlinearity::Relu, Nonlinearity::Softplus);
        assert_eq!(of(Hidden::Auto, nae, 1, Cell::None), relu);
        assert_eq!(of(Hidden::Auto, nae, 1, Cell::Gru), relu);
        assert_eq!(of(Hidden::Auto, nae, 4, Cell::None), softplus);
        // factorisations have no hidden layers; what their files say stays
        assert_eq!(of(Hidden::Auto, nmf, 4, Cell::None), relu);
        assert_eq!(of(Hidden::Relu, nae, 4, Cell::None), relu);
        assert_eq!(of(Hidden::Abs, nae, 1, Cell::None), Nonlinearity::Abs);
    }

    #[test]
    fn out_of_range_settings_name_their_key() {
        let refused = |key: &str, change: &dyn Fn(&mut ModelConfig)| {
            let mut config = ModelConfig::default();
            change(&mut config);
            let error = config.validate().unwrap_err().to_string();
            assert!(error.contains(&format!("`model.{key}`")), "{error}");
        };
        refused("layers", &|c| c.layers = 1);
        refused("rank", &|c| c.rank = 0);
        refused("rank", &|c| c.rank = 1_000_000);
        refused("widths", &|c| c.widths = vec![3]);
        refused("widths", &|c| c.widths = vec![9, 100, 0]);
        refused("widths", &|c| c.widths = vec![9, 99, 9]);
        refused("sharpness", &|c| c.sharpness = 0.0);
        refused("cell", &|c| {
            c.cell = Cell::Rnn;
            c.kind = ModelKind::Nmf;
        });
        refused("layers", &|c| {
            c.cell = Cell::Lstm;
            c.layers = 2;
        });
        refused("widths", &|c| {
            c.cell = Cell::Gru;
            c.widths = vec![100, 100, 60];
        });
        refused("span", &|c| c.span = 0);
        refused("span", &|c| c.span = 65);
        refused("compression", &|c| c.compression = 1.5);
        refused("compression", &|c| c.compression = 1e-300);
        refused("compression", &|c| c.compression = f64::NAN);
    }

    #[test]
    fn files_may_hold_what_earlier_builds_took() {
        let stored = |change: &dyn Fn(&mut ModelConfig)| {
            let mut config = ModelConfig::default();
            change(&mut config);
            config.validate().unwrap_err();
            config.validate_stored()
        };
        stored(&|c| c.compression = 0.005).unwrap();
        stored(&|c| c.sharpness = 500.0).unwrap();
        stored(&|c| c.compression = 1e-300).unwrap_err();
        stored(&|c| c.compression = 1.5).unwrap_err();
        stored(&|c| c.sharpness = f64::INFINITY).unwrap_err();
        stored(&|c| c.rank = 0).unwrap_err();
    }
}
