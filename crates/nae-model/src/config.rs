//! The `[model]` settings.

use serde::{Deserialize, Serialize};

use crate::error::{ModelError, setting};
use crate::nonlinearity::Nonlinearity;

/// What kind of model a source gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelKind {
    /// Non-negative autoencoder.
    Nae,
    /// Non-negative matrix factorisation: bases only, one linear layer, no encoder. `layers`,
    /// `widths`, `hidden`, `output`, `sharpness` and `bias` do not apply.
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

/// Norm that the columns of the decoder's weights are held at inside the objective
/// (Le Roux, Weninger & Hershey, TR2015-023), so that a sparsity penalty cannot be dodged by
/// scaling activations down and bases up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BasisNorm {
    /// Weights are used as they are.
    None,
    /// Every column has unit Euclidean length.
    L2,
}

/// Which hidden layer separation searches over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Latent {
    /// The innermost layer, the encoder's last: the decoder alone explains the mixture.
    Bottleneck,
    /// The first hidden layer, as in the authors' script: all layers after it explain the mixture.
    First,
}

/// Architecture of one source's model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelConfig {
    /// Kind of model: `"nae"` or `"nmf"`.
    pub kind: ModelKind,
    /// Number of dense layers, encoder and decoder together, at least 2. An odd number gives the
    /// decoder the extra layer.
    pub layers: usize,
    /// Rank: units of the bottleneck (components), at least 1.
    pub rank: usize,
    /// Units of every hidden layer from the input on, `layers − 1` numbers of which the
    /// bottleneck's must equal `rank`; empty: `rank` everywhere.
    pub widths: Vec<usize>,
    /// `g` of the hidden layers: `"softplus"`, `"relu"` or `"abs"`.
    pub hidden: Nonlinearity,
    /// Output stage: `"softplus"`, `"relu"`, `"abs"`, or `"linear"` (non-negative bases).
    pub output: Output,
    /// Sharpness p of softplus, `ln(1 + e^{p·x})/p`, above 0.
    pub sharpness: f64,
    /// Exponent γ in (0, 1]: the model describes `|X|^γ`.
    pub compression: f64,
    /// Whether layers have biases: `"none"` or `"all"`.
    pub bias: Bias,
    /// Norm of the decoder's columns inside the objective: `"none"` or `"l2"`.
    pub basis_norm: BasisNorm,
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

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            kind: ModelKind::Nae,
            layers: 4,
            rank: 100,
            widths: Vec::new(),
            hidden: Nonlinearity::Relu,
            output: Output::Linear,
            sharpness: 3.0,
            compression: 0.5,
            bias: Bias::None,
            basis_norm: BasisNorm::None,
        }
    }
}

impl ModelConfig {
    /// Checks every range.
    ///
    /// # Errors
    /// [`ModelError::Setting`] naming the first key that is out of range.
    pub fn validate(&self) -> Result<(), ModelError> {
        if self.layers < 2 {
            return Err(setting(
                "model.layers",
                "at least 2 (one encoder and one decoder layer)",
                self.layers,
                "2 or 4",
            ));
        }
        if self.layers > 64 {
            return Err(setting(
                "model.layers",
                "at most 64",
                self.layers,
                "2, 4 or 6",
            ));
        }
        if self.rank == 0 {
            return Err(setting("model.rank", "at least 1", self.rank, "20 or 100"));
        }
        if self.kind == ModelKind::Nae && !self.widths.is_empty() {
            if self.widths.len() != self.layers - 1 {
                return Err(setting(
                    "model.widths",
                    &format!(
                        "empty or {} numbers, one for each hidden layer",
                        self.layers - 1
                    ),
                    format!("{:?}", self.widths),
                    "leaving it out: every hidden layer then has `model.rank` units",
                ));
            }
            if self.widths.contains(&0) {
                return Err(setting(
                    "model.widths",
                    "all above 0",
                    format!("{:?}", self.widths),
                    "removing the zero",
                ));
            }
            let bottleneck = self.widths[self.encoder_layers() - 1];
            if bottleneck != self.rank {
                return Err(setting(
                    "model.widths",
                    &format!(
                        "equal to model.rank = {} at the bottleneck (number {})",
                        self.rank,
                        self.encoder_layers()
                    ),
                    bottleneck,
                    "setting both to the same number",
                ));
            }
        }
        if !(self.sharpness > 0.0 && self.sharpness.is_finite()) {
            return Err(setting(
                "model.sharpness",
                "a finite number above 0",
                self.sharpness,
                "3",
            ));
        }
        if !(self.compression > 0.0 && self.compression <= 1.0) {
            return Err(setting(
                "model.compression",
                "above 0 and at most 1",
                self.compression,
                "0.5, or 1 for plain magnitudes",
            ));
        }
        Ok(())
    }

    /// Number of layers from the input to the bottleneck.
    pub fn encoder_layers(&self) -> usize {
        match self.kind {
            ModelKind::Nae => self.layers / 2,
            ModelKind::Nmf => 0,
        }
    }

    /// Number of layers, encoder and decoder together.
    pub fn depth(&self) -> usize {
        match self.kind {
            ModelKind::Nae => self.layers,
            ModelKind::Nmf => 1,
        }
    }

    /// Units at every stage for a spectrum of `bins` bins: input, hidden layers, output
    /// (`depth + 1` numbers).
    pub fn sizes(&self, bins: usize) -> Vec<usize> {
        if self.kind == ModelKind::Nmf {
            return vec![self.rank, bins];
        }
        let mut sizes = vec![bins];
        if self.widths.is_empty() {
            sizes.resize(self.layers, self.rank);
        } else {
            sizes.extend(&self.widths);
        }
        sizes.push(bins);
        sizes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_put_the_rank_at_the_bottleneck() {
        let config = ModelConfig {
            layers: 5,
            rank: 7,
            widths: vec![30, 7, 20, 40],
            ..Default::default()
        };
        config.validate().unwrap();
        assert_eq!(config.encoder_layers(), 2);
        assert_eq!(config.sizes(513), [513, 30, 7, 20, 40, 513]);
    }

    #[test]
    fn out_of_range_settings_name_their_key() {
        for (config, key) in [
            (
                ModelConfig {
                    layers: 1,
                    ..Default::default()
                },
                "model.layers",
            ),
            (
                ModelConfig {
                    rank: 0,
                    ..Default::default()
                },
                "model.rank",
            ),
            (
                ModelConfig {
                    widths: vec![3],
                    ..Default::default()
                },
                "model.widths",
            ),
            (
                ModelConfig {
                    sharpness: 0.0,
                    ..Default::default()
                },
                "model.sharpness",
            ),
            (
                ModelConfig {
                    compression: 1.5,
                    ..Default::default()
                },
                "model.compression",
            ),
            (
                ModelConfig {
                    compression: f64::NAN,
                    ..Default::default()
                },
                "model.compression",
            ),
        ] {
            assert!(
                config.validate().unwrap_err().to_string().contains(key),
                "{key}"
            );
        }
    }
}
