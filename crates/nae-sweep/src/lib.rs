//! Experiments: planned from one file, run by any number of workers, collected into one table.
//!
//! An [`Experiment`] names the recordings, the systems to compare and the grid of settings; a
//! [`Manifest`] lists its cells. A cell is one trained model, one joint encoder of a pair's models
//! (for systems that [`join`](system_config::Join) them), or one mixture that is separated and
//! scored. Sources of a mixture may have no model: then bases that are learnt on the mixture, or a
//! universal model that the run puts together from others, stand in for it
//! ([`UnknownModel`](unknown_model::UnknownModel)). A cell's identity ([`cell`]) is a hash of the settings that matter to it, of the checksums of
//! its sound and of [`cell::SCHEMA`]: each cell is computed once, and a result is never used for
//! other settings. Results are published in a run folder ([`store`]) whole or not at all, so a run
//! can be killed at any time and resumed; workers share a folder through locks
//! ([`nae_files::FileLock`]), on one machine or, as a Slurm job array ([`slurm`]), on many.
//! [`collect`] makes a table of the finished cells.
//!
//! ```text
//! experiment.toml ─ plan ─▶ RUN/manifest.json ─ run (× workers) ─▶ RUN/models, RUN/joints, RUN/scores ─ collect ─▶ rows
//! ```
//!
//! # Example
//!
//! ```
//! use burn::tensor::Device;
//! use nae_sweep::{
//!     Experiment, Manifest, OnFailure, Options, Parallelism, RetryPolicy, Share, Store,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let run = folder.path().join("run");
//! let smaller = ["model.rank=4", "train.max_steps=5"].map(String::from);
//! let experiment = Experiment::load("../../configs/smoke.toml".as_ref(), &smaller)?;
//! let manifest = Manifest::plan(&experiment)?;
//! let store = Store::create(&run, &experiment.to_toml()?, &manifest)?;
//! let options = Options {
//!     share: Share::ALL,
//!     parallelism: Parallelism::Cells(2),
//!     on_failure: OnFailure::KeepGoing,
//!     retry_policy: RetryPolicy::Skip,
//! };
//! nae_sweep::run(&store, &options, &Device::flex(), &|| false, &|event| eprintln!("{event:?}"))?;
//! let table = nae_sweep::collect::table(&store)?;
//! let csv = String::from_utf8(table.to_csv()?)?;
//! assert_eq!(csv.lines().count(), 1 + 4 * 2 * 2 * 2); // systems, pairs, mixtures, sources
//! # Ok(())
//! # }
//! ```

pub mod cell;
mod cell_settings;
pub mod collect;
mod cost;
pub mod data;
pub mod dataset;
mod error;
mod event;
mod executor;
pub mod experiment;
mod experiment_file;
#[cfg(test)]
mod fakes;
mod id;
mod keys;
pub mod listening;
pub mod lists;
pub mod manifest;
mod manifest_check;
mod metric_groups;
pub mod mixtures;
mod noise_folder;
mod options;
mod overrides;
pub mod pair_rule;
mod pairs;
mod pending;
mod planner;
pub mod pool;
mod queue;
mod records;
pub mod repeat;
mod results;
mod run_folder;
mod scanner;
pub mod scenario;
mod scratch_directory;
mod share;
pub mod slurm;
mod sound;
mod source_files;
pub mod stand_in;
pub mod status;
mod stems;
pub mod store;
mod survey;
pub mod system;
pub mod system_config;
pub mod table;
mod tally;
pub mod unknown_model;
pub mod unknown_sources;
pub mod worker;

pub use error::SweepError;
pub use event::Event;
pub use experiment::Experiment;
pub use manifest::Manifest;
pub use options::{OnFailure, Options, Parallelism, RetryPolicy};
pub use records::{Failure, Joined, Outcome, ScoreMap, Seal, Trained, Unreadable};
pub use scratch_directory::ScratchDirectory;
pub use share::Share;
pub use store::Store;
pub use system_config::SystemConfig;
pub use tally::Tally;
pub use worker::run;
