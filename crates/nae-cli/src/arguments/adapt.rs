//! `nae adapt`

use std::path::PathBuf;

use clap::Args;

use super::heading::{INPUT, MODEL, OUTPUT};
use super::{Computing, Configured, Written};
use crate::ranges::{Where, parse_where};

const EXAMPLES: &str = "\
Examples:
  A voice's model for the room of a recording, in which it speaks alone from 3.2 to 7.9 s:
    nae adapt voice.safetensors meeting.wav --where 3.2-7.9 --out here.safetensors
  Where it sounds alone is found:
    nae adapt voice.safetensors meeting.wav --out here.safetensors
  Times in one of several recordings:
    nae adapt voice.safetensors a.wav b.wav --where a.wav=0-4,9-12 --out here.safetensors";

/// Fit a model to recordings in which its source sounds alone at times: another room or microphone
///
/// The model is brought to the spectrum of those stretches and learns from them in few and small steps,
/// as `nae train --from` does with clips. Where the source sounds alone is given by `--where`, or found:
/// stretches that the model reproduces nearly as closely as the best tenth of the recording.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Adapt {
    /// Model file to begin with; universal:voice and universal:noise come with nae
    #[arg(value_name = "MODEL", help_heading = INPUT)]
    pub model: String,
    /// Recordings in which its source sounds alone at times
    #[arg(required = true, value_name = "RECORDING", help_heading = INPUT)]
    pub recordings: Vec<PathBuf>,
    /// Where it sounds alone, in seconds: 3.2-7.9, several separated by commas, 12- for up to the end; for
    /// all recordings, or for one as FILE=3.2-7.9 (repeatable). Without it such stretches are looked for
    /// in the first ten minutes
    #[arg(long = "where", value_name = "[FILE=]FROM-TO[,FROM-TO]", value_parser = parse_where, help_heading = INPUT)]
    pub ranges: Vec<Where>,
    /// Model file to write
    #[arg(long, value_name = "FILE.safetensors", help_heading = OUTPUT)]
    pub out: PathBuf,
    #[command(flatten)]
    pub written: Written,
    /// Name of the source and of its stem [default: that of the model]
    #[arg(long, help_heading = MODEL)]
    pub name: Option<String>,
    /// Do not store the latent cache in the model file
    #[arg(long, help_heading = MODEL)]
    pub no_memory: bool,
    #[command(flatten)]
    pub configured: Configured,
    #[command(flatten)]
    pub computing: Computing,
}
