//! Optimisers that training and separation share, behind one set of settings.

mod adam;
mod rprop;
mod run;
mod schedule;
mod window;

use burn::optim::{ModuleOptimizer, RmsPropConfig};
use nae_config::Choice;
use serde::{Deserialize, Serialize};

pub use adam::Adam;
pub use rprop::{Rprop, RpropSettings};
pub use run::{Flow, OptimizationError, OptimizationRun, Plan, Progress, Step, optimize};
pub use schedule::Schedule;

/// Which rule turns gradients into steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerKind {
    /// Adam (Kingma & Ba, 2015), β = (0.9, 0.999).
    Adam,
    /// RMSProp (Tieleman & Hinton, 2012), smoothing 0.99, no momentum.
    Rmsprop,
    /// iRprop− (Igel & Hüsken, 2003): full-batch only, it needs gradients without noise.
    Rprop,
}

impl Choice for OptimizerKind {}

impl OptimizerKind {
    /// A fresh optimiser. For [`OptimizerKind::Rprop`] the learning rate is the first step size.
    pub fn build(self, rprop: &RpropSettings) -> ModuleOptimizer {
        match self {
            Self::Adam => ModuleOptimizer::from(Adam::default()),
            Self::Rmsprop => RmsPropConfig::new()
                .with_momentum(0.0)
                .with_epsilon(1e-8)
                .init(),
            Self::Rprop => ModuleOptimizer::from(Rprop::new(rprop.clone())),
        }
    }
}
