//! How the learning rate changes over a run.

use nae_config::Choice;
use serde::{Deserialize, Serialize};

/// Course of the learning rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// The same at every step.
    Constant,
    /// Half a cosine from the full rate to a hundredth of it.
    Cosine,
}

impl Choice for Schedule {}

impl Schedule {
    /// Learning rate at `step` (from 0) of `steps`.
    pub fn rate(self, full: f64, step: usize, steps: usize) -> f64 {
        const LAST: f64 = 0.01;
        match self {
            Self::Constant => full,
            Self::Cosine => {
                let progress = step as f64 / steps.max(1) as f64;
                let cosine = 0.5 * (1.0 + (std::f64::consts::PI * progress.min(1.0)).cos());
                full * (LAST + (1.0 - LAST) * cosine)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosine_falls_from_the_full_rate_to_a_hundredth() {
        let rates: Vec<f64> = (0..=10)
            .map(|step| Schedule::Cosine.rate(2.0, step, 10))
            .collect();
        assert_eq!(rates[0], 2.0);
        assert!((rates[10] - 0.02).abs() < 1e-12);
        assert!(rates.windows(2).all(|pair| pair[1] < pair[0]));
        assert_eq!(Schedule::Constant.rate(2.0, 7, 10), 2.0);
    }
}
