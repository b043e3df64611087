//! `nae join`, and the joint files that `nae separate --join` keeps.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use burn::tensor::Device;
use nae_joint::{Joint, JointConfig, Part, Start};
use nae_model::file::sha256_hex;
use nae_separate::Source;
use serde::Serialize;

use super::separate::read_source;
use super::train::{LossRecord, json_lines, watched};
use super::{make_folder, print, refuse_existing};
use crate::arguments::{Join, Terminal};
use crate::clips::read_clips;
use crate::device::NamedDevice;
use crate::progress::{catch_interrupt, is_interrupted, say};
use crate::settings::Settings;

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    joint: &'a Path,
    sources: Vec<&'a str>,
    loss: f64,
    steps: usize,
    seconds: f64,
    device: &'a str,
    interrupted: bool,
}

pub fn run(command: &Join, terminal: &Terminal) -> Result<()> {
    let settings = Settings::load(&command.configured)?;
    refuse_existing(&command.out, command.force)?;
    if let Some(log) = &command.log {
        refuse_existing(log, command.force)?;
    }
    let device = command.computing.device.open()?;
    let parts = read_parts(&command.models, &command.clips, &device.device)?;
    let start = match &command.start {
        None => None,
        Some(path) => Some(Start::load(path, &device.device)?),
    };
    if let Some(folder) = command.out.parent() {
        make_folder(folder)?;
    }
    catch_interrupt()?;
    let seed = command.computing.seed;
    let (joint, losses) = train(
        start.as_ref(),
        &parts,
        &settings.joint,
        seed,
        &device,
        terminal,
    )?;
    joint.save(&command.out)?;
    if let Some(log) = &command.log {
        nae_audio::write_atomically(log, json_lines(&losses)?.as_bytes())?;
    }
    let training = &joint.card.training;
    if training.interrupted {
        let steps = training.steps;
        let text = format!("stopped by Ctrl-C after {steps} steps; the best so far was written");
        say(terminal, &text);
    }
    say(
        terminal,
        &format!(
            "{}: loss {:.5} after {} steps, {:.1} s",
            command.out.display(),
            training.loss,
            training.steps,
            training.seconds
        ),
    );
    if command.json {
        let sources = joint.card.sources.iter();
        print(&serde_json::to_string(&Report {
            joint: &command.out,
            sources: sources.map(|source| source.name.as_str()).collect(),
            loss: training.loss,
            steps: training.steps,
            seconds: training.seconds,
            device: &device.name,
            interrupted: training.interrupted,
        })?)?;
    }
    Ok(())
}

/// Models, with clips where they are given.
pub fn read_parts(models: &[String], clips: &[String], device: &Device) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    for text in models {
        parts.push(single(read_source(text, device)?)?);
    }
    for text in clips {
        let (name, path) = text
            .split_once('=')
            .ok_or_else(|| anyhow!("--clips {text}: expected NAME=CLIP_OR_FOLDER"))?;
        let names: Vec<String> = parts.iter().map(|part| part.name.clone()).collect();
        let part = parts.iter_mut().find(|part| part.name == name);
        let part = part.with_context(|| {
            let names = names.join(", ");
            format!("--clips {text}: there is no source `{name}` among {names}")
        })?;
        let rate = part.model.card.audio.sample_rate;
        let clips = read_clips(&[PathBuf::from(path)], rate)?.into_iter();
        let clips = clips.map(|clip| (clip.record, clip.samples));
        part.clips.get_or_insert_default().extend(clips);
    }
    Ok(parts)
}

/// A source with its one model.
pub fn single(source: Source) -> Result<Part> {
    let Source { name, models } = source;
    let Ok([model]) = <[_; 1]>::try_from(models) else {
        bail!("`{name}` has several models, and a joint encoder takes one of each source");
    };
    Ok(Part {
        name,
        model,
        clips: None,
    })
}

fn train(
    start: Option<&Start>,
    parts: &[Part],
    config: &JointConfig,
    seed: u64,
    device: &NamedDevice,
    terminal: &Terminal,
) -> Result<(Joint, Vec<LossRecord>)> {
    let names: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
    let text = format!("joining {} on {device}", names.join(", "));
    say(terminal, &text);
    watched(terminal, |observe| {
        nae_joint::join_from(start, parts, config, seed, &device.device, observe)
    })
}

/// The joint encoder of these models, settings and seed: from the user's cache folder, or joined
/// now and kept there.
pub fn joined(
    parts: &[Part],
    config: &JointConfig,
    seed: u64,
    device: &NamedDevice,
    terminal: &Terminal,
) -> Result<Joint> {
    let mut identity = format!(
        "{}\n{seed}\n{}\n",
        toml::to_string(config)?,
        Start::fingerprint()
    );
    for part in parts {
        // two models may differ in nothing but what they remember
        let frames = part.model.memory.as_ref().map(|memory| memory.frames());
        let fingerprint = part.model.fingerprint()?;
        identity += &format!("{} {fingerprint} {frames:?}\n", part.name);
    }
    let key = sha256_hex(identity.as_bytes());
    let folder = cache_folder()?;
    let path = folder.join(format!("{}.joint.safetensors", &key[..16]));
    if path.exists() {
        match Joint::load(&path, &device.device) {
            Ok(joint) => {
                let text = format!("these models were joined before: {}", path.display());
                say(terminal, &text);
                return Ok(joint);
            }
            Err(error) => log::warn!("{error}; joining again"),
        }
    }
    let (joint, _) = train(None, parts, config, seed, device, terminal)?;
    if is_interrupted() {
        bail!("stopped by Ctrl-C while joining; nothing was separated");
    }
    make_folder(&folder)?;
    joint.save(&path)?;
    let seconds = joint.card.training.seconds;
    let text = format!("joined in {seconds:.1} s and kept as {}", path.display());
    say(terminal, &text);
    Ok(joint)
}

/// `nae` in the user's cache folder.
fn cache_folder() -> Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let cache = set("XDG_CACHE_HOME")
        .or_else(|| set("LOCALAPPDATA"))
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache")));
    let cache = cache.context(
        "there is no folder to keep joint encoders in; set XDG_CACHE_HOME, or use `nae join` and --joint",
    )?;
    Ok(cache.join("nae"))
}
