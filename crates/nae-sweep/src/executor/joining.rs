//! Joint encoders of a pair's models, and against the sound of others.

use nae_joint::{
    Bank, BankOrigin, BankRecord, BankSound, JointEncoder, TrainingSource, join_against,
};
use nae_model::optim::Progress;
use nae_train::store_latents;

use super::Executor;
use crate::cell::{Against, CellKind, Id, Joining};
use crate::error::SweepError;
use crate::system_config::Join;

impl Executor<'_> {
    /// Trains the joint encoder of a pair's models, against the sound of others where a source has none.
    /// Gives the checksums of the models' weights with it.
    pub fn join(&self, cell: &Joining) -> Result<(JointEncoder, Vec<String>), SweepError> {
        let made_from = self.checksums(CellKind::Model, &cell.models);
        let config = &self.manifest.variants[cell.variant].config;
        let members = self.manifest.pairs[cell.pair].iter().enumerate();
        let against = cell.against.as_ref();
        let is_known = |(place, _): &(usize, &usize)| against.is_none_or(|own| own.place != *place);
        let members = members.filter(is_known).map(|(_, speaker)| speaker);
        let part = |(&speaker, id): (&usize, &Id)| {
            // a joint encoder drives one decoder a source
            let mut model = self.models(id)?.into_first();
            let clips = self.training_clips(cell.variant, speaker)?;
            let clips = match config.join {
                Join::Clips => {
                    let clips = clips.into_iter();
                    Some(clips.map(|clip| (clip.record, clip.samples)).collect())
                }
                // models of a run are kept without a memory: few are joined, and the clips are here
                Join::Memories | Join::No => {
                    model.latent_cache = store_latents(&model, &clips, self.device)?;
                    None
                }
            };
            let name = self.manifest.speakers[speaker].name.clone();
            Ok(TrainingSource { name, model, clips })
        };
        let parts = members.zip(&cell.models).map(part);
        let parts = parts.collect::<Result<Vec<_>, SweepError>>()?;
        let mut observe = |_: &Progress| self.flow();
        let (joint, seed, device) = (&config.joint, cell.seed, self.device);
        let joint = match against {
            None => nae_joint::join(&parts, joint, seed, device, &mut observe)?,
            Some(against) => {
                let bank = self.bank(cell, against)?;
                join_against(None, &parts, &bank, joint, seed, device, &mut observe)?
            }
        };
        match joint.metadata.training.interrupted {
            true => Err(SweepError::Stopped),
            false => Ok((joint, made_from)),
        }
    }

    /// The training sound of others, which stands for a source without a model.
    fn bank(&self, cell: &Joining, against: &Against) -> Result<Bank, SweepError> {
        let members = &self.manifest.pairs[cell.pair];
        let sound = |&speaker: &usize| {
            let clips = self.training_clips(cell.variant, speaker)?;
            let name = self.manifest.speakers[speaker].name.clone();
            let checksums: Vec<&str> = clips
                .iter()
                .map(|clip| clip.record.sha256.as_str())
                .collect();
            Ok(BankSound {
                record: BankRecord {
                    name,
                    origin: BankOrigin::Clip,
                    sha256: nae_files::sha256_hex(checksums.concat().as_bytes()),
                    duration_s: clips.iter().map(|clip| clip.record.duration_s).sum(),
                },
                clips: clips.into_iter().map(|clip| clip.samples).collect(),
            })
        };
        let sounds = against.speakers.iter().map(sound);
        Ok(Bank {
            name: self.manifest.speakers[members[against.place]].name.clone(),
            sounds: sounds.collect::<Result<_, SweepError>>()?,
        })
    }
}
