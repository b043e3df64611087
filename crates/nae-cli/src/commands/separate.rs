//! `nae separate`

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};
use burn::tensor::Device;
use nae_audio::{AudioReader, BitDepth, WavSink};
use nae_joint::Joint;
use nae_model::Model;
use nae_separate::{NullDepth, Separator, Source};
use serde::Serialize;

use super::join::{joined, single};
use super::train::check_source_name;
use super::{make_folder, print, refuse_existing};
use crate::arguments::{Separate, Terminal};
use crate::device::NamedDevice;
use crate::progress::{Bar, catch_interrupt, flow, say};
use crate::settings::Settings;

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    stems: &'a [PathBuf],
    /// `null` where nothing at all is left.
    null_db: Option<f64>,
    gain_db: f64,
    loss: f64,
    steps: usize,
    seconds: f64,
    device: &'a str,
}

/// Samples converted at once when float stems become integers.
const CONVERTED_AT_ONCE: usize = 1 << 16;

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
    make_folder(&command.out)?;
    say(
        terminal,
        &format!("separating {} on {device}", command.mixture.display()),
    );

    let (rate, channels) = (reader.sample_rate(), reader.channel_count());
    let depth = command.bits.depth();
    // integers may need a gain that is only known at the end: floats first, beside the stems
    let draft = match depth {
        BitDepth::Float32 => None,
        BitDepth::Int16 | BitDepth::Int24 => Some(draft_folder(&command.out)?),
    };
    let written: Vec<PathBuf> = match &draft {
        None => stems.clone(),
        Some(draft) => (0..stems.len())
            .map(|i| draft.path().join(format!("{i}.wav")))
            .collect(),
    };
    let mut sinks = written
        .iter()
        .map(|path| WavSink::create(path, channels, rate, BitDepth::Float32))
        .collect::<Result<Vec<_>, _>>()?;
    let started = Instant::now();
    let mut bar = Bar::new(terminal)?;
    let summary = separator.separate_stream(
        reader,
        &mut |i, samples| sinks[i].write(samples),
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
    if summary.is_interrupted {
        bail!("stopped by Ctrl-C; no stem was written");
    }
    for sink in sinks {
        sink.finish()?;
    }
    let peak = summary.peaks.iter().fold(0.0f32, |a, &b| a.max(b));
    let (gain, null) = match depth {
        BitDepth::Float32 => (1.0, summary.null),
        BitDepth::Int16 | BitDepth::Int24 => {
            to_integers(&written, &stems, depth, peak, summary.null)?
        }
    };
    let gain_db = 20.0 * f64::from(gain).log10();
    if gain != 1.0 {
        say(
            terminal,
            &format!(
                "the loudest stem peaks at {peak:.3}: all stems were turned down by {:.2} dB so that none clips",
                -gain_db
            ),
        );
    }
    let seconds = started.elapsed().as_secs_f64();
    let duration_s = summary.samples as f64 / f64::from(rate);
    for stem in &stems {
        say(terminal, &format!("{}", stem.display()));
    }
    say(
        terminal,
        &format!(
            "the stems sum to the mixture down to {:.1} dB; {:.2} s for {duration_s:.2} s of sound ({:.1} times real time)",
            null.db(),
            seconds,
            duration_s / seconds
        ),
    );
    if command.json {
        let null_db = Some(null.db()).filter(|db| db.is_finite());
        print(&serde_json::to_string(&Report {
            stems: &stems,
            null_db,
            gain_db,
            loss: summary.loss,
            steps: summary.steps,
            seconds,
            device: &device.name,
        })?)?;
    }
    Ok(())
}

/// Ready to separate: a joint file, models joined now, or models whose activations are searched.
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
    let joint = if let Some(path) = &command.joint {
        let joint = Joint::load(path, &device.device)?;
        for source in &sources {
            for model in &source.models {
                joint.knows(&source.name, model)?;
            }
        }
        joint
    } else if command.join {
        let parts = sources
            .into_iter()
            .map(single)
            .collect::<Result<Vec<_>>>()?;
        joined(
            &parts,
            &settings.joint,
            command.computing.seed,
            device,
            terminal,
        )?
    } else {
        let seed = command.computing.seed;
        return Ok(Separator::new(
            &sources,
            settings.separate,
            seed,
            &device.device,
        )?);
    };
    Ok(joint.separator(settings.separate, &device.device)?)
}

/// A folder beside the stems that goes away by itself.
fn draft_folder(out: &Path) -> Result<tempfile::TempDir> {
    let draft = tempfile::Builder::new().prefix(".nae-").tempdir_in(out);
    draft.with_context(|| format!("cannot write into {}", out.display()))
}

/// `FILE`, `NAME=FILE`, or several files with commas.
pub fn read_source(text: &str, device: &Device) -> Result<Source> {
    let (name, files) = match text.split_once('=') {
        // a path may itself contain `=`
        Some((name, files)) if !Path::new(text).exists() => (Some(name), files),
        _ => (None, text),
    };
    let paths: Vec<&Path> = if Path::new(files).exists() {
        vec![Path::new(files)]
    } else {
        files.split(',').map(Path::new).collect()
    };
    let models = paths
        .into_iter()
        .map(|path| Ok(Model::load(path, device)?))
        .collect::<Result<Vec<_>>>()?;
    let first = models
        .first()
        .ok_or_else(|| anyhow!("`--model {text}` names no file"))?;
    let name = name.unwrap_or(&first.card.name).to_owned();
    check_source_name(&name)?;
    Ok(Source { name, models })
}

/// Writes float stems as integers, turned down together if the loudest would clip. Returns the
/// gain and the null depth with the rounding counted in.
fn to_integers(
    from: &[PathBuf],
    to: &[PathBuf],
    depth: BitDepth,
    peak: f32,
    null: NullDepth,
) -> Result<(f32, NullDepth)> {
    let full_scale = (1u32 << (depth.bits() - 1)) as f32;
    let largest = (full_scale - 1.0) / full_scale;
    let gain = if peak > largest { largest / peak } else { 1.0 };
    let mut readers = from
        .iter()
        .map(|path| AudioReader::open(path))
        .collect::<Result<Vec<_>, _>>()?;
    let mut sinks = Vec::new();
    for (reader, path) in readers.iter().zip(to) {
        sinks.push(WavSink::create(
            path,
            reader.channel_count(),
            reader.sample_rate(),
            depth,
        )?);
    }
    // the stems' rounding errors add up; they are independent of what was left before
    let mut null = null;
    loop {
        let mut errors: Vec<Vec<f64>> = Vec::new();
        for (reader, sink) in readers.iter_mut().zip(&mut sinks) {
            let mut channels = reader.read(CONVERTED_AT_ONCE)?;
            errors.resize(channels.len(), Vec::new());
            for (channel, errors) in channels.iter_mut().zip(&mut errors) {
                errors.resize(channel.len(), 0.0);
                for (x, error) in channel.iter_mut().zip(errors) {
                    let scaled = *x * gain;
                    let rounded = (scaled * full_scale).round() / full_scale;
                    *error += f64::from(rounded - scaled) / f64::from(gain);
                    *x = scaled;
                }
            }
            sink.write(&channels)?;
        }
        if errors.iter().all(Vec::is_empty) {
            break;
        }
        null.rest += errors
            .iter()
            .flatten()
            .map(|error| error * error)
            .sum::<f64>();
    }
    for sink in sinks {
        sink.finish()?;
    }
    Ok((gain, null))
}
