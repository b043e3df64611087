//! Training that goes on from a model: more sound of the same source, or the same source in another room
//! or through another microphone.
//!
//! Every member begins with the weights of the model's, its bases brought to the new sound's spectrum
//! (`equalize`), and takes fewer and smaller steps than a new model: a few seconds of
//! sound would otherwise make it forget what it has learnt.

use burn::tensor::Device;
use nae_model::Ensemble;
use nae_model::optim::{Flow, Progress};

use crate::Recipe;
use crate::ensemble::{Begun, Member, TrainedEnsemble, own_seed};
use crate::error::TrainError;
use crate::frames::Frames;
use crate::member::MemberKind;
use crate::settings::TrainConfig;

/// `[train]` for training that goes on, where a user has not said otherwise.
///
/// - `is_given`: whether a user has set a key, such as `max_steps` or `refine.passes`
pub fn continued(train: &TrainConfig, is_given: impl Fn(&str) -> bool) -> TrainConfig {
    let mut train = train.clone();
    let mut set = |key: &str, change: &dyn Fn(&mut TrainConfig)| {
        if !is_given(key) {
            change(&mut train);
        }
    };
    set("max_steps", &|train| train.max_steps = 25);
    set("learning_rate", &|train| train.learning_rate = 3e-4);
    set("refine.passes", &|train| train.refine.passes = 8);
    set("refine.decoder_rate", &|train| {
        train.refine.decoder_rate = 1e-3;
    });
    set("nmf.updates", &|train| train.nmf.updates = 3);
    train
}

/// The members of a model that training goes on from, each with its architecture.
///
/// - `train`: of [`continued`]
/// - `seed`: of all random draws
pub fn members_of(parent: &Ensemble, train: &TrainConfig, seed: u64) -> Vec<Member> {
    let is_several = parent.members().len() > 1;
    let mut members: Vec<Member> = Vec::new();
    for model in parent.members() {
        let settings = model.metadata.architecture.settings();
        let kind = is_several.then(|| MemberKind::of(&settings));
        let mut recipe = Recipe {
            audio: model.metadata.audio,
            model: settings,
            train: train.clone(),
        };
        recipe.train.ensemble.clear();
        if let Some(kind) = kind {
            recipe.train.refine.passes = kind.passes(train.refine.passes);
        }
        let is_same = |other: &&Member| other.recipe.model == recipe.model;
        let seed = own_seed(seed, members.iter().filter(is_same).count());
        members.push(Member { kind, recipe, seed });
    }
    members
}

/// Goes on with the training of all models of `parent`, on the CPU as many at a time as there are threads.
///
/// - `frames`: with the parent's audio settings, one for each of the members' [`shapes`](crate::shapes)
/// - `members`: of [`members_of`] the parent
/// - `observe`: as in [`train_ensemble`](crate::train_ensemble)
///
/// # Errors
/// [`TrainError`] for settings out of range, clips without enough sound, or a diverging run.
pub fn continue_ensemble_frames(
    name: &str,
    frames: &[Frames],
    parent: &Ensemble,
    members: &[Member],
    device: &Device,
    observe: &mut (dyn FnMut(&Member, &Progress) -> Flow + Send),
) -> Result<TrainedEnsemble, TrainError> {
    for member in members {
        member.recipe.train.validate()?;
        member.recipe.check_size()?;
    }
    let begun = Begun {
        name,
        frames,
        members,
        parents: parent.members(),
        may_fail: false,
    };
    begun.train(device, observe)
}
