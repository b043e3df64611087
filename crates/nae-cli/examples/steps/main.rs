//! Times one step of training or separation, ours and the same written by hand:
//! `steps SIDE FILE.safetensors STEPS HIDDEN OUTPUT [gpu]`, run by `scripts/bench/steps.py`.
//!
//! `SIDE` is `train`, `train-by-hand`, `separate` or `separate-by-hand`. The file holds `x`
//! (`[bins, frames]`) and the weights `a0`, `a1`, … (`[outputs, inputs]`), for separation those of a
//! second model `b0`, … and both starts `za`, `zb` as well. Prints the median milliseconds of a step
//! after a warm-up, the seconds until the first steps were done (on a GPU, shaders are compiled
//! then), the loss before the last step and the peak memory as JSON.
#![allow(clippy::print_stdout, reason = "an example talks to its caller")]
#![recursion_limit = "256"]

mod by_hand;
#[path = "../common/mod.rs"]
mod common;

use std::time::Instant;

use burn::tensor::Device;
use nae_audio::Magnitude;
use nae_model::init::from_host;
use nae_model::optim::{Flow, OptimizerKind, Progress, Schedule};
use nae_model::random::generator;
use nae_model::{AudioConfig, Metadata, Model, ModelConfig, Network, Output, TrainingSummary};
use nae_separate::activation_solver::solve;
use nae_separate::{ActivationSolver, BatchItem, Parallelism, SeparateConfig, Source};
use nae_train::TrainConfig;
use nae_train::seeds::Seeds;
use nae_train::spectra::Spectra;
use safetensors::SafeTensors;

/// The allocator of the command `nae`, which says why.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A matrix of the file, row-major.
#[derive(Clone)]
pub(crate) struct Matrix {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) values: Vec<f32>,
}

/// Steps between two looks at the clock.
pub(crate) const WINDOW: usize = 5;

/// What a side reports.
pub(crate) struct Timed {
    pub(crate) milliseconds: f64,
    pub(crate) warm_up_s: f64,
    pub(crate) loss: f64,
}

/// Collects the times of windows of steps.
pub(crate) struct Stopwatch {
    last: Instant,
    windows: Vec<f64>,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self {
            last: Instant::now(),
            windows: Vec::new(),
        }
    }

    pub(crate) fn window(&mut self) {
        let now = Instant::now();
        self.windows.push((now - self.last).as_secs_f64());
        self.last = now;
    }

    /// Seconds until the first window was done.
    pub(crate) fn warm_up_s(&self) -> f64 {
        self.windows.first().copied().unwrap_or(f64::NAN)
    }

    /// Median milliseconds of a step, without the first fifth.
    pub(crate) fn milliseconds(mut self) -> f64 {
        let mut windows = self.windows.split_off(self.windows.len() / 5);
        windows.sort_by(f64::total_cmp);
        1e3 * windows.get(windows.len() / 2).copied().unwrap_or(f64::NAN) / WINDOW as f64
    }
}

fn main() -> Result<(), Failure> {
    common::keep_pages();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [side, path, steps, hidden, output, device @ ..] = arguments.as_slice() else {
        return Err("usage: steps SIDE FILE.safetensors STEPS HIDDEN OUTPUT [gpu]".into());
    };
    let device = match device {
        [] => Device::flex(),
        _ => common::gpu()?,
    };
    let steps: usize = steps.parse()?;
    let bytes = std::fs::read(path)?;
    let file = SafeTensors::deserialize(&bytes)?;
    let read = |name: &str| -> Option<Matrix> {
        let view = file.tensor(name).ok()?;
        let numbers = view.data().as_chunks::<4>().0.iter();
        Some(Matrix {
            rows: view.shape()[0],
            columns: view.shape()[1],
            values: numbers.map(|b| f32::from_le_bytes(*b)).collect(),
        })
    };
    let weights = |model: &str| -> Vec<Matrix> {
        (0..).map_while(|i| read(&format!("{model}{i}"))).collect()
    };
    let x = read("x").ok_or("there is no tensor `x`")?;
    let form: ModelConfig = serde_json::from_value(serde_json::json!({
        "hidden": hidden, "output": output, "layers": weights("a").len(), "rank": weights("a").last().map(|w| w.columns),
    }))?;
    let timed = rayon::scope(|_| -> Result<Timed, Failure> {
        match side.as_str() {
            "train" => train(&x, &weights("a"), &form, steps, &device),
            "separate" => separate(&x, [&weights("a"), &weights("b")], &form, steps, &device),
            "train-by-hand" => Ok(by_hand::train(&x, &weights("a"), &form, steps)),
            "separate-by-hand" => {
                let starts = [read("za"), read("zb")].map(|z| z.ok_or("no start"));
                let [za, zb] = starts;
                let sources = [(weights("a"), za?), (weights("b"), zb?)];
                Ok(by_hand::separate(&x, sources, &form, steps))
            }
            other => Err(format!("no side `{other}`").into()),
        }
    })?;
    let peak = std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|status| {
            let line = status
                .lines()
                .find(|line| line.starts_with("VmHWM"))?
                .to_owned();
            line.split_whitespace().nth(1)?.parse::<f64>().ok()
        })
        .unwrap_or(f64::NAN);
    println!(
        "{}",
        serde_json::json!({ "ms": timed.milliseconds, "warm_up_s": timed.warm_up_s, "loss": timed.loss, "peak_mb": peak / 1e3 })
    );
    Ok(())
}

fn network(weights: &[Matrix], form: &ModelConfig, device: &Device) -> Result<Network, Failure> {
    let bins = weights.first().map_or(0, |w| w.columns);
    let network = form
        .architecture()
        .network(bins, &mut generator(0, "weights"), device);
    // parameters come in the order of the layers
    let mut weights = weights.iter();
    network.with_values(|name, _| {
        let next = weights
            .next()
            .ok_or_else(|| format!("no weights for {name}"))?;
        Ok(next.values.clone())
    })
}

fn train(
    x: &Matrix,
    weights: &[Matrix],
    form: &ModelConfig,
    steps: usize,
    device: &Device,
) -> Result<Timed, Failure> {
    let device = device.clone().autodiff();
    let spectrum = from_host(x.values.clone(), [1, x.rows, x.columns], &device);
    let config = TrainConfig {
        optimizer: OptimizerKind::Adam,
        learning_rate: 1e-3,
        schedule: Schedule::Constant,
        batch_frames: 0,
        max_steps: steps,
        window: WINDOW,
        latent_noise: 0.0,
        ..Default::default()
    };
    let mut watch = Stopwatch::start();
    let mut loss = f64::NAN;
    let mut observe = |progress: &Progress| {
        watch.window();
        loss = progress.loss;
        Flow::Continue
    };
    nae_train::fit::fit(
        network(weights, form, &device)?,
        &Spectra::one(spectrum),
        &config,
        &[0.0],
        &Seeds(vec![0]),
        &mut observe,
    )?;
    Ok(Timed {
        warm_up_s: watch.warm_up_s(),
        milliseconds: watch.milliseconds(),
        loss,
    })
}

fn separate(
    x: &Matrix,
    [a, b]: [&[Matrix]; 2],
    form: &ModelConfig,
    steps: usize,
    device: &Device,
) -> Result<Timed, Failure> {
    let source = |name: &str, weights: &[Matrix]| -> Result<Source, Failure> {
        let settings = ModelConfig {
            compression: 1.0, // x is what the models describe
            ..form.clone()
        };
        let metadata = Metadata {
            name: name.into(),
            audio: AudioConfig::default(),
            architecture: settings.architecture(),
            gain: 1.0,
            training: TrainingSummary::default(),
        };
        let model = Model {
            metadata,
            network: network(weights, form, device)?,
            latent_cache: None,
        };
        Ok(Source::new(name, vec![model]))
    };
    let config = SeparateConfig {
        max_steps: steps,
        window: WINDOW,
        ..Default::default()
    };
    let solver = ActivationSolver::new(&[source("a", a)?, source("b", b)?], config, 0, device)?;
    let mut frames = vec![0.0; x.values.len()];
    for (f, row) in x.values.chunks_exact(x.columns).enumerate() {
        for (t, value) in row.iter().enumerate() {
            frames[t * x.rows + f] = *value;
        }
    }
    let mixture = Magnitude::new(x.rows, x.columns, frames)?;
    let mut watch = Stopwatch::start();
    let mut loss = f64::NAN;
    let item = BatchItem {
        solver: &solver,
        mixture: &mixture,
        gain: 1.0,
    };
    let mut observe = |progress: &Progress| {
        watch.window();
        loss = progress.loss;
        Flow::Continue
    };
    solve(&[item], 0, Parallelism::Frames, &mut observe)?;
    Ok(Timed {
        warm_up_s: watch.warm_up_s(),
        milliseconds: watch.milliseconds(),
        loss,
    })
}

/// The two forms that `scripts/bench/steps.py` measures: all softplus, or ReLU with a linear last
/// layer of non-negative weights.
pub(crate) fn is_softplus(form: &ModelConfig) -> bool {
    form.output == Output::Softplus
}
