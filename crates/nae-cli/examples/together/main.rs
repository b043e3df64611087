//! Times many models of one shape, trained one after another and together, and their mixtures
//! likewise: `together [--models 32] [--rank 20] [--layers 2] [--seconds 25] [--steps N] [--gpu]`.
//!
//! The sound is made up (noise in moving bands), the settings are the defaults; `--steps N` trains N
//! mini-batch steps without refinement. Every figure is the median of three turns after a warm-up.
//! Prints a table, with the largest difference between the models' losses alone and together. Run
//! by `scripts/bench/gpu.sh` on a machine with a GPU.
#![allow(clippy::print_stdout, reason = "an example talks to its caller")]
#![recursion_limit = "256"]

#[path = "../common/mod.rs"]
mod common;

use std::time::Instant;

use burn::tensor::Device;
use nae_audio::Clip;
use nae_model::Model;
use nae_model::optim::{Flow, Progress};
use nae_model::random::generator;
use nae_separate::{SeparateConfig, Separator, Source, separate_many};
use nae_testing_models::clips::clip;
use nae_train::{Job, Recipe, TrainError, TrainingClip, train, train_many};

/// The allocator of the command `nae`, which says why.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const RATE: u32 = 16_000;
const TURNS: usize = 3;

fn go_on(_: &Progress) -> Flow {
    Flow::Continue
}

fn main() -> Result<(), Failure> {
    common::keep_pages();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, default: usize| -> Result<usize, Failure> {
        let at = arguments.iter().position(|argument| argument == name);
        match at.and_then(|at| arguments.get(at + 1)) {
            Some(text) => Ok(text
                .parse()
                .map_err(|_| format!("{name} {text}: expected a number"))?),
            None => Ok(default),
        }
    };
    let (models, seconds) = (number("--models", 32)?, number("--seconds", 25)?);
    let mut recipe = Recipe::default();
    recipe.model.rank = number("--rank", 20)?;
    recipe.model.layers = number("--layers", 2)?;
    if let steps @ 1.. = number("--steps", 0)? {
        recipe.train.max_steps = steps;
        recipe.train.refine.passes = 0;
    }
    let device = if arguments.iter().any(|argument| argument == "--gpu") {
        common::gpu()?
    } else {
        Device::flex()
    };
    rayon::scope(|_| compare(models, seconds, &recipe, &device))
}

fn compare(count: usize, seconds: usize, recipe: &Recipe, device: &Device) -> Result<(), Failure> {
    let clips: Vec<[TrainingClip; 1]> = (0..count)
        .map(|i| {
            let samples = sound(seconds * RATE as usize, i as u64);
            [clip(&i.to_string(), samples, RATE)]
        })
        .collect();
    let job = |(i, clips)| Job {
        name: "voice",
        clips,
        recipe,
        seed: i as u64,
    };
    let jobs: Vec<Job<'_>> = clips
        .iter()
        .map(|clips| clips.as_slice())
        .enumerate()
        .map(job)
        .collect();
    let one_by_one = || -> Vec<Result<Model, TrainError>> {
        let train = |job: &Job<'_>| {
            train(
                job.name, job.clips, job.recipe, job.seed, device, &mut go_on,
            )
        };
        jobs.iter().map(train).collect()
    };
    let together = || train_many(&jobs, device, &mut go_on);
    let (alone_s, alone) = timed(one_by_one)?;
    let (together_s, stacked) = timed(together)?;
    let difference = alone
        .iter()
        .zip(&stacked)
        .map(|(a, b)| (a.metadata.training.loss / b.metadata.training.loss - 1.0).abs())
        .fold(0.0, f64::max);
    println!(
        "| {count} times | one by one, s | together, s | ratio | models a second | largest difference |"
    );
    println!("|---|---|---|---|---|---|");
    row("training", count, alone_s, together_s, difference);

    let mixtures: Vec<Clip> = (0..count)
        .map(|i| {
            let (a, b) = (
                sound(10 * RATE as usize, i as u64),
                sound(10 * RATE as usize, i as u64 + 1),
            );
            Clip::mono(a.iter().zip(&b).map(|(a, b)| a + b).collect(), RATE)
        })
        .collect();
    let separators = (0..count)
        .map(|i| {
            let source = |name: &str, model: &Model| Source {
                name: name.into(),
                models: vec![model.clone()],
            };
            let sources = [
                source("a", &stacked[i]),
                source("b", &stacked[(i + 1) % count]),
            ];
            Separator::new(&sources, SeparateConfig::default(), 0, device)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let work: Vec<(&Separator, &Clip)> = separators.iter().zip(&mixtures).collect();
    let (alone_s, alone) = timed(|| {
        let separate =
            |(separator, clip): &(&Separator, &Clip)| separator.separate(clip, &mut go_on);
        work.iter().map(separate).collect()
    })?;
    let (together_s, stacked) = timed(|| separate_many(&work, &mut go_on))?;
    let difference = alone
        .iter()
        .zip(&stacked)
        .map(|(a, b)| (a.loss / b.loss - 1.0).abs())
        .fold(0.0, f64::max);
    row("separating 10 s", count, alone_s, together_s, difference);
    Ok(())
}

fn row(what: &str, count: usize, alone_s: f64, together_s: f64, difference: f64) {
    println!(
        "| {what} | {alone_s:.2} | {together_s:.2} | {:.2} | {:.1} | {difference:.1e} |",
        alone_s / together_s,
        count as f64 / together_s
    );
}

/// Median seconds of some turns after a warm-up, and what the last gave.
fn timed<T, E: std::error::Error + Send + Sync + 'static>(
    work: impl Fn() -> Vec<Result<T, E>>,
) -> Result<(f64, Vec<T>), Failure> {
    let mut times = Vec::new();
    let mut found = work();
    for _ in 0..TURNS {
        let started = Instant::now();
        found = work();
        times.push(started.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    Ok((
        times[TURNS / 2],
        found.into_iter().collect::<Result<_, _>>()?,
    ))
}

fn sound(samples: usize, seed: u64) -> Vec<f32> {
    nae_testing::noise::resonant(samples, RATE, &mut generator(seed, "sound"))
}
