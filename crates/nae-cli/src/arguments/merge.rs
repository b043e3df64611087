//! `nae merge`

use std::path::PathBuf;

use clap::Args;

use super::Computing;
use super::heading::{INPUT, MODEL, OUTPUT};

const EXAMPLES: &str = "\
Examples:
  A model of voices in general, from models of some:
    nae merge anna.safetensors ben.safetensors carla.safetensors --out voices.safetensors
  The voices that come with nae, and one more:
    nae merge universal:voice anna.safetensors --rank-each 200 --out voices.safetensors
  A voice without a model of its own, beside a noise with one:
    nae separate call.wav --model fan.safetensors --model voices.safetensors --out stems/";

/// Put bases of several models side by side in one NMF model
///
/// A model of many voices, with a few bases of each, models a voice that none of them is. Of an ensemble
/// the NMF member is used, else one of two layers. A model with more bases than --rank-each is reduced
/// to a factorisation of the sound in its latent cache; without a cache, of its bases. Models of any
/// kind with a latent cache can be merged. The new model has no latent cache: `nae join` needs clips of
/// it.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Merge {
    /// Model files; universal:voice and universal:noise come with nae
    #[arg(required = true, value_name = "MODEL", help_heading = INPUT)]
    pub models: Vec<String>,
    /// Model file to write
    #[arg(long, value_name = "FILE.safetensors", help_heading = OUTPUT)]
    pub out: PathBuf,
    /// Overwrite an existing file
    #[arg(long, help_heading = OUTPUT)]
    pub force: bool,
    /// Print a summary as JSON on standard output
    #[arg(long, help_heading = OUTPUT)]
    pub json: bool,
    /// Bases of each model, 1 to 4096; a model with fewer gives all that it has
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=4096), help_heading = MODEL)]
    pub rank_each: u16,
    /// Name of the source [default: the file name of --out]
    #[arg(long, value_name = "NAME", help_heading = MODEL)]
    pub name: Option<String>,
    #[command(flatten)]
    pub computing: Computing,
}
