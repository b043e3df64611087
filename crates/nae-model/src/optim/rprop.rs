//! iRprop−.

use burn::optim::{LearningRate, Optimizer, RecordState, StateSink, StateSource};
use burn::tensor::{Device, Tensor};
use nae_config::{CrossCheck, OutOfRange};
use nae_kernels::{RpropFactors, rprop};

nae_config::settings! {
    /// RProp's step sizes: factors and bounds.
    ///
    /// The defaults are the usual values of Riedmiller & Braun. The paper's script has 1.01, 0.99,
    /// 0 and 100.
    #[derive(Clone, Debug, PartialEq)]
    pub struct RpropSettings {
        /// Factor applied to a step size while its gradient keeps its sign.
        pub increase: f64 = 1.2, in 1.0..=100.0, try "1.2";
        /// Factor applied to a step size when its gradient changes sign.
        pub decrease: f64 = 0.5, in 1e-3..=1.0, try "0.5";
        /// Smallest step size.
        pub min_step: f64 = 1e-6, in 0.0..=1e9, try "1e-6";
        /// Largest step size, at least `min_step`.
        pub max_step: f64 = 50.0, in 0.0..=1e9, try "50";
    }
}

impl CrossCheck for RpropSettings {
    fn cross_check(&self, section: &str) -> Result<(), OutOfRange> {
        if self.max_step >= self.min_step {
            return Ok(());
        }
        let expected = format!("at least {section}.min_step = {}", self.min_step);
        Err(OutOfRange::new(
            section,
            "max_step",
            expected,
            self.max_step,
            "50",
        ))
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
    use nae_config::Settings;

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
        let fine = RpropSettings::default();
        fine.check("train.rprop").unwrap();
        for (key, settings) in [
            (
                "increase",
                RpropSettings {
                    increase: 0.9,
                    ..fine.clone()
                },
            ),
            (
                "decrease",
                RpropSettings {
                    decrease: 0.0,
                    ..fine.clone()
                },
            ),
            (
                "min_step",
                RpropSettings {
                    min_step: -1.0,
                    ..fine.clone()
                },
            ),
            (
                "max_step",
                RpropSettings {
                    max_step: f64::NAN,
                    ..fine.clone()
                },
            ),
            (
                "max_step",
                RpropSettings {
                    min_step: 2.0,
                    max_step: 1.0,
                    ..fine.clone()
                },
            ),
        ] {
            let error = settings.check("train.rprop").unwrap_err();
            assert_eq!(error.key, format!("train.rprop.{key}"));
        }
    }
}
