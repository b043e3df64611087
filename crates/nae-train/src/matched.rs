//! Initial weights that are matched to training sound.

use nae_model::Network;

use crate::seeds::Seeds;
use crate::spectra::Spectra;

/// Frames of training sound at most that initial weights are matched to (about a minute).
const MATCHED_FRAMES: usize = 4096;

/// Networks with initial weights that are excerpts of their training sound.
///
/// - `counted`: for every model, whether each of its frames counts
pub(crate) fn match_networks(
    networks: Vec<Network>,
    spectra: &Spectra,
    counted: &[Vec<bool>],
    seeds: &Seeds,
) -> Vec<Network> {
    let rngs = seeds.generators("matched weights");
    let own = networks.into_iter().zip(counted).zip(rngs).enumerate();
    let matched = own.map(|(i, ((network, counted), mut rng))| {
        let frames = counted.len().min(MATCHED_FRAMES);
        let at: Vec<usize> = (0..frames).filter(|&frame| counted[frame]).collect();
        if at.is_empty() {
            return network;
        }
        let x = spectra.values.clone().narrow(0, i, 1);
        network.matched(&x.narrow(2, 0, frames), &at, &mut rng)
    });
    matched.collect()
}
