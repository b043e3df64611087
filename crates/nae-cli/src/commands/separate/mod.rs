//! `nae separate`

mod integers;
mod stem_files;
mod summary;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, bail};
use nae_audio::AudioReader;
use nae_files::create_folder;
use nae_joint::JointEncoder;
use nae_separate::Separator;

use crate::arguments::{Separate, Terminal};
use crate::console::log_line;
use crate::device::NamedDevice;
use crate::interrupt::{catch_interrupt, flow};
use crate::joining::with_sole_model;
use crate::joint_cache::cached_joint_encoder;
use crate::outputs::refuse_existing;
use crate::progress::Bar;
use crate::settings::Settings;
use crate::sources::read_source;
use stem_files::StemFiles;

pub fn run(command: &Separate, terminal: &Terminal) -> Result<()> {
    let settings = Settings::load(&command.configured)?;
    let device = command.computing.device.open()?;
    catch_interrupt()?;
    let separator = separator(command, settings, &device, terminal)?;
    let stems: Vec<PathBuf> = separator
        .names()
        .iter()
        .map(|name| command.out.join(format!("{name}.wav")))
        .collect();
    for stem in &stems {
        refuse_existing(stem, command.force)?;
    }
    let reader = AudioReader::open(&command.mixture)?;
    let rate = reader.sample_rate();
    warn_of_an_empty_band(command, rate, separator.audio().sample_rate);
    create_folder(&command.out)?;
    log_line(
        terminal,
        format_args!("separating {} on {device}", command.mixture.display()),
    );
    let mut files = StemFiles::create(&command.out, &stems, &reader, command.bits.depth())?;
    let started = Instant::now();
    let separation = separate(&separator, reader, &mut files, terminal)?;
    let written = files.finish(&separation)?;
    let seconds = started.elapsed().as_secs_f64();
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

/// Says that a mixture ends below what the models cover.
fn warn_of_an_empty_band(command: &Separate, rate: u32, model_rate: u32) {
    if rate < model_rate {
        log::warn!(
            "{}: sampled at {rate} Hz, it ends at {} Hz, but the models cover up to {} Hz; the band in between is empty, which costs quality: use a recording or models of the same sample rate",
            command.mixture.display(),
            rate / 2,
            model_rate / 2
        );
    }
}

/// The separator of a joint file, of a joint encoder trained now, or of models whose activations are
/// optimised.
fn separator(
    command: &Separate,
    settings: Settings,
    device: &NamedDevice,
    terminal: &Terminal,
) -> Result<Separator> {
    let sources = command.models.iter();
    let sources = sources
        .map(|text| read_source(text, &device.device))
        .collect::<Result<Vec<_>>>()?;
    let seed = command.computing.seed;
    let joint = if let Some(path) = &command.joint {
        let joint = JointEncoder::load(path, &device.device)?;
        for source in &sources {
            for model in &source.models {
                joint.check_model(&source.name, model)?;
            }
        }
        joint
    } else if command.join {
        let parts = sources
            .into_iter()
            .map(with_sole_model)
            .collect::<Result<Vec<_>>>()?;
        cached_joint_encoder(&parts, &settings.joint, seed, device, terminal)?
    } else {
        return Ok(Separator::new(
            &sources,
            settings.separate,
            seed,
            &device.device,
        )?);
    };
    Ok(joint.separator(settings.separate, &device.device)?)
}

/// Separates block by block into the stem files, with a progress bar.
fn separate(
    separator: &Separator,
    reader: AudioReader,
    files: &mut StemFiles,
    terminal: &Terminal,
) -> Result<nae_separate::SeparationSummary> {
    let mut bar = Bar::new(terminal)?;
    let separation = separator.separate_blocks(
        reader,
        &mut |i, samples| files.write(i, samples),
        &mut |block| {
            let label = match block.blocks {
                Some(1) => String::new(),
                Some(blocks) => format!("{}/{blocks}", block.block + 1),
                None => format!("{}", block.block + 1),
            };
            bar.show(&label, &block.progress);
            flow()
        },
    )?;
    bar.finish();
    if separation.is_interrupted {
        bail!("interrupted by Ctrl-C; no stem was written");
    }
    Ok(separation)
}
