//! What a mixture is separated with: models, a joint encoder, and what is learnt on it.

use nae_audio::{AudioReader, Clip};
use nae_files::retry::retrying_if;
use nae_joint::JointEncoder;
use nae_separate::unknown::{Unknown, excerpts, learn};
use nae_separate::{Separator, Source};

use super::Executor;
use crate::cell::{SeparatedWith, Separation};
use crate::error::SweepError;
use crate::sound::Mixture;
use crate::stand_in::StandIn;
use crate::stems::read_stems;

/// What a mixture's stems come from.
pub(super) enum Prepared {
    Separator(Box<Separator>),
    /// They were made by another program.
    Stems(Vec<Clip>),
}

impl Executor<'_> {
    /// Makes a mixture and what separates it, or reads the stems that another program made.
    pub(super) fn prepare(&self, cell: &Separation) -> Result<(Mixture, Prepared), SweepError> {
        let config = &self.manifest.variants[cell.variant].config;
        let members = &self.manifest.pairs[cell.pair];
        let rate = config.audio.sample_rate;
        let sound = self
            .sounds
            .mixture(members, self.place(cell), &config.data, rate)?;
        if !cell.stems.is_empty() {
            let stems = read_stems(&cell.stems, &sound.mixture)?;
            return Ok((sound, Prepared::Stems(stems)));
        }
        let separator = match &cell.joint {
            Some(id) => {
                let path = self.store.joint_path(id);
                let joint = retrying_if(&path, SweepError::is_transient, || {
                    Ok(JointEncoder::load(&path, self.device)?)
                })?;
                let joint = joint.separator(config.separate.clone(), self.device)?;
                let mut without = cell.without_model.iter();
                match without.any(|source| source.by == StandIn::Free) {
                    false => joint,
                    true => Separator::mean(vec![self.separator(cell, &sound.mixture)?, joint])?,
                }
            }
            None => self.separator(cell, &sound.mixture)?,
        };
        Ok((sound, Prepared::Separator(Box::new(separator))))
    }

    /// What separates a mixture with models and with what is learnt on it.
    fn separator(&self, cell: &Separation, mixture: &Clip) -> Result<Separator, SweepError> {
        let config = &self.manifest.variants[cell.variant].config;
        let members = self.manifest.members(cell.pair);
        let (mut known, mut free) = (Vec::new(), Vec::new());
        for (speaker, with) in members.iter().zip(cell.sources(members.len())) {
            let name = speaker.name.clone();
            let models = match with {
                SeparatedWith::Model(id) | SeparatedWith::StandIn(StandIn::Universal(id)) => {
                    self.models(id)?
                }
                SeparatedWith::StandIn(StandIn::Model(model)) => model.load(self.device)?,
                // a joint encoder has it
                SeparatedWith::StandIn(StandIn::Bank) => continue,
                SeparatedWith::StandIn(StandIn::Free) => {
                    free.push(Unknown {
                        name,
                        rank: config.separate.unknown.rank,
                    });
                    continue;
                }
            };
            known.push(Source::new(name, models.into_members()));
        }
        let mut sources = match free.is_empty() {
            true => known,
            false => self.learn(cell, mixture, known, &free)?,
        };
        // what was learnt comes last, and stems belong to the mixture's sources in their order
        let place = |source: &Source| members.iter().position(|own| own.name == source.name);
        sources.sort_by_key(place);
        Ok(Separator::new(
            &sources,
            config.separate.clone(),
            cell.seed,
            self.device,
        )?)
    }

    /// Learns the sources without a model on the mixture, beside those that have one.
    fn learn(
        &self,
        cell: &Separation,
        mixture: &Clip,
        known: Vec<Source>,
        free: &[Unknown],
    ) -> Result<Vec<Source>, SweepError> {
        let config = &self.manifest.variants[cell.variant].config;
        let open = || Ok(AudioReader::from_clip(mixture.clone()));
        let excerpts = excerpts(open, config.audio, config.separate.unknown.excerpts_s)?;
        let learnt = learn(
            known,
            free,
            &excerpts,
            config.model.compression,
            None,
            &config.separate,
            cell.seed,
            self.device,
            &mut |_| self.flow(),
        )?;
        match learnt.is_interrupted {
            true => Err(SweepError::Stopped),
            false => Ok(learnt.sources),
        }
    }
}
