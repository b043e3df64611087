//! `g`, the element-wise function that makes a layer's output non-negative.

use burn::tensor::Tensor;
use nae_config::Choice;
use nae_kernels::Activation;
use serde::{Deserialize, Serialize};

/// Element-wise non-linearity with non-negative range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Nonlinearity {
    /// `ln(1 + e^{p·x})/p`.
    Softplus,
    /// `max(x, 0)`.
    Relu,
    /// `|x|`.
    Abs,
}

/// The hidden layers' non-linearity as settings have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hidden {
    /// What suits the kind: softplus for convolutive autoencoders, ReLU for others.
    Auto,
    /// `ln(1 + e^{p·x})/p`.
    Softplus,
    /// `max(x, 0)`.
    Relu,
    /// `|x|`.
    Abs,
}

impl Choice for Hidden {}

impl Hidden {
    /// The non-linearity.
    ///
    /// - `auto`: what [`Auto`](Self::Auto) stands for
    pub fn or(self, auto: Nonlinearity) -> Nonlinearity {
        match self {
            Self::Auto => auto,
            Self::Softplus => Nonlinearity::Softplus,
            Self::Relu => Nonlinearity::Relu,
            Self::Abs => Nonlinearity::Abs,
        }
    }
}

impl From<Nonlinearity> for Hidden {
    fn from(g: Nonlinearity) -> Self {
        match g {
            Nonlinearity::Softplus => Self::Softplus,
            Nonlinearity::Relu => Self::Relu,
            Nonlinearity::Abs => Self::Abs,
        }
    }
}

impl Nonlinearity {
    /// The operation; `sharpness` is softplus's p and unused otherwise.
    pub fn activation(self, sharpness: f64) -> Activation {
        match self {
            Self::Softplus => Activation::Softplus { sharpness },
            Self::Relu => Activation::Relu,
            Self::Abs => Activation::Abs,
        }
    }
}

/// Inverse of softplus with p = 1, element by element: the `z` with `ln(1 + e^z) = y`.
/// Values of `y` below `floor` are raised to it, so that the result stays finite.
///
/// # Shapes
/// - input and output: any
pub fn inverse_softplus<const D: usize>(y: Tensor<D>, floor: f64) -> Tensor<D> {
    // z = y + ln(1 − e^{−y}) overflows nowhere
    let y = y.clamp_min(floor);
    let one_minus = y.clone().neg().exp().neg().add_scalar(1.0);
    y + one_minus.log()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;
    use nae_kernels::activate;

    const POINTS: [f32; 7] = [-200.0, -30.0, -1.0, 0.0, 0.5, 30.0, 200.0];

    #[test]
    fn softplus_equals_its_definition_in_f64() {
        let x = Tensor::<1>::from_data(POINTS, &Device::flex());
        for p in [1.0, 3.0] {
            let came = activate(x.clone(), Nonlinearity::Softplus.activation(p))
                .into_data()
                .try_to_vec::<f32>()
                .unwrap();
            for (x, y) in POINTS.iter().zip(came) {
                let px = p * f64::from(*x);
                let expected = if px > 30.0 {
                    f64::from(*x)
                } else {
                    px.exp().ln_1p() / p
                };
                // f32 rounding of two added terms
                assert!(
                    (f64::from(y) - expected).abs() <= 3e-7 * (1.0 + expected),
                    "{x} {y} {expected}"
                );
            }
        }
    }

    #[test]
    fn every_nonlinearity_is_finite_and_non_negative() {
        let x = Tensor::<1>::from_data(POINTS, &Device::flex());
        for g in [
            Nonlinearity::Softplus,
            Nonlinearity::Relu,
            Nonlinearity::Abs,
        ] {
            let y = activate(x.clone(), g.activation(3.0))
                .into_data()
                .try_to_vec::<f32>()
                .unwrap();
            assert!(y.iter().all(|y| y.is_finite() && *y >= 0.0), "{g:?} {y:?}");
        }
    }

    #[test]
    fn inverse_softplus_undoes_softplus() {
        let y = [1e-3f32, 0.01, 0.7, 5.0, 80.0];
        let z = inverse_softplus(Tensor::<1>::from_data(y, &Device::flex()), 1e-3);
        let back = activate(z, Nonlinearity::Softplus.activation(1.0))
            .into_data()
            .try_to_vec::<f32>()
            .unwrap();
        for (y, back) in y.iter().zip(back) {
            // 1 − e^{−y} in f32 loses digits near zero: 6e-8 of 1e-3
            assert!((y - back).abs() <= 1e-4 * y, "{y} {back}");
        }
    }
}
