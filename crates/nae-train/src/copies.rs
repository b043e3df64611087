//! One network as equal copies, one for every thread.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::{GradientsAccumulator, GradientsParams, ModuleOptimizer};
use burn::tensor::Tensor;
use nae_model::Nae;
use rayon::prelude::*;

/// Lets every copy of a network take the same step, with the sum of all gradients. On the CPU each
/// does so on its own thread: while one thread stepped for all, the others would fall asleep, and
/// waking up takes longer than a small network's step; and a copy stays in its thread's cache.
///
/// - `copies`: networks with the same parameters, of the same values
/// - `optimizers`: one for every copy, which all took the same steps before
/// - `gradients`: any number, which share nothing with the copies but the parameters' identities
/// - `rate`: of learning
pub(crate) fn step_copies(
    copies: Vec<Nae>,
    optimizers: &mut [ModuleOptimizer],
    gradients: &[GradientsParams],
    rate: f64,
) -> Vec<Nae> {
    let own = |copy: Nae| {
        let of_copy = |from: &GradientsParams| {
            let mut handles = Handles {
                from,
                to: GradientsParams::new(),
            };
            copy.visit(&mut handles);
            handles.to
        };
        let gradients: Vec<_> = gradients.iter().map(of_copy).collect();
        (copy, gradients)
    };
    let own: Vec<_> = copies.into_iter().map(own).collect();
    let step = |((copy, gradients), optimizer): ((Nae, Vec<_>), &mut ModuleOptimizer)| {
        let mut sum = GradientsAccumulator::new();
        for gradients in gradients {
            sum.accumulate(&copy, gradients);
        }
        optimizer.step(rate, copy, sum.grads())
    };
    own.into_par_iter().zip(optimizers).map(step).collect()
}

/// One network of the equal copies that threads had, at least one.
pub(crate) fn first(mut copies: Vec<Nae>) -> Nae {
    copies.swap_remove(0)
}

/// Collects handles to a network's gradients.
struct Handles<'a> {
    from: &'a GradientsParams,
    to: GradientsParams,
}

impl ModuleVisitor for Handles<'_> {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        if let Some(gradient) = self.from.get::<D>(parameter.id) {
            self.to.register(parameter.id, gradient);
        }
    }
}
