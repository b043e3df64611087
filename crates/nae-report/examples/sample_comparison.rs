//! Writes a comparison of systems, with all its figures, from made-up scores that have the shape of
//! the paper's: shallow autoencoders get worse with rank, deep ones need it.
//!
//! ```text
//! cargo run --release -p nae-report --example sample_comparison -- FOLDER
//! ```

use std::path::PathBuf;

use nae_report::comparison::{Baseline, Comparison, Observation, PlayerLink};
use nae_testing::lcg::Lcg;

const RANKS: [usize; 6] = [10, 20, 40, 60, 80, 100];
const PAIRS: [&str; 6] = [
    "allison + librivox",
    "june + tuxpaint",
    "fillets f + m",
    "ivrvoice + fillets",
    "carlo + june",
    "allison + carlo",
];
const MIXTURES: usize = 3;
const SEEDS: [u64; 2] = [0, 1];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args()
        .nth(1)
        .ok_or("usage: sample_comparison FOLDER")?;
    let folder = PathBuf::from(folder);
    std::fs::create_dir_all(&folder)?;
    let report = comparison().report()?;
    for file in report.files()? {
        std::fs::write(folder.join(file.name), file.bytes)?;
    }
    std::fs::write(folder.join("index.html"), report.page.render()?)?;
    Ok(())
}

fn comparison() -> Comparison {
    let mut noise = Noise(Lcg::new(7));
    let mut observations = Vec::new();
    for (pair, name) in PAIRS.iter().enumerate() {
        for mixture in 1..=MIXTURES {
            for (source, share) in name.split(" + ").zip([0.4, -0.4]) {
                let hardness = (pair as f64 - 2.5) * 0.9 + noise.next() + share;
                for (kind, layers) in [("NMF", 1), ("NAE", 2), ("NAE", 4)] {
                    for rank in RANKS {
                        for seed in SEEDS {
                            let sdr = level(layers, rank) - hardness + 0.4 * noise.next();
                            observations.push(Observation {
                                system: match layers {
                                    1 => format!("{kind}, rank {rank}"),
                                    2 => format!("{kind}, shallow, rank {rank}"),
                                    n => format!("{kind}, {n} layers, rank {rank}"),
                                },
                                kind: kind.into(),
                                layers,
                                rank,
                                pair: (*name).into(),
                                mixture: format!("mixture {mixture}"),
                                source: source.into(),
                                seed,
                                scores: scores(sdr, &mut noise).into(),
                                floor: [
                                    ("sdr", 0.2),
                                    ("sir", 0.3),
                                    ("sar", 260.0),
                                    ("si_sdr", 0.0),
                                    ("stoi", 0.7),
                                ]
                                .map(|(key, value)| (key.to_owned(), value))
                                .into(),
                                ceiling: [
                                    ("sdr", 13.1),
                                    ("sir", 20.5),
                                    ("sar", 14.2),
                                    ("si_sdr", 12.2),
                                    ("stoi", 0.96),
                                ]
                                .map(|(key, value)| (key.to_owned(), value - 0.02 * hardness))
                                .into(),
                                train_s: 0.02 * rank as f64 * layers as f64 + 0.3,
                                separate_s: 0.001 * rank as f64 * layers as f64 + 0.02,
                                ..Observation::default()
                            });
                        }
                    }
                }
            }
        }
    }
    let players = PAIRS.iter().enumerate().flat_map(|(pair, name)| {
        (1..=MIXTURES).map(move |mixture| PlayerLink {
            pair: (*name).into(),
            mixture: format!("mixture {mixture}"),
            href: format!("players/{pair}-{mixture}.html"),
        })
    });
    Comparison {
        title: "Autoencoders against NMF".into(),
        lead: "A sample with made-up scores.".into(),
        observations,
        baselines: vec![
            Baseline::EqualRank { kind: "NMF".into() },
            Baseline::System("NMF, rank 20".into()),
        ],
        players: players.collect(),
        seed: 0,
    }
}

/// Median SDR in dB, roughly as published.
fn level(layers: usize, rank: usize) -> f64 {
    let rank = rank as f64;
    match layers {
        1 => 5.2 + 0.004 * rank,
        2 => 6.2 - 0.014 * rank,
        _ => 7.6 - 4.6 * (-rank / 25.0).exp(),
    }
}

fn scores(sdr: f64, noise: &mut Noise) -> [(String, f64); 6] {
    [
        ("sdr", sdr),
        ("sir", sdr * 1.4 + 1.5 + 0.5 * noise.next()),
        ("sar", sdr * 0.6 + 5.5 + 0.4 * noise.next()),
        ("si_sdr", sdr - 0.8),
        ("stoi", (0.6 + 0.014 * sdr + 0.01 * noise.next()).min(1.0)),
        ("estoi", (0.5 + 0.018 * sdr + 0.01 * noise.next()).min(1.0)),
    ]
    .map(|(key, value)| (key.to_owned(), value))
}

/// Sums of uniform numbers: nearly normal, of unit variance.
struct Noise(Lcg);

impl Noise {
    fn next(&mut self) -> f64 {
        let mut uniform = || (self.0.next_u64() >> 33) as f64 / (1u64 << 31) as f64;
        (0..12).map(|_| uniform()).sum::<f64>() - 6.0
    }
}
