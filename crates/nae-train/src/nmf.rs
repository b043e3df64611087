//! Non-negative matrix factorisation of the training frames by multiplicative updates.

use burn::module::Param;
use burn::tensor::{Tensor, TensorData};
use nae_model::config::BasisNorm;
use nae_model::multiplicative::{Objective, unit_length};
use nae_model::optim::{Descent, Flow, Plan, Progress, descend};
use nae_model::random::generator;
use nae_model::{ModelConfig, Nae};
use rand::RngExt;

use crate::error::TrainError;
use crate::fit::Fitted;
use crate::nndsvd::nndsvd;
use crate::settings::{NmfStart, TrainConfig};

/// Minimises `D_β(X‖W·H) + λ·mean|H|` over bases and activations; of several restarts the one with
/// the lowest objective wins.
///
/// # Shapes
/// - `spectrum`: `[bins, frames]`, compressed
///
/// # Errors
/// [`TrainError::Descent`] if the objective stops being finite.
pub fn fit(
    network: Nae,
    spectrum: &Tensor<2>,
    model: &ModelConfig,
    config: &TrainConfig,
    seed: u64,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<Fitted, TrainError> {
    let settings = &config.nmf;
    let x = spectrum.clone().inner();
    let objective = Objective {
        beta: settings.beta,
        sparsity: config.sparsity,
        basis_norm: model.basis_norm,
    };
    let plan = Plan {
        stage: "factorisation",
        max_steps: settings.updates,
        window: config.window,
        tolerance: config.tolerance,
    };
    let mut best: Option<Descent<Tensor<2>>> = None;
    let mut steps = 0;
    for restart in 0..settings.restarts {
        let start = start(&x, model, settings.start, seed, restart)?;
        let update = |(w, h): (Tensor<2>, Tensor<2>), step: usize| {
            let w = objective.update_bases(w, &h, &x);
            let h = objective.update_activations(&w, h, &x);
            // the updates do not need the objective, and it costs as much as one of them
            let is_shown = (step + 1).is_multiple_of(config.window) || step + 1 == settings.updates;
            let value = is_shown.then(|| objective.value(w.clone().matmul(h.clone()), &h, &x));
            ((w, h), value)
        };
        let run = descend(plan, start, update, observe)?.map(|(bases, _)| bases);
        steps += run.steps;
        let is_interrupted = run.is_interrupted;
        let mut kept = match best {
            Some(best) if best.loss <= run.loss => best,
            _ => run,
        };
        kept.is_interrupted = is_interrupted;
        best = Some(kept);
        if is_interrupted {
            break;
        }
    }
    let Some(best) = best else {
        return Ok(Descent {
            best: network,
            loss: 0.0,
            steps: 0,
            is_interrupted: false,
        });
    };
    let fitted = best.map(|bases| {
        let mut network = network;
        if let Some(layer) = network.decoder.first_mut() {
            layer.weight = Param::from_tensor(Tensor::from_inner(bases));
        }
        network
    });
    Ok(Fitted { steps, ..fitted })
}

/// Bases and activations a restart begins with.
fn start(
    x: &Tensor<2>,
    model: &ModelConfig,
    start: NmfStart,
    seed: u64,
    restart: usize,
) -> Result<(Tensor<2>, Tensor<2>), TrainError> {
    let [bins, frames] = x.dims();
    let (w, h) = match start {
        NmfStart::Nndsvd if restart == 0 => nndsvd(x, model.rank)?,
        NmfStart::Random | NmfStart::Nndsvd => {
            let mut rng = generator(seed, &format!("factorisation {restart}"));
            // the mean product equals the mean spectrum, as scikit-learn's random start has it
            let scale = (x.clone().mean().into_scalar::<f32>() / model.rank as f32)
                .sqrt()
                .max(1e-6);
            let mut draw = |rows: usize, columns: usize| {
                let values: Vec<f32> = (0..rows * columns)
                    .map(|_| scale * rng.random_range(0.02..2.0f32))
                    .collect();
                Tensor::<2>::from_data(TensorData::new(values, [rows, columns]), &x.device())
            };
            (draw(bins, model.rank), draw(model.rank, frames))
        }
    };
    Ok(match model.basis_norm {
        BasisNorm::None => (w, h),
        BasisNorm::L2 => (unit_length(w), h),
    })
}
