//! `nae live`

use std::path::PathBuf;

use clap::Args;
use nae_audio::stream::SampleCoding;

use super::Configured;
use super::heading::{INPUT, MODEL, OUTPUT};

const EXAMPLES: &str = "\
Examples:
  A microphone, one voice of two, to the loudspeaker (ALSA):
    arecord -q -t wav -f S16_LE -r 16000 -c 1 | nae live - --joint both.joint.safetensors --stem voice | aplay -q
  Any file or stream that ffmpeg reads:
    ffmpeg -v error -i call.mp3 -f wav -ac 1 -ar 16000 - | nae live - --joint both.joint.safetensors --stem voice > voice.wav
  Raw samples, in and out in the same form:
    nae live - --raw f32le --rate 16000 --channels 1 --joint both.joint.safetensors --stem voice
  Every stem to a file of its own, with models instead of a joint encoder:
    nae live call.wav --model voice.safetensors --model fan.safetensors --to voice=voice.wav --to fan=fan.wav

A joint encoder for low latency: nae train and nae join with --config configs/live.toml.";

/// Separate a mixture while it is still coming
///
/// Reads WAV or raw samples, and writes stems of the same rate and channels: as many samples as came
/// in, later by a latency that is stated at the start. The stems of all sources sum to the delayed
/// mixture. Ctrl-C ends the stream; files are then complete.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Live {
    /// What to read: a WAV file, a FIFO, or - for standard input
    #[arg(help_heading = INPUT)]
    pub input: PathBuf,
    /// The input is raw samples, channels interleaved: u8, s16le, s24le, s32le, f32le or f64le
    #[arg(long, value_name = "FORMAT", requires = "rate", help_heading = INPUT)]
    pub raw: Option<SampleCoding>,
    /// Sample rate of raw samples, in Hz
    #[arg(long, value_name = "HZ", requires = "raw", help_heading = INPUT)]
    pub rate: Option<u32>,
    /// Channels of raw samples
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = INPUT)]
    pub channels: usize,
    /// The input is a file that still grows: at its end, wait for more
    #[arg(long, help_heading = INPUT)]
    pub follow: bool,
    /// Stem to write to standard output; several, or all without this, follow one another as channels
    #[arg(long = "stem", value_name = "NAME", help_heading = OUTPUT)]
    pub stems: Vec<String>,
    /// Write a stem to a file or FIFO instead of standard output: WAV, or raw samples where the input is
    /// and the name does not end in .wav
    #[arg(long, value_name = "NAME=PATH", conflicts_with = "stems", help_heading = OUTPUT)]
    pub to: Vec<String>,
    /// Overwrite existing files
    #[arg(long, help_heading = OUTPUT)]
    pub force: bool,
    /// Leave the latency out: stems line up with the mixture and end with it. They are written as much
    /// later all the same
    #[arg(long, help_heading = OUTPUT)]
    pub aligned: bool,
    /// Write figures at the end as JSON: latency_samples, real_time_factor (time of work over time of
    /// sound), late_blocks, samples and others
    #[arg(long, value_name = "FILE", help_heading = OUTPUT)]
    pub report: Option<PathBuf>,
    /// Joint file written by `nae join`, whose network does not run backwards (`joint.hearing = "past"`, or
    /// convolutions)
    #[arg(long, value_name = "FILE", conflicts_with = "models", required_unless_present = "models", help_heading = MODEL)]
    pub joint: Option<PathBuf>,
    /// Model file of a source, one per source, as for `nae separate`: those of its models count whose
    /// decoder is one linear layer, such as factorisations
    #[arg(long = "model", value_name = "[NAME=]FILE[,FILE]", help_heading = MODEL)]
    pub models: Vec<String>,
    /// Updates of a frame's activations, with models; they start from the frame before
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = parse_updates, help_heading = MODEL)]
    pub updates: usize,
    /// Longest latency wanted: a network that reads later frames reads fewer of them. Without this, 100 ms
    /// if frames are short enough
    #[arg(long, value_name = "MS", value_parser = parse_latency, help_heading = MODEL)]
    pub latency: Option<f64>,
    #[command(flatten)]
    pub configured: Configured,
}

fn parse_updates(text: &str) -> Result<usize, String> {
    let updates = text.parse().ok().filter(|n| (1..=10_000).contains(n));
    updates.ok_or_else(|| "expected a whole number from 1 to 10000, such as 10".into())
}

fn parse_latency(text: &str) -> Result<f64, String> {
    let milliseconds = text.parse().ok();
    let milliseconds = milliseconds.filter(|ms: &f64| *ms > 0.0 && *ms <= 1e6);
    milliseconds.ok_or_else(|| "expected milliseconds above 0, such as 100".into())
}
