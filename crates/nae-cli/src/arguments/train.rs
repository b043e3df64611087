//! `nae train`

use std::path::PathBuf;

use clap::Args;
use nae_train::MemberKind;
use serde::Deserialize;

use super::heading::{INPUT, MODEL, OUTPUT};
use super::{Computing, Configured, Written};

const EXAMPLES: &str = "\
Examples:
  A model of one speaker, from all recordings in a folder:
    nae train my-voice/ --out voice.safetensors
  A smaller model, with the loss logged:
    nae train fan.wav --out fan.safetensors --set model.rank=20 --log fan.jsonl
  A model of the same voice in another room, from five seconds of it:
    nae train five-seconds.wav --from voice.safetensors --out here.safetensors
  A single model instead of two:
    nae train fan.wav --out fan.safetensors --ensemble none";

/// Train a model of one source from clean recordings of it
///
/// The model is a small non-negative autoencoder (or NMF, with `model.kind=nmf`) of the source's
/// magnitude spectrogram. By default two models of different kinds go into the file, and separation
/// averages their masks; settings that describe one model, such as `model.layers`, give that one
/// alone. Sound files may be WAV, AIFF, FLAC, MP3, Ogg Vorbis or AAC at any sample rate.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Train {
    /// Sound files, or folders searched for them with their subfolders
    #[arg(required = true, value_name = "CLIP_OR_FOLDER", help_heading = INPUT)]
    pub clips: Vec<PathBuf>,
    /// Model file to write
    #[arg(long, value_name = "FILE.safetensors", help_heading = OUTPUT)]
    pub out: PathBuf,
    #[command(flatten)]
    pub written: Written,
    /// Name of the source and of its stem [default: the model file's name; with --from, the source of
    /// that model]
    #[arg(long, help_heading = MODEL)]
    pub name: Option<String>,
    /// Go on from this model instead of random weights: it is brought to the spectrum of the clips, which
    /// may be another room, microphone or voice, and learns from them in few and small steps. It keeps its
    /// architecture, its kinds of models and its `[audio]` settings. universal:voice and universal:noise come
    /// with nae
    #[arg(long, value_name = "MODEL", conflicts_with = "ensemble", help_heading = MODEL)]
    pub from: Option<String>,
    /// Kinds of the models in the file, whose masks are averaged: dense, shallow, nmf, conv, recurrent,
    /// separated by commas; `none`: the one model that `[model]` describes. Short for `--set
    /// train.ensemble`, and later than it
    #[arg(long, value_name = "KINDS", value_parser = parse_ensemble, help_heading = MODEL)]
    pub ensemble: Option<EnsembleArgument>,
    /// Do not store the latent cache (a few hundred kB) in the model file; such a model can only be
    /// joined with `--clips`
    #[arg(long, help_heading = MODEL)]
    pub no_memory: bool,
    #[command(flatten)]
    pub configured: Configured,
    #[command(flatten)]
    pub computing: Computing,
}

/// What `--ensemble` says.
#[derive(Clone, Debug, PartialEq)]
pub struct EnsembleArgument(pub Vec<MemberKind>);

fn parse_ensemble(text: &str) -> Result<EnsembleArgument, String> {
    if text == "none" {
        return Ok(EnsembleArgument(Vec::new()));
    }
    let kind = |word: &str| {
        let word = word.trim();
        let value = toml::Value::String(word.to_owned());
        MemberKind::deserialize(value).map_err(|_| {
            let known = nae_config::words::<MemberKind>().join(", ");
            format!("`{word}` is no kind of model; expected \"none\", or some of {known}, separated by commas")
        })
    };
    let kinds = text.split(',').map(kind);
    Ok(EnsembleArgument(kinds.collect::<Result<_, _>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_separated_by_commas() {
        let kinds = |text| parse_ensemble(text).map(|argument| argument.0);
        assert_eq!(kinds("none"), Ok(vec![]));
        assert_eq!(kinds("auto"), Ok(vec![MemberKind::Auto]));
        let expected = vec![MemberKind::Dense, MemberKind::Nmf, MemberKind::Dense];
        assert_eq!(kinds("dense, nmf,dense"), Ok(expected));
        for (text, word) in [
            ("", "``"),
            ("dense,", "``"),
            ("none,nmf", "`none`"),
            ("NMF", "`NMF`"),
        ] {
            let error = kinds(text).unwrap_err();
            assert!(
                error.contains(word) && error.contains("recurrent"),
                "{error}"
            );
        }
    }
}
