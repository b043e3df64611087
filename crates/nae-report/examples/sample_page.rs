//! Writes a page with every kind of block, made of synthetic tones.
//!
//! ```text
//! cargo run --release -p nae-report --example sample_page -- sample.html
//! ```

use std::f32::consts::TAU;

use nae_report::plots::Chart;
use nae_report::{
    Block, ColourScale, HeatMap, Listing, Matrix, Page, Player, Section, Table, Track,
};

const RATE: u32 = 16_000;
const SECONDS: usize = 4;
const FFT: usize = 512;
const HOP: usize = 256;
const RANK: usize = 24;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args()
        .nth(1)
        .ok_or("usage: sample_page FILE.html")?;
    std::fs::write(path, page()?.render()?)?;
    Ok(())
}

fn page() -> Result<Page, nae_report::ReportError> {
    let low = voice(180.0, 3.0);
    let high = voice(410.0, 4.7);
    let mixture: Vec<f32> = low.iter().zip(&high).map(|(a, b)| a + b).collect();
    let loudest = spectrogram(&mixture)?.largest().map(f64::from);
    let scale = ColourScale::Decibels {
        reference: loudest,
        range_db: 70.0,
    };
    let picture = |name: &str, samples: &[f32]| {
        let matrix = spectrogram(samples)?;
        let picture = HeatMap::spectrogram(name, matrix, SECONDS as f64, f64::from(RATE) / 2.0);
        Ok::<_, nae_report::ReportError>(picture.with_scale(scale))
    };
    let track = |name: &str, samples: &[f32]| {
        Ok::<_, nae_report::ReportError>(
            Track::mono(name, samples.to_vec(), RATE).with_heat_map(picture(name, samples)?),
        )
    };

    let mut page = Page::new(
        "Two tones, separated",
        "A sample page of synthetic tones. Space plays and pauses, the keys 1 to 9 select the track, and a click into a picture jumps there.",
    );
    page.sections.push(
        Section::new("Results")
            .with_intro("Scores of the stems against their references, in decibels.")
            .with(Block::Table(
                Table::new(["model", "voice", "SI-SDR (dB)", "mixture (dB)", "gain (dB)"])
                    .row(["shallow", "low & slow", "8.31", "0.02", "+8.29"])
                    .row(["shallow", "high <fast>", "7.95", "−0.02", "+7.97"])
                    .row(["4 layers", "low & slow", "10.44", "0.02", "+10.42"])
                    .row(["4 layers", "high <fast>", "9.87", "−0.02", "+9.89"])
                    .with_caption("Median of one pair."),
            )),
    );
    page.sections.push(
        Section::new("Listen")
            .with(Block::Player(
                Player::new("Mixture, stems and references")
                    .with_caption("All tracks run together; switch while they play.")
                    .track(track("Mixture", &mixture)?)
                    .track(track("Low: stem", &low)?.with_note("10.4 dB (+10.4)"))
                    .track(track("High: stem", &high)?.with_note("9.9 dB (+9.9)")),
            ))
            .with(Block::Player(
                Player::new("The same as waveforms")
                    .track(Track::mono("Mixture", mixture.clone(), RATE))
                    .track(Track::new("Stereo", vec![low.clone(), high.clone()], RATE))
                    .track(Track::mono("Short", low[..24_000].to_vec(), RATE)),
            )),
    );
    let mut broken = spectrogram(&low)?.values().to_vec();
    broken[40 * 250 + 60..40 * 250 + 90].fill(f32::NAN);
    let broken = Matrix::new(FFT / 2 + 1, broken.len() / (FFT / 2 + 1), broken)?;
    page.sections
        .push(Section::new("Models").with(Block::HeatMaps(vec![
            HeatMap::bases("Bases of low", bases()?, 8000.0).with_caption("Sorted by centroid."),
            HeatMap::activations("Activations of low", activations()?, SECONDS as f64),
            picture("Mixture", &mixture)?,
            HeatMap::spectrogram("A picture with holes", broken, SECONDS as f64, 8000.0),
        ])));
    let fall = |from: f64, rate: f64| {
        let point = |i: u32| (f64::from(i), 0.02 + from * (-f64::from(i) * rate).exp());
        (0..2000).map(point).collect::<Vec<_>>()
    };
    page.sections.push(
        Section::new("Training")
            .with(Block::Figure(
                Chart::losses("Loss while training")
                    .with_series("low, shallow", fall(3.0, 0.004))
                    .with_series("low, 4 layers", fall(2.0, 0.006))
                    .with_series("high, shallow", fall(5.0, 0.003))
                    .with_series("high, 4 layers", fall(4.0, 0.005))
                    .with_caption("Generalised KL divergence per bin.")
                    .figure()?,
            ))
            .with(Block::Figure(
                Chart::new("Gain over rank", "rank", "gain (dB)")
                    .with_series(
                        "shallow",
                        vec![(10.0, 6.0), (20.0, 7.5), (40.0, 8.2), (80.0, 8.0)],
                    )
                    .with_series(
                        "4 layers",
                        vec![(10.0, 7.0), (20.0, 9.0), (40.0, 10.1), (80.0, 10.4)],
                    )
                    .figure()?,
            )),
    );
    page.sections
        .push(Section::new("Settings").with(Block::Listing(Listing::new(
            "default.toml",
            "seed = 1\n\n[model]\nkind = \"nae\"\nlayers = 2\nrank = 40\n",
        ))));
    Ok(page)
}

fn voice(pitch_hz: f32, syllables_per_s: f32) -> Vec<f32> {
    let sample = |i: usize| {
        let t = i as f32 / RATE as f32;
        let level = 0.12 * (0.5 - 0.5 * (TAU * syllables_per_s * t).cos());
        let phase = TAU * pitch_hz * (t + 0.01 * (TAU * 1.5 * t).sin());
        level
            * (1..=12)
                .map(|n| (phase * n as f32).sin() / n as f32)
                .sum::<f32>()
    };
    (0..SECONDS * RATE as usize).map(sample).collect()
}

/// Magnitudes by a plain DFT of Hann windows: slow, and enough for a sample.
fn spectrogram(samples: &[f32]) -> Result<Matrix, nae_report::ReportError> {
    let frames = (samples.len() - FFT) / HOP + 1;
    let mut values = vec![0.0; (FFT / 2 + 1) * frames];
    let wheel: Vec<(f32, f32)> = (0..FFT)
        .map(|i| (TAU * i as f32 / FFT as f32).sin_cos())
        .collect();
    for frame in 0..frames {
        for bin in 0..=FFT / 2 {
            let (mut re, mut im) = (0.0, 0.0);
            for i in 0..FFT {
                let windowed = samples[frame * HOP + i] * (0.5 - 0.5 * wheel[i].1);
                let (sin, cos) = wheel[bin * i % FFT];
                re += windowed * cos;
                im -= windowed * sin;
            }
            values[bin * frames + frame] = re.hypot(im);
        }
    }
    Matrix::new(FFT / 2 + 1, frames, values)
}

fn bases() -> Result<Matrix, nae_report::ReportError> {
    let value = |bin: usize, component: usize| {
        let centre = 4.0 + component as f32 * 9.0;
        let harmonic = 0.6 + 0.4 * (bin as f32 * TAU / (3.0 + component as f32)).cos();
        harmonic * (-((bin as f32 - centre) / (8.0 + component as f32)).powi(2)).exp()
    };
    let cells = (0..257).flat_map(|bin| (0..RANK).map(move |component| value(bin, component)));
    Matrix::new(257, RANK, cells.collect())
}

fn activations() -> Result<Matrix, nae_report::ReportError> {
    let value = |component: usize, frame: usize| {
        let beat = (frame as f32 * 0.07 * (1.0 + component as f32 / 9.0)).sin();
        beat.max(0.0).powi(3)
    };
    let cells = (0..RANK).flat_map(|component| (0..250).map(move |f| value(component, f)));
    Matrix::new(RANK, 250, cells.collect())
}
