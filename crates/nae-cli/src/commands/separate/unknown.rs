//! Sources without a model, learnt on the mixture.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use nae_audio::AudioReader;
use nae_files::{check_source_name, count};
use nae_joint::JointEncoder;
use nae_model::{AudioConfig, ClipRecord, Ensemble};
use nae_separate::unknown::{Excerpts, Unknown, Voicing, components, excerpts, learn};
use nae_separate::{SeparateError, SeparationSummary, Separator, Source};

use crate::arguments::{Separate, Terminal};
use crate::console::log_line;
use crate::device::NamedDevice;
use crate::interrupt::bail_if_interrupted;
use crate::progress::with_progress;
use crate::settings::Settings;

/// A stem this far below the mixture is nearly silent, in dB.
const NEARLY_SILENT_DB: f64 = -30.0;

/// What is to be learnt, and beside what.
pub struct ToLearn {
    known: Vec<Source>,
    unknown: Vec<Unknown>,
    audio: AudioConfig,
    /// Its masks are averaged with those of what is learnt.
    joint: Option<JointEncoder>,
}

impl ToLearn {
    /// Takes `--unknown` apart.
    pub fn new(known: Vec<Source>, command: &Separate, settings: &Settings) -> Result<Self> {
        let unknown = command.unknown.iter().map(|own| {
            check_source_name(&own.name)?;
            Ok(Unknown {
                name: own.name.clone(),
                rank: own.rank.unwrap_or(settings.separate.unknown.rank),
            })
        });
        let unknown: Vec<Unknown> = unknown.collect::<Result<_>>()?;
        let keep = command.keep_unknown.len();
        if keep > 0 && keep != unknown.len() {
            bail!(
                "{} and {} were given; expected one file for every unknown source, in the same order, or none",
                count(unknown.len(), "`--unknown`"),
                count(keep, "`--keep-unknown`")
            );
        }
        let models = known.iter().flat_map(|source| &source.models);
        let audio = models.map(|model| model.metadata.audio).next();
        Ok(Self {
            known,
            unknown,
            audio: audio.unwrap_or(settings.audio),
            joint: None,
        })
    }

    /// What a joint encoder was trained against is also learnt on the mixture, beside its known models.
    pub fn beside(joint: JointEncoder, command: &Separate, settings: &Settings) -> Result<Self> {
        let rest = joint.rest().filter(|_| !joint.known_models.is_empty());
        let Some(rest) = rest.map(|rest| rest.name.clone()) else {
            bail!(
                "the joint file was not trained against a bank, so it has no place for an unknown source. Leave `--unknown` out, or make a joint file with `nae join --model FILE --against FOLDER`"
            );
        };
        if let Some(other) = command.unknown.iter().find(|own| own.name != rest) {
            bail!(
                "the joint file calls what is not known `{rest}`, and `--unknown {}` was given; expected `--unknown {rest}`, once",
                other.name
            );
        }
        let mut to_learn = Self::new(joint.known_sources(), command, settings)?;
        if to_learn.unknown.is_empty() {
            let rank = settings.separate.unknown.rank;
            to_learn.unknown.push(Unknown { name: rest, rank });
        }
        to_learn.joint = Some(joint);
        Ok(to_learn)
    }

    /// Names of the stems.
    pub fn names(&self) -> Vec<String> {
        let known = self.known.iter().map(|source| source.name.clone());
        let unknown = self.unknown.iter().flat_map(|own| match self.is_blind() {
            false => vec![own.name.clone()],
            true => own.component_names(),
        });
        known.chain(unknown).collect()
    }

    /// Sample rate of the models, in Hz.
    pub fn model_rate(&self) -> u32 {
        self.audio.sample_rate
    }

    /// Whether nothing is known.
    fn is_blind(&self) -> bool {
        self.known.is_empty()
    }

    /// What separates the mixture: what is learnt on it, averaged with the joint encoder if there is one.
    pub fn separator(
        mut self,
        command: &Separate,
        settings: &Settings,
        device: &NamedDevice,
        terminal: &Terminal,
    ) -> Result<Separator> {
        let Some(joint) = self.joint.take() else {
            return self.learn(command, settings, device, terminal);
        };
        let joint = joint.separator(settings.separate.clone(), &device.device)?;
        match self.learn(command, settings, device, terminal) {
            Ok(learnt) => Ok(Separator::mean(vec![learnt, joint])?),
            // nobody asked for it
            Err(error) if command.unknown.is_empty() && teaches_nothing(&error) => {
                log::warn!("{error} The joint encoder separates it alone.");
                Ok(joint)
            }
            Err(error) => Err(error),
        }
    }

    /// Learns the unknown sources, writes them where they are to be kept, and returns what separates the
    /// mixture.
    fn learn(
        self,
        command: &Separate,
        settings: &Settings,
        device: &NamedDevice,
        terminal: &Terminal,
    ) -> Result<Separator> {
        let open = || AudioReader::open(&command.mixture);
        let config = &settings.separate;
        let heard = excerpts(open, self.audio, config.unknown.excerpts_s)?;
        self.say(&heard, terminal);
        // its checksum takes as long as reading all of it
        let is_kept = !command.keep_unknown.is_empty();
        let record = is_kept.then(|| ClipRecord::of_file(&command.mixture, heard.recording_s));
        let record = record.transpose()?;
        let (seed, known) = (command.computing.seed, self.known.len());
        let (learnt, _) = with_progress(terminal, "", |observe| {
            learn(
                self.known,
                &self.unknown,
                &heard,
                settings.model.compression,
                record.as_ref(),
                config,
                seed,
                &device.device,
                observe,
            )
        })?;
        if learnt.is_interrupted {
            bail_if_interrupted("no stem was written")?;
        }
        let mut sources = learnt.sources;
        let new = sources.split_off(known);
        for (path, source) in command.keep_unknown.iter().zip(&new) {
            Ensemble::new(source.models.clone())?
                .save(path)
                .with_context(|| format!("`{}` was learnt but not kept", source.name))?;
            log_line(
                terminal,
                format_args!("{}: what was learnt of `{}`", path.display(), source.name),
            );
        }
        match known {
            0 => {
                for source in &new {
                    sources.extend(components(source, &device.device)?);
                }
            }
            _ => sources.extend(new),
        }
        Ok(Separator::new(
            &sources,
            settings.separate.clone(),
            seed,
            &device.device,
        )?)
    }

    fn say(&self, heard: &Excerpts, terminal: &Terminal) {
        let names: Vec<String> = self
            .unknown
            .iter()
            .map(|own| format!("{} (rank {})", own.name, own.rank))
            .collect();
        let on = match heard.duration_s < heard.recording_s {
            false => String::new(),
            true => format!(
                " on excerpts of {:.0} s of {:.0} s",
                heard.duration_s, heard.recording_s
            ),
        };
        log_line(terminal, format_args!("learning {}{on}", names.join(", ")));
        if self.is_blind() {
            log::warn!(
                "no source is known, so nothing tells one from another: every basis is written as a stem of its own, for you to sort. With a model of one source, `--model FILE`, the rest becomes one stem."
            );
        } else if self.unknown.len() > 1 {
            log::warn!(
                "nothing tells {} unknown sources apart: each may get parts of the others. One `--unknown` of a higher rank holds them all.",
                self.unknown.len()
            );
        }
    }
}

/// Whether the mixture is too short or too quiet to learn on.
fn teaches_nothing(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref::<SeparateError>(),
        Some(SeparateError::Unknown(_))
    )
}

/// Says which stems of the separation hold next to nothing.
pub fn warn_of_silent_stems(command: &Separate, names: &[String], summary: &SeparationSummary) {
    let mixture = summary.residual.mixture_energy;
    if command.unknown.is_empty() || command.models.is_empty() || mixture == 0.0 {
        return;
    }
    for (name, energy) in names.iter().zip(&summary.energies) {
        let db = 10.0 * (energy / mixture).log10();
        if db >= NEARLY_SILENT_DB || command.residual.as_ref() == Some(name) {
            continue;
        }
        let is_unknown = command.unknown.iter().any(|own| own.name == *name);
        let (why, advice) = match is_unknown {
            true => (
                "the known models explain nearly all of this recording",
                "If there is another source in it, try `--set separate.unknown.penalty=0.04`",
            ),
            false => (
                "the unknown sources explain nearly all of this recording",
                "If this source is in it, try `--set separate.unknown.penalty=0.01` or a lower rank, `--unknown NAME:rank=10`",
            ),
        };
        log::warn!(
            "`{name}` is {:.0} dB below the mixture: {why}. {advice}.",
            -db
        );
    }
}

/// How much of a stem is listened to for a voice, in seconds.
const HEARD_S: f64 = 60.0;

/// Says what to expect where an unknown source sounds like a voice: part of it stays with a voice that is
/// known, and beside a noise that is known a universal voice is better.
///
/// The figures are medians of `scripts/bench/open.py`, which the README has.
pub fn warn_of_voices(command: &Separate, names: &[String], stems: &[PathBuf], audio: AudioConfig) {
    if command.models.is_empty() {
        return;
    }
    let is_unknown = |name: &str| command.unknown.iter().any(|own| own.name == name);
    for (name, stem) in names.iter().zip(stems).filter(|(name, _)| is_unknown(name)) {
        let voicing = excerpts(|| AudioReader::open(stem), audio, HEARD_S)
            .map(|heard| Voicing::of(&heard.magnitude, audio));
        match voicing {
            Ok(voicing) if voicing.is_like_a_voice() => log::warn!(
                "`{name}` sounds like a voice. Two voices of which only one is known are hard to separate: beside another voice the known one gains 2.3 dB in SI-SDR, beside a noise 7.5 dB. If `{name}` is a voice, train a model on a few seconds in which it speaks alone, and give that in its place; if there are none, and what is known is not a voice, `--model {name}=universal:voice` is better than `--unknown {name}`. If `{name}` is not a voice, part of a known voice went into it: try `--set separate.unknown.penalty=0.005` or `--unknown {name}:rank=10`."
            ),
            Ok(_) => {}
            Err(error) => log::warn!(
                "{} could not be checked for a voice: {error}",
                stem.display()
            ),
        }
    }
}
