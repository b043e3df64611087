//! Reading the sounds of a bank.

use anyhow::{Result, bail};
use burn::tensor::Device;
use nae_files::count;
use nae_joint::bank::{ModelSound, model_sounds};
use nae_joint::sampler::{MAX_BANK_FRAMES, MAX_FRAMES};
use nae_joint::{Bank, BankOrigin, BankRecord, BankSound, TrainingSource};
use nae_model::AudioConfig;
use nae_train::TrainingClip;
use serde::Serialize;

use super::known::Known;
use super::places::{Location, Place, Places};
use crate::arguments::Terminal;
use crate::console::log_line;

/// Warnings about what is left out that are printed at most; all of it is in the JSON.
const WARNINGS: usize = 20;

/// What a bank consists of, for `--json`.
#[derive(Debug, Serialize)]
pub struct BankReport {
    name: String,
    sounds: Vec<SoundReport>,
    left_out: Vec<LeftOut>,
}

#[derive(Debug, Serialize)]
struct SoundReport {
    /// The file, or the name of a model that comes with nae.
    from: String,
    name: String,
    origin: BankOrigin,
    seconds: f64,
}

#[derive(Debug, Serialize)]
struct LeftOut {
    from: String,
    reason: String,
}

/// Sounds of one place, or why there are none.
type Found = Result<Vec<BankSound>, String>;

/// What reading a bank needs.
struct Reader<'a> {
    known: Known,
    audio: AudioConfig,
    seed: u64,
    device: &'a Device,
}

impl Places {
    /// Reads the sounds, says how many there are and what is left out.
    ///
    /// - `name`: of the source that they stand for
    /// - `parts`: the known sources, whose own sounds do not belong in a bank
    ///
    /// # Errors
    /// For a file that was named itself and gives no sound, and for a bank that has none at all.
    pub fn read(
        &self,
        name: &str,
        parts: &[TrainingSource],
        seed: u64,
        device: &Device,
        terminal: &Terminal,
    ) -> Result<(Bank, BankReport)> {
        let Some(first) = parts.first() else {
            bail!("--against needs a known source: give its model with --model FILE");
        };
        let reader = Reader {
            known: Known::new(parts)?,
            audio: first.model.metadata.audio,
            seed,
            device,
        };
        let most = MAX_BANK_FRAMES as f64 * reader.audio.hop as f64;
        let most_s = most / f64::from(reader.audio.sample_rate);
        let (mut seconds, mut from_folders) = (0.0, 0.0);
        let mut found: Vec<Option<Found>> = self.0.iter().map(|_| None).collect();
        for index in spread(self.0.len()) {
            let place = &self.0[index];
            // what is named itself is always used
            if from_folders >= most_s && !place.is_named {
                continue;
            }
            let sounds = reader.read(place)?;
            if let Ok(sounds) = &sounds {
                let samples = sounds.iter().flat_map(|sound| &sound.clips).map(Vec::len);
                let own = samples.sum::<usize>() as f64 / f64::from(reader.audio.sample_rate);
                seconds += own;
                from_folders += if place.is_named { 0.0 } else { own };
            }
            found[index] = Some(sounds);
        }
        let unread = found.iter().filter(|found| found.is_none()).count();
        if unread > 0 {
            log_line(
                terminal,
                format_args!(
                    "a joint encoder learns from {most_s:.0} s of a bank: {} of {} are used, spread evenly over them",
                    self.0.len() - unread,
                    count(self.0.len(), "file"),
                ),
            );
        }
        let mut report = BankReport {
            name: name.into(),
            sounds: Vec::new(),
            left_out: Vec::new(),
        };
        let mut sounds = Vec::new();
        for (place, found) in self.0.iter().zip(found) {
            let from = place.location.to_string();
            match found {
                None => {}
                Some(Err(reason)) => report.left_out.push(LeftOut { from, reason }),
                Some(Ok(own)) => {
                    for BankSound { record, .. } in &own {
                        report.sounds.push(SoundReport {
                            from: from.clone(),
                            name: record.name.clone(),
                            origin: record.origin,
                            seconds: record.duration_s,
                        });
                    }
                    sounds.extend(own);
                }
            }
        }
        report.say(seconds, terminal)?;
        let name = name.to_owned();
        Ok((Bank { name, sounds }, report))
    }
}

impl Reader<'_> {
    fn read(&self, place: &Place) -> Result<Found> {
        let found = match &place.location {
            Location::Clip(path) => {
                let limit = MAX_FRAMES * self.audio.hop;
                match TrainingClip::read_beginning(path, self.audio.sample_rate, limit) {
                    Ok(clip) => self.clip(clip),
                    Err(error) if place.is_named => return Err(error.into()),
                    Err(error) => Err(error.to_string()),
                }
            }
            Location::Model(model) => match model.load(self.device) {
                Ok(model) => match self.known.objection_to(&model)? {
                    Some(reason) => Err(reason),
                    None => match model_sounds(&model, &self.audio, self.seed, self.device)? {
                        ModelSound::Sounds(sounds) => Ok(sounds),
                        ModelSound::Nothing => Err(format!(
                            "it has no latent cache, and a {} has no bases to draw sound from; give its clips instead",
                            model.first().metadata.architecture.describe()
                        )),
                    },
                },
                Err(error) if place.is_named => return Err(error),
                Err(error) => Err(format!("{error:#}")),
            },
        };
        let found = found.and_then(|sounds| self.with_sound(sounds));
        match found {
            Err(reason) if place.is_named => bail!("--against {}: {reason}", place.location),
            found => Ok(found),
        }
    }

    fn clip(&self, clip: TrainingClip) -> Found {
        let TrainingClip { record, samples } = clip;
        if let Some(name) = self.known.source_of_clip(&record.sha256) {
            return Err(format!("it is a training clip of `{name}`, a known source"));
        }
        let record = BankRecord {
            name: record.name,
            origin: BankOrigin::Clip,
            sha256: record.sha256,
            duration_s: record.duration_s,
        };
        let clips = vec![samples];
        Ok(vec![BankSound { record, clips }])
    }

    /// Only what can be heard.
    fn with_sound(&self, mut sounds: Vec<BankSound>) -> Found {
        for sound in &mut sounds {
            sound.clips.retain(|clip| clip.len() >= self.audio.n_fft);
        }
        sounds.retain(|sound| !sound.clips.is_empty());
        if sounds.is_empty() {
            let n_fft = self.audio.n_fft;
            return Err(format!("it is shorter than a frame ({n_fft} samples)"));
        }
        let is_sound = |clip: &Vec<f32>| clip.iter().any(|x| *x != 0.0);
        sounds.retain(|sound| sound.clips.iter().any(is_sound));
        match sounds.is_empty() {
            true => Err("it is silent".into()),
            false => Ok(sounds),
        }
    }
}

impl BankReport {
    /// Says what there is; a bank without sound is an error.
    fn say(&self, seconds: f64, terminal: &Terminal) -> Result<()> {
        let left_out = self.left_out.len();
        for LeftOut { from, reason } in self.left_out.iter().take(WARNINGS) {
            log::warn!("{from} is left out of what is trained against: {reason}");
        }
        if left_out > WARNINGS {
            let further = left_out - WARNINGS;
            log::warn!("and {further} more are left out; --json lists all of them");
        }
        let sounds = self.sounds.len();
        match sounds {
            0 => bail!(
                "nothing is left to train against: {} left out, see the warnings. Give other sounds with --against",
                count(left_out, "file")
            ),
            1 => log::warn!(
                "there is one sound to train against, so the joint encoder learns that sound and nothing else; other noises need a bank of many. For this one, train a model of it and join the two."
            ),
            _ => {}
        }
        log_line(
            terminal,
            format_args!(
                "`{}` stands for {}, {seconds:.1} s in all",
                self.name,
                count(sounds, "sound")
            ),
        );
        Ok(())
    }
}

/// The numbers below `count` in an order whose every beginning is spread over all of them.
fn spread(count: usize) -> Vec<usize> {
    // steps of the golden ratio of the circle
    const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|&i| (i as u64).wrapping_mul(STEP));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_of_the_order_are_spread_over_all_numbers() {
        let mut order = spread(1000);
        let mut first: Vec<usize> = order.iter().copied().take(100).collect();
        first.sort_unstable();
        let gaps = first.windows(2).map(|pair| pair[1] - pair[0]);
        assert!(gaps.max().unwrap() < 30, "{first:?}");
        order.sort_unstable();
        assert_eq!(order, (0..1000).collect::<Vec<_>>());
    }
}
