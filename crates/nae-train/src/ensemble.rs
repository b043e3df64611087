//! Ensembles: several models of one source, each of its own kind or seed, whose masks separation
//! averages.
//!
//! Kinds err in different places, so the average of their masks is better than any of them. Each member
//! trains as it would alone with its own recipe and seed, on the CPU several at a time: a thread that
//! trains a small model by itself does more than two that share it.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use burn::tensor::Device;
use nae_kernels::has_threads;
use nae_model::optim::{Flow, Progress};
use nae_model::random::generator;
use nae_model::{Ensemble, Model};
use rand::RngExt;

use crate::Recipe;
use crate::clip::TrainingClip;
use crate::error::TrainError;
use crate::frames::Frames;
use crate::job::Prepared;
use crate::member::{MemberKind, has_default_layers};
use crate::parallel_map::parallel_map;
use crate::segments::SegmentShape;
use crate::train_prepared;

/// One model of an ensemble, or the only one.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Its word in `train.ensemble`; none for the one model that `[model]` describes.
    pub kind: Option<MemberKind>,
    /// What trains it alone: `train.ensemble` is empty.
    pub recipe: Recipe,
    /// Seed of all random draws.
    pub seed: u64,
}

/// A trained ensemble, and what is missing from it.
#[derive(Debug)]
pub struct TrainedEnsemble {
    /// The members, in the order of the recipe's.
    pub ensemble: Ensemble,
    /// What each of them is.
    pub members: Vec<Member>,
    /// Members of `auto` that could not be trained, and why.
    pub failed: Vec<(Member, TrainError)>,
    /// Members that were not begun, as training was stopped before.
    pub not_begun: Vec<Member>,
}

impl Member {
    /// Its word, or the kind of model in settings.
    pub fn word(&self) -> &'static str {
        match (self.kind, self.recipe.model.kind) {
            (Some(kind), _) => kind.word(),
            (None, nae_model::ModelKind::Nae) => "nae",
            (None, nae_model::ModelKind::Nmf) => "nmf",
        }
    }

    /// An error of this member with its word, where it is one of several.
    pub fn explain(&self, error: TrainError, of: usize) -> TrainError {
        match of {
            0 | 1 => error,
            _ => TrainError::Member {
                member: self.word(),
                error: Box::new(error),
            },
        }
    }
}

/// Frames that a factorisation beside other members is trained on at most, two minutes at the default
/// settings, spread evenly over all: every update takes all frames at once, in time and memory, and more
/// than a minute hardly helps.
const FACTORISED_FRAMES: usize = 8192;

impl Recipe {
    /// The models that `train.ensemble` asks for, at least one; the first with `seed`. Members of equal
    /// architecture get seeds of their own.
    pub fn members(&self, seed: u64) -> Vec<Member> {
        let mut members: Vec<Member> = Vec::new();
        for kind in self.member_kinds() {
            let mut recipe = self.clone();
            recipe.train.ensemble.clear();
            if let Some(kind) = kind {
                recipe.model = kind.model(&self.model);
                recipe.train.refine.passes = kind.passes(self.train.refine.passes);
            }
            let is_same = |other: &&Member| other.recipe.model == recipe.model;
            let seed = own_seed(seed, members.iter().filter(is_same).count());
            members.push(Member { kind, recipe, seed });
        }
        members
    }

    /// How the members take sound, each form once: in segments, or (`None`) frame by frame.
    pub fn shapes(&self) -> Vec<Option<SegmentShape>> {
        shapes(&self.members(0))
    }

    fn member_kinds(&self) -> Vec<Option<MemberKind>> {
        let kinds = match self.train.ensemble.as_slice() {
            [MemberKind::Auto] if has_default_layers(&self.model) => &MemberKind::DEFAULTS,
            [MemberKind::Auto] | [] => return vec![None],
            kinds => kinds,
        };
        kinds.iter().copied().map(Some).collect()
    }
}

/// Seed of a member after so many of its architecture.
pub(crate) fn own_seed(seed: u64, before: usize) -> u64 {
    match before {
        0 => seed,
        // 32 bits, which every reader of JSON holds
        again => u64::from(generator(seed, &format!("member {again}")).random::<u32>()),
    }
}

/// How members take sound, each form once: in segments, or (`None`) frame by frame.
pub fn shapes(members: &[Member]) -> Vec<Option<SegmentShape>> {
    let mut shapes = Vec::new();
    for member in members {
        let shape = member.recipe.segments();
        if !shapes.contains(&shape) {
            shapes.push(shape);
        }
    }
    shapes
}

/// Trains all members of `recipe`, on the CPU as many at a time as there are threads.
///
/// - `clips`: clean sound of one source at `recipe.audio.sample_rate`
/// - `observe`: called once a window of steps of every member, from several threads in turn;
///   [`Flow::Stop`] ends training with what there is: members that are finished, and the best so far of
///   those in work
///
/// # Errors
/// [`TrainError`] for settings out of range, clips without enough sound, or a diverging run. Of `auto`,
/// members after the first that fail are left out.
pub fn train_ensemble(
    name: &str,
    clips: &[TrainingClip],
    recipe: &Recipe,
    seed: u64,
    device: &Device,
    observe: &mut (dyn FnMut(&Member, &Progress) -> Flow + Send),
) -> Result<TrainedEnsemble, TrainError> {
    recipe.validate()?;
    let silence_db = recipe.train.silence_db;
    let frames = |shape| Frames::from_clips(clips, &recipe.audio, silence_db, shape);
    let frames = recipe.shapes().into_iter().map(frames);
    let frames = frames.collect::<Result<Vec<_>, _>>()?;
    train_ensemble_frames(name, &frames, recipe, seed, device, observe)
}

/// Trains all members on frames that were made before: what [`train_ensemble`] does from there on.
///
/// - `frames`: with `recipe.audio`, one for each of [`recipe.shapes()`](Recipe::shapes)
///
/// # Errors
/// As [`train_ensemble`].
pub fn train_ensemble_frames(
    name: &str,
    frames: &[Frames],
    recipe: &Recipe,
    seed: u64,
    device: &Device,
    observe: &mut (dyn FnMut(&Member, &Progress) -> Flow + Send),
) -> Result<TrainedEnsemble, TrainError> {
    recipe.validate()?;
    let members = recipe.members(seed);
    let begun = Begun {
        name,
        frames,
        members: &members,
        parents: &[],
        may_fail: recipe.train.ensemble == [MemberKind::Auto],
    };
    begun.train(device, observe)
}

/// Members that are about to be trained.
pub(crate) struct Begun<'a> {
    pub name: &'a str,
    /// One for each of [`shapes`] of the members.
    pub frames: &'a [Frames],
    pub members: &'a [Member],
    /// What members go on from, one for each; none for members that begin with random weights.
    pub parents: &'a [Model],
    /// Whether members after the first that fail are left out.
    pub may_fail: bool,
}

impl Begun<'_> {
    /// What is wrong with the clips is said before any time is spent.
    fn jobs(&self) -> Result<Vec<Prepared<'_>>, TrainError> {
        let shapes = shapes(self.members);
        let mut jobs = Vec::with_capacity(self.members.len());
        for (i, member) in self.members.iter().enumerate() {
            let shape = member.recipe.segments();
            let place = shapes.iter().position(|other| *other == shape);
            let frames = place.and_then(|place| self.frames.get(place));
            let frames = frames.ok_or(TrainError::NoClips)?;
            let is_long = frames.magnitude.frames() > FACTORISED_FRAMES;
            let frames = match (member.kind, shape) {
                (Some(MemberKind::Nmf), None) if is_long => {
                    Cow::Owned(frames.spread(FACTORISED_FRAMES))
                }
                _ => Cow::Borrowed(frames),
            };
            let prepared = Prepared::new(self.name, &member.recipe, member.seed, frames);
            let prepared = prepared.map_err(|error| member.explain(error, self.members.len()))?;
            jobs.push(prepared.from(self.parents.get(i)));
        }
        Ok(jobs)
    }

    /// Trains them.
    pub fn train(
        &self,
        device: &Device,
        observe: &mut (dyn FnMut(&Member, &Progress) -> Flow + Send),
    ) -> Result<TrainedEnsemble, TrainError> {
        let jobs = self.jobs()?;
        let (members, may_fail) = (self.members, self.may_fail);
        let is_over = AtomicBool::new(false);
        let observe = Mutex::new(observe);
        let train = |i: &usize| {
            let (i, member) = (*i, &members[*i]);
            if is_over.load(Ordering::Relaxed) {
                return None;
            }
            let outcome = train_prepared(&jobs[i], device, &mut |progress| {
                // a thread that panicked has nothing to say any more
                let mut observe = observe.lock().unwrap_or_else(PoisonError::into_inner);
                match is_over.load(Ordering::Relaxed) {
                    true => Flow::Stop,
                    false => observe(member, progress),
                }
            });
            let ends_all = match &outcome {
                Ok(model) => model.metadata.training.interrupted,
                Err(_) => i == 0 || !may_fail,
            };
            if ends_all {
                is_over.store(true, Ordering::Relaxed);
            }
            Some(outcome)
        };
        let places: Vec<usize> = (0..members.len()).collect();
        let outcomes: Vec<_> = match has_threads(device) {
            true => parallel_map(&places, train),
            false => places.iter().map(train).collect(),
        };
        let mut models: Vec<Model> = Vec::new();
        let (mut trained, mut failed, mut not_begun) = (Vec::new(), Vec::new(), Vec::new());
        for (member, outcome) in self.members.iter().zip(outcomes) {
            match outcome {
                None => not_begun.push(member.clone()),
                Some(Ok(model)) => {
                    models.push(model);
                    trained.push(member.clone());
                }
                Some(Err(error)) if may_fail && !models.is_empty() => {
                    failed.push((member.clone(), error));
                }
                Some(Err(error)) => return Err(member.explain(error, members.len())),
            }
        }
        Ok(TrainedEnsemble {
            ensemble: Ensemble::new(models)?,
            members: trained,
            failed,
            not_begun,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nae_model::ModelKind;

    fn words(recipe: &Recipe) -> Vec<&'static str> {
        recipe.members(0).iter().map(Member::word).collect()
    }

    #[test]
    fn auto_is_an_ensemble_unless_the_model_is_described() {
        let mut recipe = Recipe::default();
        assert_eq!(words(&recipe), ["dense", "nmf"]);
        recipe.model.rank = 20;
        assert_eq!(words(&recipe), ["dense", "nmf"]);
        let changes: [fn(&mut Recipe); 5] = [
            |r| r.model.kind = ModelKind::Nmf,
            |r| r.model.layers = 2,
            |r| r.model.widths = vec![9, 100, 9],
            |r| r.model.span = 2,
            |r| r.model.cell = nae_model::config::Cell::Rnn,
        ];
        for change in changes {
            let mut recipe = Recipe::default();
            change(&mut recipe);
            let members = recipe.members(3);
            assert_eq!(members.len(), 1);
            assert_eq!((members[0].kind, members[0].seed), (None, 3));
            assert_eq!(members[0].recipe.model, recipe.model);
        }
    }

    #[test]
    fn no_word_is_the_model_that_settings_describe() {
        let mut recipe = Recipe::default();
        recipe.train.ensemble.clear();
        assert_eq!(words(&recipe), ["nae"]);
        assert_eq!(recipe.members(7)[0].recipe, recipe);
    }

    #[test]
    fn members_of_one_architecture_have_seeds_of_their_own() {
        let mut recipe = Recipe::default();
        recipe.model.layers = 2;
        let (dense, shallow) = (MemberKind::Dense, MemberKind::Shallow);
        recipe.train.ensemble = vec![dense, MemberKind::Nmf, shallow, dense];
        let seeds: Vec<u64> = recipe.members(5).iter().map(|m| m.seed).collect();
        assert_eq!(seeds[..2], [5, 5]);
        assert!(
            seeds[2] != 5 && seeds[3] != 5 && seeds[2] != seeds[3],
            "{seeds:?}"
        );
        let again: Vec<u64> = recipe.members(5).iter().map(|m| m.seed).collect();
        assert_eq!(seeds, again);
    }
}
