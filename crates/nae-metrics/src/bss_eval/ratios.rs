//! SDR, SIR and SAR, and the energies they are ratios of.

use crate::decibel::ratio_db;

/// What an estimate is worth, in dB. The higher the better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratios {
    /// Signal to distortion: the target against everything else.
    pub sdr: f64,
    /// Signal to interference: the target against the other references. +∞ when there are none.
    pub sir: f64,
    /// Signal to artefacts: all references against what comes from none of them.
    pub sar: f64,
}

/// Energies of the parts of an estimate.
pub(super) struct Energies {
    pub target: f64,
    pub interference: f64,
    pub artefacts: f64,
    /// Interference and artefacts together.
    pub distortion: f64,
    /// Target and interference together.
    pub references: f64,
}

impl Energies {
    pub(super) fn ratios(&self) -> Ratios {
        Ratios {
            sdr: ratio_db(self.target, self.distortion),
            sir: ratio_db(self.target, self.interference),
            sar: ratio_db(self.references, self.artefacts),
        }
    }
}
