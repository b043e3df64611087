//! Hidden units that respond to nothing.

use burn::tensor::{Device, Tensor};
use nae_model::spectra::{read, upload};
use nae_model::{HiddenUnits, Network};

use crate::error::TrainError;
use crate::job::Prepared;

/// Frames of training sound at most that units are tried on (about half a minute).
const TRIED_FRAMES: usize = 2048;

/// A unit is dead whose output changes by less than this part of the most that one of its layer's
/// changes by.
const DEAD: f32 = 1e-3;

/// Counts the hidden units of a trained network on its training sound; `None` for kinds that have
/// none.
pub(crate) fn hidden_units(
    network: &Network,
    job: &Prepared<'_>,
    device: &Device,
) -> Result<Option<HiddenUnits>, TrainError> {
    let architecture = job.recipe.model.architecture();
    if !architecture.has_encoder() {
        return Ok(None);
    }
    let frames = &job.frames;
    let tried: Vec<usize> = (0..frames.magnitude.frames().min(TRIED_FRAMES)).collect();
    let counts = |frame: &usize| frames.counted[*frame];
    let counted: Vec<usize> = tried.iter().copied().filter(counts).collect();
    let sound = (&frames.magnitude.select(&tried), frames.gain);
    let x = upload(&[sound], architecture.compression(), device);
    let encoding = network.encode(x);
    let decoding = network.decode(encoding.latent.clone());
    let mut units = HiddenUnits { all: 0, dead: 0 };
    for layer in encoding.layers().chain(&decoding.hidden) {
        let changes = changes(layer, &counted)?;
        let most = changes.iter().copied().fold(0.0, f32::max);
        units.all += changes.len();
        units.dead += changes.iter().filter(|&&x| x <= DEAD * most).count();
    }
    Ok(Some(units))
}

/// By how much each unit's output changes over some frames.
///
/// # Shapes
/// - `outputs`: `[1, units, frames]`
fn changes(outputs: &Tensor<3>, frames: &[usize]) -> Result<Vec<f32>, TrainError> {
    let [_, _, count] = outputs.dims();
    let values = read(outputs.clone())?;
    let of_unit = |row: &[f32]| {
        let at = || frames.iter().map(|&frame| row[frame]);
        let (low, high) = (at().fold(f32::INFINITY, f32::min), at().fold(0.0, f32::max));
        (high - low).max(0.0)
    };
    Ok(values.chunks_exact(count.max(1)).map(of_unit).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nae_model::init::from_host;

    #[test]
    fn units_change_by_their_range_over_the_frames_that_count() {
        let values = vec![1.0, 5.0, 2.0, 9.0, 0.3, 0.3, 0.3, 0.3];
        let outputs = from_host(values, [1, 2, 4], &Device::flex());
        assert_eq!(changes(&outputs, &[0, 1, 2]).unwrap(), [4.0, 0.0]);
    }
}
