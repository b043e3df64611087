//! iRprop−.

use burn::optim::{LearningRate, Optimizer, RecordState, StateSink, StateSource};
use burn::tensor::{Device, Tensor};
use nae_kernels::{RpropFactors, rprop};
use serde::{Deserialize, Serialize};

use crate::error::{ModelError, setting};

/// Factors and bounds of the step sizes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RpropSettings {
    /// Factor of a step whose gradient keeps its sign, at least 1.
    pub increase: f64,
    /// Factor of a step whose gradient changes its sign, in (0, 1].
    pub decrease: f64,
    /// Smallest step, at least 0.
    pub min_step: f64,
    /// Largest step.
    pub max_step: f64,
}

impl Default for RpropSettings {
    /// The usual values of Riedmiller & Braun. The paper's script has 1.01, 0.99, 0 and 100.
    fn default() -> Self {
        Self {
            increase: 1.2,
            decrease: 0.5,
            min_step: 1e-6,
            max_step: 50.0,
        }
    }
}

impl RpropSettings {
    /// Checks every range; `keys` are the full names of the four settings in declaration order.
    ///
    /// # Errors
    /// [`ModelError::Setting`] naming the first key that is out of range.
    pub fn validate(&self, keys: [&'static str; 4]) -> Result<(), ModelError> {
        if !(self.increase >= 1.0 && self.increase.is_finite()) {
            return Err(setting(
                keys[0],
                "a finite number of at least 1",
                self.increase,
                "1.2",
            ));
        }
        if !(self.decrease > 0.0 && self.decrease <= 1.0) {
            return Err(setting(
                keys[1],
                "above 0 and at most 1",
                self.decrease,
                "0.5",
            ));
        }
        if self.min_step.is_nan() || self.min_step < 0.0 {
            return Err(setting(keys[2], "at least 0", self.min_step, "1e-6"));
        }
        if self.max_step.is_nan() || self.max_step < self.min_step {
            return Err(setting(
                keys[3],
                "at least the smallest step",
                self.max_step,
                "50",
            ));
        }
        Ok(())
    }
}

/// iRprop− (Igel & Hüsken, *Empirical evaluation of the improved Rprop learning algorithms*,
/// 2003): only the gradient's sign counts; a step grows while the sign stays and shrinks when it
/// changes, and after a change one update is skipped.
#[derive(Clone, Debug)]
pub struct Rprop {
    settings: RpropSettings,
}

impl Rprop {
    /// An optimiser with these settings.
    pub fn new(settings: RpropSettings) -> Self {
        Self { settings }
    }
}

/// Step sizes and the last gradient's signs, both of the parameter's shape.
#[derive(Clone, Debug)]
pub struct RpropState<const D: usize> {
    /// Step size of every entry.
    pub step: Tensor<D>,
    /// Sign of the last gradient used, −1, 0 or 1.
    pub sign: Tensor<D>,
}

// By hand: Burn 0.22's derive only works inside Burn itself.
impl<const D: usize> RecordState for RpropState<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        out.push_tensor(prefix, "step", self.step.to_data());
        out.push_tensor(prefix, "sign", self.sign.to_data());
    }

    fn state_unflatten(prefix: &str, source: &mut StateSource, device: &Device) -> Option<Self> {
        let mut take = |leaf| {
            source
                .take_tensor(prefix, leaf)
                .map(|data| Tensor::from_data(data, device))
        };
        Some(Self {
            step: take("step")?,
            sign: take("sign")?,
        })
    }
}

impl Optimizer for Rprop {
    type State<const D: usize> = RpropState<D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let Some(state) = state else {
            let sign = grad.sign();
            let step = sign.zeros_like().add_scalar(lr);
            return (
                tensor - sign.clone() * step.clone(),
                Some(RpropState { step, sign }),
            );
        };
        let factors = RpropFactors {
            increase: self.settings.increase,
            decrease: self.settings.decrease,
            min_step: self.settings.min_step,
            max_step: self.settings.max_step,
        };
        let (tensor, [step, sign]) = rprop(tensor, grad, [state.step, state.sign], factors);
        (tensor, Some(RpropState { step, sign }))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        RpropState {
            step: state.step.to_device(device),
            sign: state.sign.to_device(device),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rule for one number, as the paper's Figure 3 lists it.
    fn oracle(gradients: &[f64], settings: &RpropSettings, lr: f64) -> Vec<f64> {
        let (mut w, mut step, mut last) = (0.0, lr, 0.0);
        let mut path = Vec::new();
        for (i, &gradient) in gradients.iter().enumerate() {
            let mut g: f64 = gradient;
            if i > 0 {
                if g * last > 0.0 {
                    step = f64::min(step * settings.increase, settings.max_step);
                } else if g * last < 0.0 {
                    step = f64::max(step * settings.decrease, settings.min_step);
                    g = 0.0;
                }
            }
            if g != 0.0 {
                w -= g.signum() * step;
            }
            last = g;
            path.push(w);
        }
        path
    }

    #[test]
    fn steps_equal_the_published_rule() {
        let settings = RpropSettings {
            max_step: 0.2,
            ..Default::default()
        };
        let gradients = [
            1.0, 2.0, 3.0, -1.0, -1.0, -2.0, 0.0, 1.0, 5.0, 5.0, 5.0, -0.1, 0.1,
        ];
        let rprop = Rprop::new(settings.clone());
        let device = Device::flex();
        let (mut w, mut state) = (Tensor::<1>::zeros([1], &device), None);
        let mut path = Vec::new();
        for g in gradients {
            (w, state) = rprop.step(0.1, w, Tensor::from_data([g as f32], &device), state);
            path.push(w.clone().into_scalar::<f32>());
        }
        for (came, expected) in path.iter().zip(oracle(&gradients, &settings, 0.1)) {
            // a dozen f32 additions
            assert!((f64::from(*came) - expected).abs() < 1e-6, "{path:?}");
        }
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let keys = ["a", "b", "c", "d"];
        assert!(RpropSettings::default().validate(keys).is_ok());
        assert!(
            RpropSettings {
                increase: 0.9,
                ..Default::default()
            }
            .validate(keys)
            .is_err()
        );
        assert!(
            RpropSettings {
                decrease: 0.0,
                ..Default::default()
            }
            .validate(keys)
            .is_err()
        );
        assert!(
            RpropSettings {
                min_step: -1.0,
                ..Default::default()
            }
            .validate(keys)
            .is_err()
        );
        assert!(
            RpropSettings {
                max_step: f64::NAN,
                ..Default::default()
            }
            .validate(keys)
            .is_err()
        );
    }
}
