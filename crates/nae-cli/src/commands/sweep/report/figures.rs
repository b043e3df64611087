//! The figures of the slides: a model's reconstruction of a clip, and its bases.

mod bases;
mod components;

use anyhow::{Context, Result};
use burn::tensor::{Device, Tensor};
use nae_audio::{Clip, Magnitude, Stft, resample};
use nae_model::optim::Flow;
use nae_model::spectra::{bin_major, level, read, upload};
use nae_model::{Metadata, Model};
use nae_report::plots::{Panel, Panels};
use nae_report::{Axis, ColourScale, Figure, HeatMap, Matrix};
use nae_separate::{SeparateConfig, Separator, Source};

use bases::Bases;
use components::{Upwards, components};

/// Range of spectrograms in dB.
const RANGE_DB: f64 = 60.0;
/// Frames this far below the loudest are ignored when a clip's level is measured, in dB.
const SILENCE_DB: f32 = -50.0;
/// Spectrograms end at the lowest whole kHz below which this share of the clip's magnitudes lies.
const SHOWN: f32 = 0.95;

/// A model's reconstruction of a clip.
struct Reconstruction {
    /// The clip's magnitudes.
    input: Magnitude,
    duration_s: f64,
    /// Magnitudes of the reconstruction, `[bins, frames]`, row-major.
    reconstruction: Vec<f32>,
    /// `[rank, frames]`, row-major.
    activations: Vec<f32>,
}

/// A model whose bases are shown beside those of others.
pub struct Shown<'a> {
    /// What the panel is called.
    pub name: String,
    pub model: &'a Model,
    /// The highest frequency shown.
    pub top_hz: f64,
}

/// A model applied to a clip: the clip's spectrogram, its reconstruction, the bases and their
/// activations.
///
/// Activations are the encoder's output (NAE), or fitted to the clip with fixed bases (NMF, which
/// has no encoder).
///
/// - `name`: of the figure's files
/// - `title`: what the figure shows
pub fn reconstruction_figure(
    name: &str,
    title: &str,
    model: &Model,
    clip: &Clip,
    device: &Device,
) -> Result<Figure> {
    let reconstructed = reconstruct(model, clip, device)?;
    let (bins, frames) = (reconstructed.input.bins(), reconstructed.input.frames());
    let audio = model.metadata.audio;
    let hz = f64::from(audio.sample_rate) / audio.n_fft as f64;
    let top = top_bin(&reconstructed.input, hz);
    let input = bin_major(&reconstructed.input);
    let reference = input.iter().copied().fold(0.0f32, f32::max);
    let spectrogram = |title: &str, values: &[f32]| -> Result<Panel> {
        let matrix = Matrix::new(top, frames, values[..top * frames].to_vec())?;
        let heat_map =
            HeatMap::spectrogram(title, matrix, reconstructed.duration_s, hz * top as f64);
        Ok(Panel::HeatMap(heat_map.with_scale(ColourScale::Decibels {
            reference: Some(f64::from(reference)),
            range_db: RANGE_DB,
        })))
    };
    let rank = reconstructed.activations.len() / frames.max(1);
    let rows: Vec<Vec<f32>> = reconstructed
        .activations
        .chunks(frames)
        .map(<[f32]>::to_vec)
        .collect();
    let bases = Bases::of(model)?;
    // where the decoder is one layer, an activation belongs to a basis: both in the bases' order
    let is_paired = bases.count() == rank;
    let order = bases.by_peak();
    let rows = match is_paired {
        true => order.iter().map(|k| rows[*k].clone()).collect(),
        false => rows,
    };
    let panels = vec![
        spectrogram("Input", &input)?,
        spectrogram("Reconstruction", &reconstructed.reconstruction)?,
        components(
            "Activations",
            rows,
            Axis::time(reconstructed.duration_s),
            Upwards::Components,
        )?,
        bases.panel("Bases", hz, top)?,
    ];
    let caption = format!(
        "{} Curves are scaled to their own peaks; spectrograms share one scale, 0 dB being the input's loudest bin. {}Frequencies up to {:.0} kHz of {:.0}.",
        description(&model.metadata),
        sentence(&bases.caption(&audio)),
        hz * top as f64 / 1000.0,
        hz * bins as f64 / 1000.0,
    );
    Ok(Panels {
        name: name.into(),
        title: title.into(),
        caption,
        columns: 2,
        panels,
    }
    .figure()?)
}

/// Bases of several models side by side, such as without and with sparsity: the last layer's columns
/// over frequency, each scaled to its own peak, with its sign.
///
pub fn bases(name: &str, title: &str, models: &[Shown<'_>]) -> Result<Figure> {
    let mut captions = vec!["Columns of the last layer, each scaled to its own peak, low ones at the bottom. Where a column has negative values, zero is in the middle of its row.".to_owned()];
    let panels = models
        .iter()
        .map(
            |Shown {
                 name,
                 model,
                 top_hz,
             }| {
                let audio = model.metadata.audio;
                let hz = f64::from(audio.sample_rate) / audio.n_fft as f64;
                let bases = Bases::of(model)?;
                let top = ((top_hz / hz).ceil() as usize).clamp(1, bases.bins());
                let caption = bases.caption(&audio);
                if !caption.is_empty() {
                    let caption = format!("{name}: {caption}");
                    if !captions.contains(&caption) {
                        captions.push(caption);
                    }
                }
                bases.panel(name, hz, top)
            },
        )
        .collect::<Result<Vec<_>>>()?;
    Ok(Panels {
        name: name.into(),
        title: title.into(),
        caption: captions.join(" "),
        columns: 2,
        panels,
    }
    .figure()?)
}

/// The lowest whole kHz below which nearly all of a clip's magnitudes lie, in Hz.
pub fn top_hz(model: &Model, clip: &Clip) -> Result<f64> {
    let audio = model.metadata.audio;
    let hz = f64::from(audio.sample_rate) / audio.n_fft as f64;
    Ok(top_bin(&magnitudes(model, clip)?, hz) as f64 * hz)
}

/// A sentence that is followed by another; nothing for none.
fn sentence(text: &str) -> String {
    match text {
        "" => String::new(),
        text => format!("{text} "),
    }
}

/// The model's architecture and the origin of its activations, in a sentence.
fn description(metadata: &Metadata) -> String {
    let activations = match metadata.architecture.has_encoder() {
        true => "are the encoder's output",
        false => "are fitted to the clip",
    };
    let architecture = metadata.architecture.describe();
    format!("{architecture}; activations {activations}.")
}

fn magnitudes(model: &Model, clip: &Clip) -> Result<Magnitude> {
    let audio = model.metadata.audio;
    let samples = resample(&clip.mixdown(), clip.sample_rate(), audio.sample_rate)?;
    Ok(Stft::new(audio.stft())?.analyze(&samples)?.magnitude())
}

fn reconstruct(model: &Model, clip: &Clip, device: &Device) -> Result<Reconstruction> {
    let input = magnitudes(model, clip)?;
    let gain = match level(&input, SILENCE_DB) {
        level if level > 0.0 => 1.0 / level,
        _ => 1.0,
    };
    let (activations, estimate) = match model.metadata.architecture.has_encoder() {
        true => encoded(model, &input, gain, device)?,
        false => fitted(model, &input, device)?,
    };
    // back from the model's compressed magnitudes at its own level
    let exponent = (1.0 / model.metadata.architecture.compression()) as f32;
    let reconstruction = read(estimate)?
        .into_iter()
        .map(|x| x.max(0.0).powf(exponent) / gain as f32)
        .collect();
    Ok(Reconstruction {
        input,
        duration_s: clip.duration_s(),
        reconstruction,
        activations: read(activations)?,
    })
}

/// Activations and estimate of an autoencoder that runs from its input to its output.
fn encoded(
    model: &Model,
    input: &Magnitude,
    gain: f64,
    device: &Device,
) -> Result<(Tensor<2>, Tensor<2>)> {
    let decoder = model.network.decoder(nae_model::Latent::Bottleneck, device);
    let input = upload(
        &[(input, gain)],
        model.metadata.architecture.compression(),
        device,
    );
    let activations = decoder.encode(input);
    let estimate = decoder.decode(activations.clone());
    Ok((activations.squeeze_dim(0), estimate.squeeze_dim(0)))
}

/// Activations fitted to the clip with fixed bases, and their estimate.
fn fitted(model: &Model, input: &Magnitude, device: &Device) -> Result<(Tensor<2>, Tensor<2>)> {
    let source = Source {
        name: model.metadata.name.clone(),
        models: vec![model.clone()],
    };
    let separator = Separator::new(&[source], SeparateConfig::default(), 0, device)?;
    let found = separator.masks(input, &mut |_| Flow::Continue)?.activations;
    let activations = found.into_iter().next();
    let activations = activations.context("a source without activations")?;
    let decoder = model.network.decoder(nae_model::Latent::Bottleneck, device);
    let estimate = decoder.decode(activations.clone().unsqueeze());
    Ok((activations, estimate.squeeze_dim(0)))
}

/// The first bin above the frequencies that matter, at a whole kHz where there is one.
fn top_bin(input: &Magnitude, hz: f64) -> usize {
    let mut sums = vec![0.0f32; input.bins()];
    for t in 0..input.frames() {
        for (sum, x) in sums.iter_mut().zip(input.frame(t)) {
            *sum += x;
        }
    }
    let enough = SHOWN * sums.iter().sum::<f32>();
    let mut below = 0.0;
    let last = sums.iter().position(|sum| {
        below += sum;
        below >= enough
    });
    let khz = (last.unwrap_or(sums.len()) as f64 * hz / 1000.0)
        .ceil()
        .max(1.0);
    ((khz * 1000.0 / hz).round() as usize).min(input.bins())
}

#[cfg(test)]
mod tests;
