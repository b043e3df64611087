//! The separator of a stream, for a wanted latency.

use anyhow::{Result, bail};
use burn::tensor::Device;
use nae_audio::stream::StreamFormat;
use nae_joint::JointEncoder;
use nae_joint::live::LookAhead;
use nae_model::AudioConfig;
use nae_separate::{EmptyBand, FrameSolver, Live as Separator, LiveConfig, Source};

use super::outputs::Destination;
use crate::arguments::Live;
use crate::device::DeviceChoice;
use crate::settings::Settings;
use crate::sources::{NamedModels, SourceArgument};

/// Length of the resamplers' filters where a latency is wanted that longer ones do not allow.
const SHORT_FILTER: usize = 48;
/// The latency that is kept, if that is possible, where none is asked for: a default joint encoder then
/// separates 0.4 dB worse than with all of its look-ahead, about a second (`scripts/bench/live.py`).
const DEFAULT_LATENCY_MS: f64 = 100.0;

/// The separator, and how many samples of the stream a frame moves on by.
pub fn separator(
    command: &Live,
    destination: &Destination,
    format: &StreamFormat,
) -> Result<(Separator, usize)> {
    let settings = Settings::load(&command.configured)?;
    let device = DeviceChoice::Cpu.open()?.device;
    let mut config = LiveConfig::new(format.rate(), format.channels());
    config.stems = destination.stems();
    config.silence_db = settings.separate.silence_db;
    let plan = match &command.joint {
        Some(path) => Plan::Joint(Box::new(JointEncoder::load(path, &device)?)),
        None => Plan::Models(sources(command, &device)?, Box::new(settings.separate)),
    };
    let audio = plan.audio()?;
    if let Some(band) = EmptyBand::between(format.rate(), audio.sample_rate) {
        log::warn!("the input: {band}");
    }
    let hop = audio.hop as u64 * u64::from(format.rate()) / u64::from(audio.sample_rate);
    let hop = (hop as usize).max(1);
    let updates = command.updates;
    let milliseconds = command.latency.unwrap_or(DEFAULT_LATENCY_MS);
    if let Some(separator) = within(milliseconds, &plan, config.clone(), hop, updates, &device)? {
        return Ok((separator, hop));
    }
    let shortest = |filter: usize| {
        let config = LiveConfig {
            filter,
            ..config.clone()
        };
        plan.separator(&config, LookAhead::AtMost(0), updates, &device)
    };
    if command.latency.is_none() {
        return Ok((shortest(config.filter)?, hop));
    }
    bail!(
        "a latency of {milliseconds} ms is not possible: frames of these models alone take {:.1} ms. Train with smaller ones: `nae train` and `nae join` with --config configs/live.toml",
        1e3 * shortest(SHORT_FILTER)?.latency() as f64 / f64::from(config.rate)
    );
}

/// What separates.
enum Plan {
    Joint(Box<JointEncoder>),
    Models(Vec<Source>, Box<nae_separate::SeparateConfig>),
}

fn sources(command: &Live, device: &Device) -> Result<Vec<Source>> {
    let sources = command.models.iter().map(|text| {
        let models = SourceArgument::parse(text).read(device)?;
        Ok(NamedModels::into_source(models))
    });
    sources.collect()
}

impl Plan {
    fn audio(&self) -> Result<AudioConfig> {
        match self {
            Self::Joint(encoder) => Ok(encoder.metadata.audio),
            Self::Models(sources, _) => {
                let mut models = sources.iter().flat_map(|source| &source.models);
                let first = models
                    .next()
                    .ok_or(nae_separate::SeparateError::NoSources)?;
                Ok(first.metadata.audio)
            }
        }
    }

    fn separator(
        &self,
        config: &LiveConfig,
        look_ahead: LookAhead,
        updates: usize,
        device: &Device,
    ) -> Result<Separator> {
        let (sources, settings) = match self {
            Self::Joint(encoder) => return Ok(encoder.live(config, look_ahead)?),
            Self::Models(sources, settings) => (sources, settings),
        };
        let solver = FrameSolver::new(sources, settings, updates, device)?;
        for (name, used, all) in solver.used() {
            if used < all {
                log::info!(
                    "`{name}`: {used} of its {all} models used, whose decoder is one linear layer"
                );
            }
        }
        let names = sources.iter().map(|source| source.name.clone()).collect();
        let audio = self.audio()?;
        Ok(Separator::new(names, audio, Box::new(solver), config)?)
    }
}

/// The separator with the longest look-ahead that keeps a latency, if there is one.
fn within(
    milliseconds: f64,
    plan: &Plan,
    mut config: LiveConfig,
    hop: usize,
    updates: usize,
    device: &Device,
) -> Result<Option<Separator>> {
    let wanted = (milliseconds / 1e3 * f64::from(config.rate)).floor() as usize;
    let full = plan.separator(&config, LookAhead::Full, updates, device)?;
    if full.latency() <= wanted {
        return Ok(Some(full));
    }
    for filter in [config.filter, SHORT_FILTER] {
        config.filter = filter;
        let mut separator = plan.separator(&config, LookAhead::AtMost(0), updates, device)?;
        if separator.latency() > wanted {
            continue;
        }
        // with resamplers a frame more may take a little more than a hop
        for frames in (1..=(wanted - separator.latency()) / hop).rev() {
            let look_ahead = LookAhead::AtMost(frames);
            let more = plan.separator(&config, look_ahead, updates, device)?;
            if more.latency() <= wanted {
                separator = more;
                break;
            }
        }
        let all = plan.separator(&config, LookAhead::Full, updates, device)?;
        let all = 1e3 * all.latency() as f64 / f64::from(config.rate);
        log::info!("--latency {all:.0} lets the network read as far ahead as it was trained to");
        return Ok(Some(separator));
    }
    Ok(None)
}
