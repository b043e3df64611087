//! The demo's page.

use anyhow::Result;
use nae_audio::StftConfig;
use nae_report::plots::Chart;
use nae_report::{Block, HeatMap, Listing, Matrix, Page, Player, Section, Table};

use super::system::{System, Voice};
use super::test_mixture::TestMixture;
use crate::tracks::Tracks;

/// The whole page as one file.
pub fn render(
    mixture: &TestMixture,
    systems: &[System],
    device: &str,
    seed: u64,
) -> Result<String> {
    let lead = format!(
        "A model of each of two voices, {}, was trained on its clean clips in data/; the models then separated a mixture of two unseen sentences.\n\nEverything on this page was computed by one run of `nae demo` on {device} with seed {seed}.",
        mixture.names.join(" and "),
    );
    let mut page = Page::new("nae: separating two voices", lead);
    page.sections.push(Section::new("Scores").with_intro("SI-SDR in dB, higher is better. The gain is the improvement over the mixture as the estimate.").with(Block::Table(scores(mixture, systems))));
    page.sections.push(listen(mixture, systems)?);
    for system in systems {
        page.sections.push(inside(mixture, system)?);
    }
    page.sections.push(training(systems)?);
    let mut settings = Section::new("Settings")
        .with_intro("Save one as a file and pass it to `nae train --config FILE`.");
    for system in systems {
        settings = settings.with(Block::Listing(Listing::new(
            &system.name,
            system.settings.to_toml()?,
        )));
    }
    page.sections.push(settings);
    Ok(page.render()?)
}

fn scores(mixture: &TestMixture, systems: &[System]) -> Table {
    let mut table = Table::new([
        "system",
        "voice",
        "mixture",
        "SI-SDR",
        "gain",
        "trained in",
        "separated in",
        "residual",
    ]);
    for system in systems {
        for (i, name) in mixture.names.iter().enumerate() {
            table = table.row([
                system.name.clone(),
                name.clone(),
                format!("{:.1}", mixture.si_sdr[i]),
                format!("{:.1}", system.si_sdr[i]),
                format!("{:+.1}", system.si_sdr[i] - mixture.si_sdr[i]),
                match &system.joint {
                    None => format!("{:.1} s", system.voices[i].metadata.training.seconds),
                    Some(joint) => format!("joint encoder: {:.1} s", joint.seconds),
                },
                format!("{:.2} s", system.seconds),
                format!("{:.0} dB", system.residual_db),
            ]);
        }
        let mut mean = vec![system.name.clone(), "mean of both".into()];
        mean.extend([
            String::new(),
            String::new(),
            format!("{:+.1}", system.mean_improvement(mixture)),
        ]);
        mean.resize(8, String::new());
        table = table.row(mean);
    }
    table
}

fn listen(mixture: &TestMixture, systems: &[System]) -> Result<Section> {
    let mut section = Section::new("Listen")
        .with_intro("The tracks of a player play in sync; switching between them is instant. All spectrograms share one scale, with 0 dB at the mixture's loudest bin.");
    let stft = systems
        .first()
        .map_or_else(StftConfig::default, |system| system.settings.audio.stft());
    let tracks = Tracks::new(stft, &mixture.mixture)?;
    for (i, name) in mixture.names.iter().enumerate() {
        let mut player =
            Player::new(name.as_str()).track(tracks.track("mixture", &mixture.mixture)?);
        for system in systems {
            let note = format!("{:.1} dB", system.si_sdr[i]);
            player = player.track(
                tracks
                    .track(&format!("stem, {}", system.name), &system.stems[i])?
                    .with_note(note),
            );
        }
        player = player.track(tracks.track("reference", &mixture.references[i])?);
        section = section.with(Block::Player(player));
    }
    Ok(section)
}

/// Bases and activations of one system.
fn inside(mixture: &TestMixture, system: &System) -> Result<Section> {
    let mut section = Section::new(format!("Inside: {}", system.name)).with_intro(
        "Left: the bases of the last layer, the spectra that a voice is composed of, ordered by spectral centroid. Right: the activations found in the mixture, which say how strongly each component is active in each frame.",
    );
    for (name, voice) in mixture.names.iter().zip(&system.voices) {
        let nyquist = f64::from(voice.metadata.audio.sample_rate) / 2.0;
        section = section.with(Block::HeatMaps(vec![
            HeatMap::bases(format!("{name}: bases"), sorted_bases(voice)?, nyquist),
            HeatMap::activations(
                format!("{name}: activations"),
                activations(voice)?,
                mixture.mixture.duration_s(),
            ),
        ]));
    }
    Ok(section)
}

/// Bases with unit peaks, low ones first.
fn sorted_bases(voice: &Voice) -> Result<Matrix> {
    let (bins, columns, values) = &voice.bases;
    let column = |k: usize| (0..*bins).map(move |f| values[f * columns + k].abs());
    let centre = |k: usize| {
        let total: f32 = column(k).sum();
        column(k)
            .enumerate()
            .map(|(f, x)| f as f32 * x)
            .sum::<f32>()
            / total.max(1e-12)
    };
    let mut order: Vec<usize> = (0..*columns).collect();
    order.sort_by(|&a, &b| centre(a).total_cmp(&centre(b)));
    let peaks: Vec<f32> = order
        .iter()
        .map(|&k| column(k).fold(1e-12, f32::max))
        .collect();
    let sorted = (0..*bins)
        .flat_map(|f| {
            order
                .iter()
                .zip(&peaks)
                .map(move |(&k, peak)| values[f * columns + k] / peak)
        })
        .collect();
    Ok(Matrix::new(*bins, *columns, sorted)?)
}

/// Activations with unit peaks in every row.
fn activations(voice: &Voice) -> Result<Matrix> {
    let (rows, frames, values) = &voice.activations;
    let scaled = values.chunks(*frames).flat_map(|row| {
        let peak = row.iter().fold(1e-12f32, |peak, x| peak.max(*x));
        row.iter().map(move |x| x / peak)
    });
    Ok(Matrix::new(*rows, *frames, scaled.collect())?)
}

fn training(systems: &[System]) -> Result<Section> {
    let mut section = Section::new("Training").with_intro("Loss of every window of steps. Training adds latent noise, so a lower loss does not always mean a better separation; compare the scores above.");
    for stage in ["autoencoder", "refining"] {
        let mut chart = Chart::losses(stage);
        for system in systems.iter().filter(|system| system.joint.is_none()) {
            for voice in &system.voices {
                let points: Vec<(f64, f64)> = voice
                    .losses
                    .iter()
                    .filter(|record| record.stage == stage)
                    .map(|record| (record.step as f64, record.loss))
                    .collect();
                if !points.is_empty() {
                    chart = chart
                        .with_series(format!("{}, {}", voice.metadata.name, system.name), points);
                }
            }
        }
        if !chart.series.is_empty() {
            section = section.with(Block::Figure(chart.figure()?));
        }
    }
    for system in systems {
        let Some(joint) = &system.joint else {
            continue;
        };
        let records = joint.losses.iter();
        let points = records.map(|record| (record.step as f64, record.loss));
        let chart =
            Chart::losses("joint encoder").with_series(system.name.clone(), points.collect());
        section = section.with(Block::Figure(chart.figure()?));
    }
    Ok(section)
}
