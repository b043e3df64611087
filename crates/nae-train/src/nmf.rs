//! Non-negative matrix factorisation of the training frames by multiplicative updates.

use burn::module::Module;
use burn::tensor::Tensor;
use nae_model::config::BasisNorm;
use nae_model::deconvolution::Deconvolution;
use nae_model::error::setting;
use nae_model::init::from_host;
use nae_model::layers::Window;
use nae_model::multiplicative::{Objective, unit_length};
use nae_model::optim::{Flow, OptimizationError, OptimizationRun, Plan, Progress, Step, optimize};
use nae_model::random::generator;
use nae_model::spectra::read;
use nae_model::{ModelConfig, Network};
use rand::RngExt;

use crate::error::TrainError;
use crate::fit::Fitted;
use crate::nndsvd::nndsvd;
use crate::seeds::Seeds;
use crate::settings::{NmfStart, TrainConfig};
use crate::spectra::Spectra;

/// The best of a model's restarts so far.
type Best = Option<Result<OptimizationRun<Tensor<3>>, OptimizationError>>;

/// Bases and activations, `[models, bins, rank]` and `[models, rank, frames]`.
type Factors = (Tensor<3>, Tensor<3>);

/// What a factorisation begins with.
#[derive(Clone, Copy, Debug)]
pub enum Start<'a> {
    /// Bases and activations that are drawn or made of the spectrum; the networks give kind and shape.
    Drawn(&'a Network),
    /// These networks' bases, and activations that fit them.
    Given(&'a Network),
}

impl<'a> Start<'a> {
    fn network(self) -> &'a Network {
        match self {
            Self::Drawn(network) | Self::Given(network) => network,
        }
    }
}

/// Given bases are raised to this part of their mean: what is zero stays zero in multiplicative updates.
const LEAST: f64 = 1e-3;

/// Minimises every model's `D_β(X‖W·H) + λ·mean|H|` over bases and activations; of several restarts
/// the one with the lowest objective is kept. Arguments as for [`fit`](crate::fit::fit), but one λ.
///
/// - `start`: what the factors are at first
/// - `mask`: 1 in frames that count and 0 in others, `[models, 1, frames]`; all count without
///
/// Padding needs no mask: activations that start at zero stay zero, and 0/0 is 0 here.
///
/// # Errors
/// [`TrainError::Model`] if the device fails or no restart is asked for, [`OptimizationError::Diverged`]
/// for a model whose objective stops being finite.
pub fn fit(
    start: Start<'_>,
    spectra: &Spectra,
    mask: Option<Tensor<3>>,
    model: &ModelConfig,
    config: &TrainConfig,
    seeds: &Seeds,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<Fitted, TrainError> {
    let settings = &config.nmf;
    let x = spectra.values.clone().inner();
    let objective = Objective {
        beta: settings.beta,
        sparsity: config.sparsity,
        basis_norm: model.basis_norm,
    };
    let plan = Plan {
        stage: "factorisation",
        max_steps: settings.updates,
        window: config.window,
        evaluated: 1,
        tolerance: config.tolerance,
    };
    // a mean over all frames into one over real ones
    let longest = spectra.longest() as f64;
    let factors = spectra
        .frames
        .iter()
        .map(|&own| (longest / own as f64) as f32);
    let factors = Tensor::<1>::from_data(factors.collect::<Vec<_>>().as_slice(), &x.device());
    let updates = Updates::new(objective, model.span, spectra.longest(), mask);
    let mut best: Vec<Best> = seeds.0.iter().map(|_| None).collect();
    let mut steps = vec![0; seeds.count()];
    let network = start.network();
    let restarts = match start {
        Start::Drawn(_) => settings.restarts,
        // they would all be the same
        Start::Given(_) => settings.restarts.min(1),
    };
    for restart in 0..restarts {
        let start = match start {
            Start::Drawn(_) => drawn(spectra, &x, model, settings.start, seeds, restart)?,
            Start::Given(network) => given(network, &x)?,
        };
        let start = (updates.normalised(start.0), start.1);
        let update = |(w, h): Factors, step: Step| {
            let w = updates.bases(w, &h, &x);
            let h = updates.activations(&w, h, &x);
            // the updates do not need the objective, and it costs as much as one of them
            let value = step
                .is_evaluated
                .then(|| updates.value(&w, &h, &x) * factors.clone());
            ((w, h), value)
        };
        let runs = optimize(plan, seeds.count(), start, update, observe)?;
        let mut is_interrupted = false;
        for (i, (run, best)) in runs.into_iter().zip(&mut best).enumerate() {
            let run = run.map(|run| run.map(|(bases, _)| bases.narrow(0, i, 1)));
            if let Ok(run) = &run {
                steps[i] += run.steps;
                is_interrupted |= run.is_interrupted;
            }
            *best = Some(better(best.take(), run));
        }
        if is_interrupted {
            break;
        }
    }
    let Some(best) = best.into_iter().collect::<Option<Vec<_>>>() else {
        let came = settings.restarts;
        return Err(setting("train.nmf.restarts", "at least 1", came, "1").into());
    };
    let own = |(i, (best, steps)): (
        usize,
        (Result<OptimizationRun<Tensor<3>>, OptimizationError>, usize),
    )| {
        let mut fitted = best?.map(|bases| {
            let [_, bins, columns] = bases.dims();
            let shape = [1, bins, model.span, columns / model.span];
            let bases = Tensor::<3>::from_inner(bases).reshape(shape);
            network.select(i).with_bases(bases.swap_dims(1, 2))
        });
        fitted.steps = steps;
        Ok(fitted)
    };
    Ok(best.into_iter().zip(steps).enumerate().map(own).collect())
}

/// The run with the lower loss; it counts as interrupted if the later one was.
fn better<S>(
    before: Option<Result<OptimizationRun<S>, OptimizationError>>,
    now: Result<OptimizationRun<S>, OptimizationError>,
) -> Result<OptimizationRun<S>, OptimizationError> {
    match (before, now) {
        (Some(Ok(before)), Ok(now)) => {
            let is_interrupted = now.is_interrupted;
            let kept = if before.loss <= now.loss { before } else { now };
            Ok(OptimizationRun {
                is_interrupted,
                ..kept
            })
        }
        (Some(Ok(before)), Err(_)) => Ok(before),
        (_, now) => now,
    }
}

/// The networks' bases, and activations that fit them.
fn given(network: &Network, x: &Tensor<3>) -> Result<Factors, TrainError> {
    let network = network.clone().valid();
    let Some(bases) = network.bases() else {
        let expected = "\"nmf\" where updates are multiplicative";
        return Err(setting("model.kind", expected, "another kind", "nmf").into());
    };
    let [models, span, bins, rank] = bases.dims();
    let w = bases.swap_dims(1, 2).reshape([models, bins, span * rank]);
    let least = w.clone().mean_dim(1).mul_scalar(LEAST);
    let w = w.max_pair(least.expand([models, bins, span * rank]));
    Ok((w, network.encode(x.clone()).latent))
}

/// Factors that a restart begins with.
fn drawn(
    spectra: &Spectra,
    x: &Tensor<3>,
    model: &ModelConfig,
    start: NmfStart,
    seeds: &Seeds,
    restart: usize,
) -> Result<Factors, TrainError> {
    let [_, bins, longest] = x.dims();
    let mut factors = Vec::with_capacity(seeds.count());
    for (i, (&frames, &seed)) in spectra.frames.iter().zip(&seeds.0).enumerate() {
        let own = x.clone().narrow(0, i, 1).narrow(2, 0, frames);
        let (w, h) = match start {
            NmfStart::Nndsvd if restart == 0 => {
                // bases of several frames are those of the windows that begin at each frame
                let windows = Window::future(model.span).unfold(own, frames);
                let (w, h): (Tensor<2>, Tensor<2>) =
                    nndsvd(&windows.squeeze_dim::<2>(0), model.rank)?;
                let by_frame = w.reshape([1, model.span, bins, model.rank]).swap_dims(1, 2);
                let w = by_frame.reshape([1, bins, model.span * model.rank]);
                (w, h.unsqueeze())
            }
            NmfStart::Random | NmfStart::Nndsvd => {
                let mut rng = generator(seed, &format!("factorisation {restart}"));
                // the mean product equals the mean spectrum, as scikit-learn's random start has it
                let mean = read(own.mean())?[0];
                let columns = model.rank * model.span;
                let scale = (mean / columns as f32).sqrt().max(1e-6);
                let mut draw = |rows: usize, columns: usize| {
                    let values: Vec<f32> = (0..rows * columns)
                        .map(|_| scale * rng.random_range(0.02..2.0f32))
                        .collect();
                    from_host(values, [1, rows, columns], &x.device())
                };
                (draw(bins, columns), draw(model.rank, frames))
            }
        };
        let h: Tensor<3> = match longest - frames {
            0 => h,
            padding => {
                let zeros = Tensor::zeros([1, model.rank, padding], &x.device());
                Tensor::cat(vec![h, zeros], 2)
            }
        };
        factors.push((w, h));
    }
    let (w, h): (Vec<Tensor<3>>, Vec<Tensor<3>>) = factors.into_iter().unzip();
    Ok((Tensor::cat(w, 0), Tensor::cat(h, 0)))
}

/// The updates of bases of one frame, or of several.
struct Updates {
    objective: Objective,
    /// For bases of several frames.
    deconvolution: Option<Deconvolution>,
}

impl Updates {
    fn new(objective: Objective, span: usize, frames: usize, mask: Option<Tensor<3>>) -> Self {
        let deconvolution = (span > 1).then(|| {
            let all = Deconvolution::new(Window::past(span), frames);
            match mask {
                None => all,
                Some(mask) => all.with_counted(mask),
            }
        });
        Self {
            objective,
            deconvolution,
        }
    }

    fn bases(&self, w: Tensor<3>, h: &Tensor<3>, x: &Tensor<3>) -> Tensor<3> {
        match &self.deconvolution {
            None => self.objective.update_bases(w, h, x),
            Some(deconvolution) => deconvolution.update_bases(&self.objective, w, h, x),
        }
    }

    fn activations(&self, w: &Tensor<3>, h: Tensor<3>, x: &Tensor<3>) -> Tensor<3> {
        match &self.deconvolution {
            None => self.objective.update_activations(w, h, x),
            Some(deconvolution) => deconvolution.update_activations(&self.objective, w, h, x),
        }
    }

    fn value(&self, w: &Tensor<3>, h: &Tensor<3>, x: &Tensor<3>) -> Tensor<1> {
        match &self.deconvolution {
            None => self.objective.value(w.clone().matmul(h.clone()), h, x),
            Some(deconvolution) => {
                let product = deconvolution.product(w, h);
                deconvolution.value(&self.objective, product, h, x)
            }
        }
    }

    /// Bases of the length that they have in the objective.
    fn normalised(&self, w: Tensor<3>) -> Tensor<3> {
        match (self.objective.basis_norm, &self.deconvolution) {
            (BasisNorm::None, _) => w,
            (BasisNorm::L2, None) => unit_length(w),
            (BasisNorm::L2, Some(deconvolution)) => deconvolution.unit_length(w),
        }
    }
}
