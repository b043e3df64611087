//! Many clips at once.

use std::sync::Mutex;

use nae_audio::Clip;
use nae_kernels::Parallelism;
use nae_model::optim::{Flow, Progress};
use rayon::prelude::*;

use crate::activation_solver::{BatchItem, estimate_batch, group_into_batches};
use crate::error::SeparateError;
use crate::separator::{Masks, Separator};
use crate::stems::{MixtureSpectra, Separated};

/// Observes progress from several threads, one at a time.
type SharedObserver<'a, 'b> = Mutex<&'a mut (dyn FnMut(&Progress) -> Flow + Send + 'b)>;

/// Separates many clips, in their order, each as [`Separator::separate`] does. Activations of models
/// of the same shapes, with the same settings, are optimised in batches as large as memory allows; on
/// the CPU each thread has its own batch. Clips of other mask estimators follow one by one.
///
/// - `observe`: called once a window of steps of every batch, from several threads in turn;
///   [`Flow::Stop`] ends everything with the best so far
///
/// # Errors
/// Every clip's own, as for [`Separator::separate`].
pub fn separate_many(
    clips: &[(&Separator, &Clip)],
    observe: &mut (dyn FnMut(&Progress) -> Flow + Send),
) -> Vec<Result<Separated, SeparateError>> {
    let spectra: Vec<_> = clips
        .par_iter()
        .map(|(separator, clip)| MixtureSpectra::new(clip, separator.audio))
        .collect();
    let observe = Mutex::new(observe);
    let mut masks = masks_of_batches(clips, &spectra, &observe);
    // other estimators, and silence
    for (masks, ((separator, _), spectra)) in masks.iter_mut().zip(clips.iter().zip(&spectra)) {
        if masks.is_none()
            && let Ok(spectra) = spectra
        {
            let observe = &mut |progress: &Progress| report(&observe, progress);
            *masks = Some(separator.masks(&spectra.magnitude, observe));
        }
    }
    let jobs: Vec<_> = clips.iter().zip(spectra).zip(masks).collect();
    jobs.into_par_iter()
        .map(|(((separator, clip), spectra), masks)| {
            let spectra = spectra?;
            let masks = masks.unwrap_or(Err(SeparateError::NoSources))?;
            separator.synthesize(clip, &spectra, masks)
        })
        .collect()
}

/// Masks of the clips whose activations are optimised; `None` for the others.
fn masks_of_batches(
    clips: &[(&Separator, &Clip)],
    spectra: &[Result<MixtureSpectra, SeparateError>],
    observe: &SharedObserver<'_, '_>,
) -> Vec<Option<Result<Masks, SeparateError>>> {
    let items: Vec<_> = clips
        .iter()
        .zip(spectra)
        .map(|((separator, _), spectra)| batch_item(separator, spectra.as_ref().ok()?))
        .collect();
    let batches = group_into_batches(&items);
    let parallelism = match batches.as_slice() {
        [only] if only.len() == 1 => Parallelism::Frames,
        _ => Parallelism::Batch,
    };
    let estimate = |batch: &Vec<usize>| {
        let own: Vec<_> = batch.iter().filter_map(|&i| items[i]).collect();
        estimate_batch(&own, parallelism, &mut |progress| report(observe, progress))
    };
    let estimates: Vec<_> = batches.par_iter().map(estimate).collect();
    let mut masks: Vec<Option<_>> = clips.iter().map(|_| None).collect();
    for (batch, estimates) in batches.iter().zip(estimates) {
        for (&i, estimate) in batch.iter().zip(estimates) {
            masks[i] = Some(estimate.and_then(Masks::download));
        }
    }
    masks
}

/// What is to be solved of a mixture: nothing for silence, nor for other estimators.
fn batch_item<'a>(separator: &'a Separator, spectra: &'a MixtureSpectra) -> Option<BatchItem<'a>> {
    Some(BatchItem {
        solver: separator.activation_solver()?,
        mixture: &spectra.magnitude,
        gain: separator.gain_for(&spectra.magnitude)?,
    })
}

fn report(observe: &SharedObserver<'_, '_>, progress: &Progress) -> Flow {
    // a panic on another thread leaves the observer as usable as it was
    let mut observe = observe
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    observe(progress)
}
