//! `nae separate`

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use nae_audio::BitDepth;

use super::heading::{INPUT, MODEL, OUTPUT};
use super::{Computing, Configured};

const EXAMPLES: &str = "\
Examples:
  Two models, one stem each:
    nae separate call.wav --model voice.safetensors --model fan.safetensors --out stems/
  Three models of one source, whose masks are averaged:
    nae separate call.wav --model voice=a.safetensors,b.safetensors,c.safetensors --model fan.safetensors --out stems/
  A voice without a model of its own, by the universal one that comes with nae:
    nae separate call.wav --model fan.safetensors --model universal:voice --out stems/
  A voice out of any noise, with a joint file that `nae join --against` has written:
    nae separate call.wav --joint voice.joint.safetensors --out stems/
  With a joint encoder, trained once and cached:
    nae separate call.wav --model voice.safetensors --model fan.safetensors --join --out stems/";

/// Separate a mixture into one stem per source
///
/// The activations of all models are optimised until their estimates sum to the mixture's
/// spectrogram; the estimates then give ratio masks. The stems have the mixture's sample rate,
/// channels and length, and sum to it.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Separate {
    /// Sound file to separate
    #[arg(help_heading = INPUT)]
    pub mixture: PathBuf,
    /// Folder for the stems, created if missing; a stem is DIR/NAME.wav
    #[arg(long, value_name = "DIR", help_heading = OUTPUT)]
    pub out: PathBuf,
    /// Overwrite existing stems
    #[arg(long, help_heading = OUTPUT)]
    pub force: bool,
    /// Sample format of the stems
    #[arg(long, value_enum, default_value_t = Bits::Float, help_heading = OUTPUT)]
    pub bits: Bits,
    /// Print a summary as JSON on standard output
    #[arg(long, help_heading = OUTPUT)]
    pub json: bool,
    /// Model file of a source, one per source: FILE, NAME=FILE to rename the source, or several
    /// models of it separated by commas (their masks are averaged); universal:voice and universal:noise
    /// come with nae, for a voice or a noise without a model of its own
    #[arg(
        long = "model",
        required_unless_present_any = ["joint", "unknown"],
        value_name = "[NAME=]FILE[,FILE]",
        help_heading = MODEL
    )]
    pub models: Vec<String>,
    /// Joint file written by `nae join`: one forward pass instead of an optimisation; with one that was
    /// trained against a bank, the mean with a source learnt on the mixture. Any `--model` given as well
    /// must be one it was trained for
    #[arg(long, value_name = "FILE", help_heading = MODEL)]
    pub joint: Option<PathBuf>,
    /// With a joint file that was trained against a bank: its forward pass alone, which takes a small part of the
    /// time
    #[arg(long, requires = "joint", conflicts_with = "unknown", help_heading = MODEL)]
    pub one_pass: bool,
    /// Train a joint encoder for the models first, and keep it in the user's cache folder for the
    /// next time
    #[arg(long, conflicts_with = "joint", help_heading = MODEL)]
    pub join: bool,
    /// Name of a source without a model, which is learnt on the mixture beside those that have one; its
    /// rank is `separate.unknown.rank` unless given. Without any model the mixture is split into components.
    /// With a joint file that was trained against a bank it is the source which the bank stands for
    #[arg(
        long,
        conflicts_with = "join",
        value_name = "NAME[:rank=N]",
        value_parser = parse_unknown,
        help_heading = MODEL
    )]
    pub unknown: Vec<UnknownArgument>,
    /// Write what was learnt of an unknown source as a model file; once for every `--unknown`, in the same order
    #[arg(long, requires = "unknown", value_name = "FILE", help_heading = OUTPUT)]
    pub keep_unknown: Vec<PathBuf>,
    /// Name of one more stem for what no source explains
    #[arg(long, conflicts_with_all = ["joint", "join"], value_name = "NAME", help_heading = OUTPUT)]
    pub residual: Option<String>,
    #[command(flatten)]
    pub configured: Configured,
    #[command(flatten)]
    pub computing: Computing,
}

/// What `--unknown` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownArgument {
    /// Name of the source.
    pub name: String,
    /// Number of its bases; that of the settings unless given.
    pub rank: Option<usize>,
}

/// `NAME` or `NAME:rank=N`.
fn parse_unknown(text: &str) -> Result<UnknownArgument, String> {
    let expected = "expected NAME or NAME:rank=N, such as noise or noise:rank=20";
    let (name, rank) = match text.split_once(':') {
        None => (text, None),
        Some((name, rest)) => {
            let rank = rest
                .strip_prefix("rank=")
                .and_then(|rank| rank.parse().ok());
            (name, Some(rank.ok_or(expected)?))
        }
    };
    if name.is_empty() {
        return Err(expected.into());
    }
    Ok(UnknownArgument {
        name: name.into(),
        rank,
    })
}

/// Sample format of stems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Bits {
    /// 32-bit float, never scaled
    #[value(name = "32")]
    Float,
    /// 16-bit integer; if any stem would clip, all are attenuated by the same gain
    #[value(name = "16")]
    Int16,
    /// 24-bit integer; if any stem would clip, all are attenuated by the same gain
    #[value(name = "24")]
    Int24,
}

impl Bits {
    /// The file's sample format.
    pub fn depth(self) -> BitDepth {
        match self {
            Self::Float => BitDepth::Float32,
            Self::Int16 => BitDepth::Int16,
            Self::Int24 => BitDepth::Int24,
        }
    }
}
