//! The joint encoders that `nae separate --join` keeps in the user's cache folder.

use std::path::PathBuf;

use anyhow::{Context, Result};
use nae_files::{OutputFolder, check_writable, sha256_hex};
use nae_joint::{JointConfig, JointEncoder, PretrainedWeights, TrainingSource};

use crate::arguments::Terminal;
use crate::console::log_line;
use crate::device::NamedDevice;
use crate::interrupt::bail_if_interrupted;
use crate::joining::join;

/// The joint encoder of these models, settings and seed: from the cache, or trained now and added to
/// it.
pub fn cached_joint_encoder(
    parts: &[TrainingSource],
    config: &JointConfig,
    seed: u64,
    device: &NamedDevice,
    terminal: &Terminal,
) -> Result<JointEncoder> {
    let key = key(parts, config, seed)?;
    let place =
        cache_folder().map(|folder| folder.join(format!("{}.joint.safetensors", &key[..16])));
    if let Ok(path) = place.as_ref()
        && path.exists()
    {
        match JointEncoder::load(path, &device.device) {
            Ok(joint) => {
                log_line(
                    terminal,
                    format_args!("using the cached joint encoder {}", path.display()),
                );
                return Ok(joint);
            }
            Err(error) => log::warn!("{error}; training the joint encoder again"),
        }
    }
    let place = place.and_then(prepare);
    if let Err(error) = &place {
        log::warn!(
            "{error:#}; the joint encoder that is trained now is not kept for the next time (`nae join` writes one to a file)"
        );
    }
    let (joint, _) = join(None, parts, None, config, seed, device, terminal)?;
    bail_if_interrupted("nothing was separated")?;
    let seconds = joint.metadata.training.seconds;
    let cached = match &place {
        Ok((path, _)) => joint
            .save(path)
            .map(|()| format!(", cached as {}", path.display())),
        // said before the training
        Err(_) => Ok(String::new()),
    };
    let cached = cached.unwrap_or_else(|error| {
        log::warn!("{error}; the joint encoder is used now but not cached");
        String::new()
    });
    log_line(
        terminal,
        format_args!("joint encoder trained in {seconds:.1} s{cached}"),
    );
    Ok(joint)
}

/// Checks that the cache can be written, and creates its folder.
fn prepare(path: PathBuf) -> Result<(PathBuf, OutputFolder)> {
    let folder = OutputFolder::create(path.parent().unwrap_or(&path))?;
    check_writable(&path)?;
    Ok((path, folder))
}

/// SHA-256 of everything that a joint encoder depends on.
fn key(parts: &[TrainingSource], config: &JointConfig, seed: u64) -> Result<String> {
    let mut identity = format!(
        "{}\n{seed}\n{}\n",
        toml::to_string(config)?,
        PretrainedWeights::default_fingerprint()
    );
    for part in parts {
        // two models may differ in their latent caches only
        let frames = part.model.latent_cache.as_ref().map(|cache| cache.frames());
        let fingerprint = part.model.fingerprint()?;
        identity += &format!("{} {fingerprint} {frames:?}\n", part.name);
    }
    Ok(sha256_hex(identity.as_bytes()))
}

/// `nae` in the user's cache folder.
fn cache_folder() -> Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let cache = set("XDG_CACHE_HOME")
        .or_else(|| set("LOCALAPPDATA"))
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache")));
    let cache = cache.context(
        "there is no cache folder for the joint encoder; set XDG_CACHE_HOME, or use `nae join` and `nae separate --joint`",
    )?;
    Ok(cache.join("nae"))
}
