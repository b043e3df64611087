//! Factorises a given spectrum from a given start, for comparison with other tools:
//! `factorise FILE.safetensors UPDATES`. Tensors `x`, `w`, `h` come from the file; prints the final
//! mean divergence and the seconds of a run after a warm-up as JSON. Run by `scripts/bench/nmf.py`.
#![allow(clippy::print_stdout, reason = "an example talks to its caller")]

use std::time::Instant;

use burn::tensor::{Device, Tensor, TensorData};
use nae_model::multiplicative::Objective;
use safetensors::SafeTensors;

/// The allocator of the command `nae`, which says why.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, path, updates] = arguments.as_slice() else {
        return Err("usage: factorise FILE.safetensors UPDATES".into());
    };
    let updates: usize = updates.parse()?;
    let bytes = std::fs::read(path)?;
    let file = SafeTensors::deserialize(&bytes)?;
    let device = Device::flex();
    let read = |name: &str| -> Result<Tensor<3>, Failure> {
        let view = file.tensor(name)?;
        let values: Vec<f32> = view
            .data()
            .as_chunks::<4>()
            .0
            .iter()
            .map(|b| f32::from_le_bytes(*b))
            .collect();
        Ok(Tensor::from_data(
            TensorData::new(values, [1, view.shape()[0], view.shape()[1]]),
            &device,
        ))
    };
    let x = read("x")?;
    let run = |updates: usize| -> Result<_, Failure> {
        let (mut w, mut h) = (read("w")?, read("h")?);
        let started = Instant::now();
        for _ in 0..updates {
            w = Objective::KL.update_bases(w, &h, &x);
            h = Objective::KL.update_activations(&w, h, &x);
        }
        let value = Objective::KL
            .value(w.clone().matmul(h.clone()), &h, &x)
            .into_scalar::<f32>();
        Ok((value, started.elapsed().as_secs_f64()))
    };
    // inside the thread pool, as in the command `nae`
    let (divergence, seconds) = rayon::scope(|_| {
        run(updates / 10 + 1)?; // warm-up
        run(updates)
    })?;
    println!("{{\"divergence\": {divergence}, \"seconds\": {seconds}}}");
    Ok(())
}
