//! `nae join`

use std::path::PathBuf;

use clap::Args;

use super::heading::{INPUT, MODEL, OUTPUT};
use super::{Computing, Configured, Written};

const EXAMPLES: &str = "\
Examples:
  Train a joint encoder for two models, then separate with it:
    nae join --model voice.safetensors --model fan.safetensors --out both.joint.safetensors
    nae separate call.wav --joint both.joint.safetensors --out stems/
  One voice against whatever else there may be, learnt from a folder of noises:
    nae join --model voice.safetensors --against noises/ --out voice.joint.safetensors
    nae separate call.wav --joint voice.joint.safetensors --out stems/";

/// Train a joint encoder, which separates a fixed set of sources in one forward pass
///
/// The models' decoders stay as they are. Training mixtures are made from the latent caches of the
/// model files, so no audio is needed. With --against they also have one or two sounds of a bank, which
/// stand for one more source: all that has no model. The file then keeps copies of the models, and
/// `nae separate --joint` averages its masks with those of these models beside a source learnt on the
/// mixture.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Join {
    /// Train on these clips of a source instead of its model's latent cache (repeatable)
    #[arg(long, value_name = "NAME=CLIP_OR_FOLDER", help_heading = INPUT)]
    pub clips: Vec<String>,
    /// Train against these sounds, which stand for everything that has no model: a folder of sound files
    /// and model files, one of them, or universal:noise, which comes with nae (repeatable)
    #[arg(long, value_name = "FOLDER", help_heading = INPUT)]
    pub against: Vec<String>,
    /// Joint file to write
    #[arg(long, value_name = "FILE.safetensors", help_heading = OUTPUT)]
    pub out: PathBuf,
    #[command(flatten)]
    pub written: Written,
    /// Model file of a source, one per source (2 to 6, with --against 1 to 5): FILE, or NAME=FILE to
    /// rename the source
    #[arg(long = "model", required = true, value_name = "[NAME=]FILE", help_heading = MODEL)]
    pub models: Vec<String>,
    /// Name of the source that --against stands for, and of its stem
    #[arg(long, value_name = "NAME", default_value = "noise", requires = "against", help_heading = MODEL)]
    pub against_name: String,
    /// Initialise from a file written by `nae pretrain` [default: see `joint.start` in `nae settings`]
    #[arg(long, value_name = "FILE", help_heading = MODEL)]
    pub start: Option<PathBuf>,
    #[command(flatten)]
    pub configured: Configured,
    #[command(flatten)]
    pub computing: Computing,
}
