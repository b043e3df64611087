//! `nae separate`

mod integers;
mod stem_files;
mod summary;
mod unknown;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use nae_audio::AudioReader;
use nae_files::Outputs;
use nae_joint::sources::check_names;
use nae_joint::{JointEncoder, TrainingSource};
use nae_separate::{EmptyBand, Separator, Source};

use crate::arguments::{Separate, Terminal};
use crate::console::log_line;
use crate::device::NamedDevice;
use crate::interrupt::{bail_if_interrupted, flow, stop_gracefully};
use crate::joining::with_sole_model;
use crate::joint_cache::cached_joint_encoder;
use crate::outputs::refuse_existing;
use crate::progress::Bar;
use crate::settings::Settings;
use crate::sources::{NamedModels, SourceArgument, model_files};
use stem_files::StemFiles;
use unknown::{ToLearn, warn_of_silent_stems, warn_of_voices};

pub fn run(command: &Separate, terminal: &Terminal) -> Result<()> {
    let settings = Settings::load(&command.configured)?;
    let device = command.computing.device.open()?;
    let method = Method::read(command, &settings, &device, terminal)?;
    let names: Vec<String> = method
        .names()
        .into_iter()
        .chain(command.residual.clone())
        .collect();
    nae_separate::check_names(names.iter().map(String::as_str))?;
    let stems: Vec<PathBuf> = names
        .iter()
        .map(|name| command.out.join(format!("{name}.wav")))
        .collect();
    for output in stems.iter().chain(&command.keep_unknown) {
        refuse_existing(output, command.force)?;
    }
    let reader = AudioReader::open(&command.mixture)?;
    let rate = reader.sample_rate();
    if let Some(band) = EmptyBand::between(rate, method.model_rate()) {
        log::warn!("{}: {band}", command.mixture.display());
    }
    // all that can be wrong with them is said before a joint encoder is trained
    let mut outputs = Outputs::new(inputs(command));
    outputs.create_folder(&command.out)?;
    for stem in &stems {
        outputs.add(stem)?;
    }
    for file in &command.keep_unknown {
        outputs.add_with_folder(file)?;
    }
    warn_of_one_source(&names);
    stop_gracefully();
    let passes = method.passes(command);
    let separator = method.separator(command, settings, &device, terminal)?;
    let separator = match &command.residual {
        Some(name) => separator.with_residual(name)?,
        None => separator,
    };
    log_line(
        terminal,
        format_args!("separating {} on {device}", command.mixture.display()),
    );
    let mut files = StemFiles::create(&command.out, &stems, &reader, command.bits.depth())?;
    let started = Instant::now();
    let separation = separate(&separator, reader, &mut files, passes, terminal)?;
    let written = files.finish(&separation)?;
    let seconds = started.elapsed().as_secs_f64();
    warn_of_silent_stems(command, &names, &separation);
    warn_of_voices(command, &names, &stems, separator.audio());
    summary::report(
        &summary::Run {
            stems: &stems,
            separation: &separation,
            written: &written,
            seconds,
            sample_rate: rate,
            device: &device.name,
        },
        command.json,
        terminal,
    )
}

/// One source is all of a mixture.
fn warn_of_one_source(names: &[String]) {
    if let [only] = names {
        log::warn!(
            "`{only}` is the only source, so its stem is the whole mixture. To take out what it is not, add `--unknown noise`, which is learnt on the mixture."
        );
    }
}

/// All files that the command reads.
fn inputs(command: &Separate) -> Vec<PathBuf> {
    let mut inputs = model_files(&command.models);
    inputs.push(command.mixture.clone());
    inputs.extend(command.joint.clone());
    inputs.extend(command.configured.config.clone());
    inputs
}

/// How masks are estimated.
enum Method {
    /// By a joint file, or by models whose activations are optimised.
    Ready(Box<Separator>),
    /// By a joint encoder of these sources, from the cache or trained now.
    Join(Vec<TrainingSource>),
    /// By models and by what is learnt on the mixture.
    Learn(Box<ToLearn>),
}

impl Method {
    /// Reads the models and the joint file.
    fn read(
        command: &Separate,
        settings: &Settings,
        device: &NamedDevice,
        terminal: &Terminal,
    ) -> Result<Self> {
        let sources = command.models.iter();
        let sources = sources
            .map(|text| SourceArgument::parse(text).read(&device.device))
            .collect::<Result<Vec<_>>>()?;
        if command.join {
            let sources = sources.into_iter();
            let parts = sources.map(|source| with_sole_model(source, terminal));
            let parts = parts.collect::<Result<Vec<_>>>()?;
            check_names(parts.iter().map(|part| part.name.as_str()))?;
            return Ok(Self::Join(parts));
        }
        let config = settings.separate.clone();
        if let Some(path) = &command.joint {
            let joint = JointEncoder::load(path, &device.device)?;
            for source in &sources {
                for model in source.first_models() {
                    joint.check_model(&source.name, model)?;
                }
            }
            if !command.unknown.is_empty() || (!command.one_pass && !joint.known_models.is_empty())
            {
                let to_learn = ToLearn::beside(joint, command, settings)?;
                return Ok(Self::Learn(Box::new(to_learn)));
            }
            let separator = joint.separator(config, &device.device)?;
            return Ok(Self::Ready(Box::new(separator)));
        }
        let sources = sources.into_iter().map(NamedModels::into_source);
        let sources: Vec<Source> = sources.collect();
        if !command.unknown.is_empty() {
            let to_learn = ToLearn::new(sources, command, settings)?;
            return Ok(Self::Learn(Box::new(to_learn)));
        }
        let separator = Separator::new(&sources, config, command.computing.seed, &device.device)?;
        Ok(Self::Ready(Box::new(separator)))
    }

    /// What the progress bar counts.
    fn passes(&self, command: &Separate) -> Passes {
        match self {
            Self::Ready(_) if command.joint.is_none() => Passes::Many,
            Self::Ready(_) | Self::Join(_) => Passes::One,
            Self::Learn(_) => Passes::Many,
        }
    }

    /// Names of the sources.
    fn names(&self) -> Vec<String> {
        match self {
            Self::Ready(separator) => separator.names().to_vec(),
            Self::Join(parts) => parts.iter().map(|part| part.name.clone()).collect(),
            Self::Learn(to_learn) => to_learn.names(),
        }
    }

    /// Sample rate of the models, in Hz.
    fn model_rate(&self) -> u32 {
        match self {
            Self::Ready(separator) => separator.audio().sample_rate,
            Self::Join(parts) => {
                let first = parts.first();
                first.map_or(0, |part| part.model.metadata.audio.sample_rate)
            }
            Self::Learn(to_learn) => to_learn.model_rate(),
        }
    }

    /// The separator.
    fn separator(
        self,
        command: &Separate,
        settings: Settings,
        device: &NamedDevice,
        terminal: &Terminal,
    ) -> Result<Separator> {
        let parts = match self {
            Self::Ready(separator) => return Ok(*separator),
            Self::Join(parts) => parts,
            Self::Learn(to_learn) => {
                return to_learn.separator(command, &settings, device, terminal);
            }
        };
        let seed = command.computing.seed;
        let joint = cached_joint_encoder(&parts, &settings.joint, seed, device, terminal)?;
        Ok(joint.separator(settings.separate, &device.device)?)
    }
}

/// Passes over a block, which decide what the progress bar counts.
#[derive(Clone, Copy)]
enum Passes {
    /// One forward pass: it counts blocks.
    One,
    /// An optimisation: it counts steps.
    Many,
}

/// Separates block by block into the stem files, with a progress bar.
fn separate(
    separator: &Separator,
    reader: AudioReader,
    files: &mut StemFiles,
    passes: Passes,
    terminal: &Terminal,
) -> Result<nae_separate::SeparationSummary> {
    let mut bar = Bar::new(terminal)?;
    let separation = separator.separate_blocks(
        reader,
        &mut |i, samples| files.write(i, samples),
        &mut |block| {
            match (passes, &block.progress) {
                (Passes::One, _) => bar.show_blocks(block.block, block.blocks),
                (Passes::Many, None) => {}
                (Passes::Many, Some(progress)) => {
                    let label = match block.blocks {
                        Some(1) => String::new(),
                        Some(blocks) => format!("{}/{blocks}", block.block + 1),
                        None => format!("{}", block.block + 1),
                    };
                    bar.show(&label, progress);
                }
            }
            flow()
        },
    )?;
    bar.finish();
    if separation.is_interrupted {
        bail_if_interrupted("no stem was written")?;
    }
    Ok(separation)
}
