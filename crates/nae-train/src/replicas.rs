//! One network as equal replicas, one for every thread.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::{GradientsAccumulator, GradientsParams, ModuleOptimizer};
use burn::tensor::Tensor;
use nae_model::Network;
use rayon::prelude::*;

use crate::settings::{InitialWeights, TrainConfig};

/// The encoder's learning rate over the decoder's, for one frame that it sees at a time: units of an
/// encoder that takes larger steps die, most of all those that begin as excerpts. With `1/3` the hidden
/// units of 4-layer models that were dead fell from a half to a quarter, and stems were as good.
const RANDOM_ENCODER: f64 = 1.0 / 3.0;
const MATCHED_ENCODER: f64 = 2.0 / 15.0;

/// Learning rates of a network's parts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rates {
    /// Of the encoder.
    pub encoder: f64,
    /// Of the decoder.
    pub decoder: f64,
}

impl Rates {
    /// One rate for all.
    pub fn all(rate: f64) -> Self {
        Self {
            encoder: rate,
            decoder: rate,
        }
    }

    /// Those of the settings before their schedule.
    ///
    /// - `span`: frames that the encoder sees at a time
    pub fn of(config: &TrainConfig, span: usize) -> Self {
        let factor = match (config.encoder_factor, config.initial_weights) {
            (0.0, InitialWeights::Matched) => MATCHED_ENCODER,
            (0.0, _) => RANDOM_ENCODER,
            (factor, _) => factor,
        };
        Self {
            encoder: config.learning_rate * factor / span as f64,
            decoder: config.learning_rate,
        }
    }

    /// Both as a schedule has them.
    pub fn map(self, rate: impl Fn(f64) -> f64) -> Self {
        Self {
            encoder: rate(self.encoder),
            decoder: rate(self.decoder),
        }
    }
}

/// Lets every replica of a network take the same step, with the sum of all gradients. On the CPU each
/// does so on its own thread: if one thread stepped for all, the others would be suspended, and
/// waking them takes longer than a small network's step; and a replica stays in its thread's cache.
///
/// - `replicas`: networks with the same parameters, of the same values
/// - `optimizers`: one for every replica, which all took the same steps before
/// - `gradients`: any number, which share nothing with the replicas but the parameters' identities
/// - `rates`: of learning
///
/// # Panics
/// If there are not as many optimisers as replicas.
pub(crate) fn step_replicas(
    replicas: Vec<Network>,
    optimizers: &mut [ModuleOptimizer],
    gradients: &[GradientsParams],
    rates: Rates,
) -> Vec<Network> {
    assert_eq!(replicas.len(), optimizers.len());
    let own = |replica: Network| {
        let of_replica = |from: &GradientsParams| {
            let mut handles = Handles {
                from,
                to: GradientsParams::new(),
            };
            replica.visit(&mut handles);
            handles.to
        };
        let gradients: Vec<_> = gradients.iter().map(of_replica).collect();
        (replica, gradients)
    };
    let own: Vec<_> = replicas.into_iter().map(own).collect();
    let step = |((replica, gradients), optimizer): ((Network, Vec<_>), &mut ModuleOptimizer)| {
        let mut sum = GradientsAccumulator::new();
        for gradients in gradients {
            sum.accumulate(&replica, gradients);
        }
        let mut gradients = sum.grads();
        if rates.encoder == rates.decoder {
            return optimizer.step(rates.decoder, replica, gradients);
        }
        let of_encoder = take_encoder(&replica, &mut gradients);
        let replica = optimizer.step(rates.decoder, replica, gradients);
        optimizer.step(rates.encoder, replica, of_encoder)
    };
    own.into_par_iter().zip(optimizers).map(step).collect()
}

/// One network of the equal replicas that threads had, at least one.
pub(crate) fn first(mut replicas: Vec<Network>) -> Network {
    replicas.swap_remove(0)
}

/// Takes the encoder's gradients out of all.
fn take_encoder(network: &Network, gradients: &mut GradientsParams) -> GradientsParams {
    let mut take = TakeEncoder {
        depth: 0,
        from: gradients,
        to: GradientsParams::new(),
    };
    network.visit(&mut take);
    take.to
}

/// Moves the gradients of all parameters below `encoder`.
struct TakeEncoder<'a> {
    /// Modules below `encoder` that have been entered, itself included.
    depth: usize,
    from: &'a mut GradientsParams,
    to: GradientsParams,
}

impl ModuleVisitor for TakeEncoder<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        if self.depth > 0 || name == "encoder" {
            self.depth += 1;
        }
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.depth = self.depth.saturating_sub(1);
    }

    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        if self.depth > 0
            && let Some(gradient) = self.from.remove::<D>(parameter.id)
        {
            self.to.register(parameter.id, gradient);
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;
    use nae_model::ModelConfig;
    use nae_model::optim::OptimizerKind;
    use nae_model::parameters::NamedValues;
    use nae_model::random::generator;

    const BINS: usize = 9;

    /// Gradients of some sum over what the network makes of a constant.
    fn gradients(network: &Network, level: f32) -> GradientsParams {
        let network = network.clone();
        let x = Tensor::<3>::ones([1, BINS, 4], &Device::flex().autodiff()) * level;
        let latent = network.encode(x).latent;
        let loss = network.decode(latent).estimate.value().square().sum();
        GradientsParams::from_grads(loss.backward(), &network)
    }

    #[test]
    fn every_replica_comes_out_as_one_network_does() {
        let config = ModelConfig {
            layers: 2,
            rank: 3,
            ..ModelConfig::default()
        };
        let device = Device::flex().autodiff();
        let mut rng = generator(4, "weights");
        let network = config.architecture().network(BINS, &mut rng, &device);
        for kind in [
            OptimizerKind::Adam,
            OptimizerKind::Rmsprop,
            OptimizerKind::Rprop,
        ] {
            let build = |_| kind.build(&Default::default());
            let after = |count: usize| -> Vec<NamedValues> {
                let mut replicas = vec![network.clone(); count];
                let mut optimizers: Vec<_> = (0..count).map(build).collect();
                for _ in 0..3 {
                    let gradients = [0.5, 2.0].map(|level| gradients(&replicas[0], level));
                    replicas =
                        step_replicas(replicas, &mut optimizers, &gradients, Rates::all(1e-2));
                }
                let basis = |replica: &Network| replica.valid().values().unwrap();
                replicas.iter().map(basis).collect()
            };
            let [alone] = after(1).try_into().unwrap();
            assert_ne!(alone, network.valid().values().unwrap());
            for replica in after(3) {
                assert_eq!(replica, alone, "{kind:?}");
            }
        }
    }

    #[test]
    fn an_encoder_can_have_a_rate_of_its_own() {
        let config = ModelConfig {
            layers: 4,
            rank: 3,
            ..ModelConfig::default()
        };
        let device = Device::flex().autodiff();
        let mut rng = generator(4, "weights");
        let network = config.architecture().network(BINS, &mut rng, &device);
        let after = |rates: Rates| -> NamedValues {
            let mut optimizers = [OptimizerKind::Adam.build(&Default::default())];
            let gradients = [gradients(&network, 0.5)];
            let stepped = step_replicas(vec![network.clone()], &mut optimizers, &gradients, rates);
            stepped[0].valid().values().unwrap()
        };
        let (slow, fast) = (after(Rates::all(1e-4)), after(Rates::all(1e-2)));
        let parts = after(Rates {
            encoder: 1e-4,
            decoder: 1e-2,
        });
        for (name, values) in parts {
            let expected = match name.starts_with("encoder") {
                true => &slow[&name],
                false => &fast[&name],
            };
            assert_eq!(&values, expected, "{name}");
        }
    }
}
