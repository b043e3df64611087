//! The energies of the parts of an estimate: from the projections' own energies where these are known
//! well enough, else summed sample by sample.

use super::ratios::Energies;
use crate::projection::Projection;
use crate::simd::vectorised;

/// The greatest share of an energy that rounding may have made: 10⁻⁹ dB.
const FORM_ERROR: f64 = 1e-10;

/// The energies of the parts of an estimate of the given energy, for each of its targets, as differences
/// of the projections' energies (`e_artif` is orthogonal to the span of all references, `e_interf` to that
/// of the target); `on_own` is empty when there is one reference.
///
/// `None` where a difference is too small to be known well: then the parts themselves must be formed.
pub(super) fn energies_of_forms(
    energy: f64,
    on_all: &Projection,
    on_own: &[Projection],
) -> Option<Vec<Energies>> {
    let all = on_all.energy?;
    let targets = if on_own.is_empty() {
        std::slice::from_ref(on_all)
    } else {
        on_own
    };
    let energies = targets.iter().map(|own| {
        let own = own.energy?;
        let parts = Energies {
            target: own.value,
            interference: all.value - own.value,
            artefacts: energy - all.value,
            distortion: energy - own.value,
            references: all.value,
        };
        let error = own.error + all.error + f64::EPSILON * energy;
        let least = [parts.target, parts.artefacts]
            .into_iter()
            .chain((!on_own.is_empty()).then_some(parts.interference))
            .fold(f64::INFINITY, f64::min);
        (error < FORM_ERROR * least).then_some(parts)
    });
    energies.collect()
}

/// Running sums of each energy: they fill the vector registers.
const LANES: usize = 8;

/// [`Energies`] in running sums.
#[derive(Debug, Clone, Default)]
pub(super) struct RunningEnergies {
    target: [f64; LANES],
    interference: [f64; LANES],
    artefacts: [f64; LANES],
    distortion: [f64; LANES],
    references: [f64; LANES],
}

impl RunningEnergies {
    /// Adds one block: the estimate and its two projections, of one length.
    pub(super) fn add(&mut self, estimate: &[f64], all: &[f64], own: &[f64]) {
        let (estimate, estimate_rest) = estimate.as_chunks::<LANES>();
        let (all, all_rest) = all.as_chunks::<LANES>();
        let (own, own_rest) = own.as_chunks::<LANES>();
        vectorised(
            #[inline(always)]
            || {
                for ((estimate, all), own) in estimate.iter().zip(all).zip(own) {
                    for lane in 0..LANES {
                        self.add_sample(lane, estimate[lane], all[lane], own[lane]);
                    }
                }
            },
        );
        for ((estimate, all), own) in estimate_rest.iter().zip(all_rest).zip(own_rest) {
            self.add_sample(0, *estimate, *all, *own);
        }
    }

    #[inline(always)]
    fn add_sample(&mut self, lane: usize, estimate: f64, all: f64, own: f64) {
        self.target[lane] += own * own;
        self.references[lane] += all * all;
        self.interference[lane] += (all - own) * (all - own);
        self.artefacts[lane] += (estimate - all) * (estimate - all);
        self.distortion[lane] += (estimate - own) * (estimate - own);
    }

    pub(super) fn total(&self) -> Energies {
        let sum = |lanes: &[f64; LANES]| lanes.iter().sum::<f64>();
        Energies {
            target: sum(&self.target),
            interference: sum(&self.interference),
            artefacts: sum(&self.artefacts),
            distortion: sum(&self.distortion),
            references: sum(&self.references),
        }
    }
}
