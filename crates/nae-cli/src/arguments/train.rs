//! `nae train`

use std::path::PathBuf;

use clap::Args;

use super::heading::{INPUT, MODEL, OUTPUT};
use super::{Computing, Configured};

const EXAMPLES: &str = "\
Examples:
  A model of one speaker, from all recordings in a folder:
    nae train my-voice/ --out voice.safetensors
  A smaller model, with the loss logged:
    nae train fan.wav --out fan.safetensors --set model.rank=20 --log fan.jsonl";

/// Train a model of one source from clean recordings of it
///
/// The model is a small non-negative autoencoder (or NMF, with `model.kind=nmf`) of the source's
/// magnitude spectrogram. Sound files may be WAV, AIFF, FLAC, MP3, Ogg Vorbis or AAC at any sample
/// rate.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Train {
    /// Sound files, or folders searched for them with their subfolders
    #[arg(required = true, value_name = "CLIP_OR_FOLDER", help_heading = INPUT)]
    pub clips: Vec<PathBuf>,
    /// Model file to write
    #[arg(long, value_name = "FILE.safetensors", help_heading = OUTPUT)]
    pub out: PathBuf,
    /// Overwrite existing files
    #[arg(long, help_heading = OUTPUT)]
    pub force: bool,
    /// Write the training loss to this file: a JSON object per line, one for every window of steps
    #[arg(long, value_name = "FILE.jsonl", help_heading = OUTPUT)]
    pub log: Option<PathBuf>,
    /// Print a summary as JSON on standard output
    #[arg(long, help_heading = OUTPUT)]
    pub json: bool,
    /// Name of the source and of its stem [default: the model file's name]
    #[arg(long, help_heading = MODEL)]
    pub name: Option<String>,
    /// Do not store the latent cache (a few hundred kB) in the model file; such a model can only be
    /// joined with `--clips`
    #[arg(long, help_heading = MODEL)]
    pub no_memory: bool,
    #[command(flatten)]
    pub configured: Configured,
    #[command(flatten)]
    pub computing: Computing,
}
