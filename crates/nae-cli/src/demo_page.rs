//! The demo's page.

use anyhow::Result;
use nae_audio::{Clip, Stft, StftConfig};
use nae_model::spectra::bin_major;
use nae_report::{
    Block, Chart, Matrix, Page, Picture, Player, Scale, Section, Settings as SettingsText, Table,
    Track,
};

use crate::commands::demo::{Scene, System, Voice};

/// The whole page as one file.
pub fn render(scene: &Scene, systems: &[System], device: &str, seed: u64) -> Result<String> {
    let lead = format!(
        "Two voices, {}, were learnt one by one from the clean clips in data/, and then pulled apart in a mixture of two sentences that no model had heard.\n\nEverything on this page was computed by one run of `nae demo` on {device} with seed {seed}.",
        scene.names.join(" and "),
    );
    let mut page = Page::new("nae: two voices come apart", lead);
    page.sections.push(Section::new("Scores").introduced("SI-SDR in dB, higher is better. The gain is over the mixture itself as the estimate.").with(Block::Table(scores(scene, systems))));
    page.sections.push(listen(scene, systems)?);
    for system in systems {
        page.sections.push(inside(scene, system)?);
    }
    page.sections.push(training(systems));
    let mut settings = Section::new("Settings")
        .introduced("Save one as a file and give it to `nae train --config FILE`.");
    for system in systems {
        settings = settings.with(Block::Settings(SettingsText::new(
            &system.name,
            system.settings.to_toml()?,
        )));
    }
    page.sections.push(settings);
    Ok(page.render()?)
}

fn scores(scene: &Scene, systems: &[System]) -> Table {
    let mut table = Table::new([
        "system",
        "voice",
        "mixture",
        "SI-SDR",
        "gain",
        "trained in",
        "separated in",
        "stems sum to mixture",
    ]);
    for system in systems {
        for (i, name) in scene.names.iter().enumerate() {
            table = table.row([
                system.name.clone(),
                name.clone(),
                format!("{:.1}", scene.si_sdr[i]),
                format!("{:.1}", system.si_sdr[i]),
                format!("{:+.1}", system.si_sdr[i] - scene.si_sdr[i]),
                match system.joined_s {
                    None => format!("{:.1} s", system.voices[i].card.training.seconds),
                    Some(seconds) => format!("joined in {seconds:.1} s"),
                },
                format!("{:.2} s", system.seconds),
                format!("{:.0} dB", system.null_db),
            ]);
        }
        let mut mean = vec![system.name.clone(), "mean of both".into()];
        mean.extend([
            String::new(),
            String::new(),
            format!("{:+.1}", system.mean_improvement(scene)),
        ]);
        mean.resize(8, String::new());
        table = table.row(mean);
    }
    table
}

fn listen(scene: &Scene, systems: &[System]) -> Result<Section> {
    let mut section = Section::new("Listen")
        .introduced("All tracks of a player run together; switching between them is instant. All spectrograms share one scale, 0 dB being the mixture's loudest bin.");
    let stft = Stft::new(
        systems
            .first()
            .map_or_else(StftConfig::default, |system| system.settings.audio.stft()),
    )?;
    let loudest = matrix(&stft, &scene.mixture)?.largest().map(f64::from);
    let track = |name: &str, clip: &Clip| -> Result<Track> {
        let nyquist = f64::from(clip.sample_rate()) / 2.0;
        let picture = Picture::spectrogram(name, matrix(&stft, clip)?, clip.duration_s(), nyquist);
        let scale = Scale::Decibels {
            reference: loudest,
            range_db: 70.0,
        };
        Ok(
            Track::new(name, clip.channels().to_vec(), clip.sample_rate())
                .pictured(picture.scaled(scale)),
        )
    };
    for (i, name) in scene.names.iter().enumerate() {
        let mut player = Player::new(name.as_str()).track(track("mixture", &scene.mixture)?);
        for system in systems {
            let note = format!("{:.1} dB", system.si_sdr[i]);
            player = player
                .track(track(&format!("stem, {}", system.name), &system.stems[i])?.noted(note));
        }
        player = player.track(track("the true voice", &scene.references[i])?);
        section = section.with(Block::Player(player));
    }
    Ok(section)
}

/// Magnitudes, a row a bin.
fn matrix(stft: &Stft, clip: &Clip) -> Result<Matrix> {
    let magnitude = stft.analyze(&clip.mixdown())?.magnitude();
    let values = bin_major(&magnitude);
    Ok(Matrix::new(magnitude.bins(), magnitude.frames(), values)?)
}

/// Bases and activations of one system.
fn inside(scene: &Scene, system: &System) -> Result<Section> {
    let mut section = Section::new(format!("Inside: {}", system.name)).introduced(
        "Left, the last layer's bases, ordered by their centre of gravity: the spectra a voice is built from. Right, the activations found in the mixture: which parts of the model sound when.",
    );
    for (name, voice) in scene.names.iter().zip(&system.voices) {
        let nyquist = f64::from(voice.card.audio.sample_rate) / 2.0;
        section = section.with(Block::Pictures(vec![
            Picture::bases(format!("{name}: bases"), sorted_bases(voice)?, nyquist),
            Picture::activations(
                format!("{name}: activations"),
                activations(voice)?,
                scene.mixture.duration_s(),
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

fn training(systems: &[System]) -> Section {
    let mut section = Section::new("Training").introduced("Loss of every window of steps. With the latent noise of training, lower loss is not everything: the scores above decide.");
    for stage in ["autoencoder", "refining"] {
        let mut chart = Chart::losses(stage);
        for system in systems.iter().filter(|system| system.joined_s.is_none()) {
            for voice in &system.voices {
                let points: Vec<(f64, f64)> = voice
                    .losses
                    .iter()
                    .filter(|record| record.stage == stage)
                    .map(|record| (record.step as f64, record.loss))
                    .collect();
                if !points.is_empty() {
                    chart = chart.curve(format!("{}, {}", voice.card.name, system.name), points);
                }
            }
        }
        if !chart.curves.is_empty() {
            section = section.with(Block::Chart(chart));
        }
    }
    for system in systems.iter().filter(|system| !system.joining.is_empty()) {
        let records = system.joining.iter();
        let points = records.map(|record| (record.step as f64, record.loss));
        let chart = Chart::losses("joining").curve(system.name.clone(), points.collect());
        section = section.with(Block::Chart(chart));
    }
    section
}
