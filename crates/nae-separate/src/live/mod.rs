//! Separation of sound that is still coming, frame by frame and with a stated delay.
//!
//! [`Live`] takes a mixture in blocks of any size and gives the stems of the same samples exactly
//! [`Live::latency`] samples later. The masks come from a [`FrameEstimator`]: activations that are
//! optimised frame by frame ([`FrameSolver`]), or a joint encoder (`nae_joint`). The level that the
//! models were trained at is followed as sound comes ([`LevelTracker`]).
//!
//! # Example
//!
//! Any estimator of masks will do. Here, a crossover at an eighth of the bins:
//!
//! ```
//! use nae_model::AudioConfig;
//! use nae_separate::{FrameEstimator, Live, LiveConfig, SeparateError};
//!
//! struct Crossover;
//!
//! impl FrameEstimator for Crossover {
//!     fn sources(&self) -> usize {
//!         2
//!     }
//!
//!     fn look_ahead(&self) -> usize {
//!         0
//!     }
//!
//!     fn estimate(
//!         &mut self,
//!         _magnitude: Option<&[f32]>,
//!         _gain: f64,
//!         masks: &mut [f32],
//!     ) -> Result<(), SeparateError> {
//!         let bins = masks.len() / 2;
//!         for (i, mask) in masks.iter_mut().enumerate() {
//!             let is_low = i % bins < bins / 8;
//!             *mask = if is_low == (i < bins) { 1.0 } else { 0.0 };
//!         }
//!         Ok(())
//!     }
//! }
//!
//! # fn main() -> Result<(), SeparateError> {
//! let names = vec!["low".into(), "high".into()];
//! let audio = AudioConfig { n_fft: 512, hop: 128, ..Default::default() };
//! let mut live = Live::new(names, audio, Box::new(Crossover), &LiveConfig::new(16_000, 1))?;
//! assert_eq!(live.latency(), 511); // 32 ms
//!
//! let mixture: Vec<f32> = (0..4000).map(|n| (0.1 * n as f32).sin()).collect();
//! let mut stems = vec![vec![Vec::new()]; 2];
//! for block in mixture.chunks(160) {
//!     live.push(&[block])?;
//!     live.pull(&mut stems); // as many samples as were pushed
//! }
//! live.flush()?;
//! live.pull(&mut stems);
//! for (n, x) in mixture.iter().enumerate() {
//!     let sum = stems[0][0][n + live.latency()] + stems[1][0][n + live.latency()];
//!     assert!((sum - x).abs() < 1e-6);
//! }
//! # Ok(())
//! # }
//! ```

mod estimator;
mod level;
mod separator;
mod solver;

pub use estimator::FrameEstimator;
pub use level::LevelTracker;
pub use separator::{Live, LiveConfig, LiveLevel};
pub use solver::FrameSolver;
