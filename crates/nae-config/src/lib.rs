//! Settings, declared once.
//!
//! [`settings!`] turns one list of fields into a plain struct with its documentation, defaults and
//! serde implementations, and into the list of [`Field`]s that help, error messages and
//! [`document`] are made of. Every number has a [`Range`], checked by [`Settings::check`] wherever
//! settings enter: from a configuration file, from `--set`, or from a stored file.
//!
//! ```
//! use nae_config::{CrossCheck, Settings};
//!
//! nae_config::settings! {
//!     /// The `[filter]` settings.
//!     #[derive(Clone, Debug, PartialEq)]
//!     pub struct FilterConfig {
//!         /// Cut-off frequency.
//!         pub cutoff: f64 = 1000.0, in 1.0..=20_000.0, unit "Hz";
//!         /// Order of the filter.
//!         pub order: usize = 4, in 1..=16, try "2 or 4";
//!         /// Resonance; a later version added it, and 0 is how filters were before.
//!         pub resonance: f64 = 0.5, in 0.0..=1.0, was 0.0;
//!     }
//! }
//! impl CrossCheck for FilterConfig {}
//!
//! let config = FilterConfig { order: 99, ..FilterConfig::default() };
//! assert_eq!(
//!     config.check("filter").unwrap_err().to_string(),
//!     "`filter.order` is 99, but it must be at least 1 and at most 16. Try 2 or 4."
//! );
//! ```
//!
//! Identities of results and settings stored in files use a [`canonical`] text. Configuration files
//! are read strictly: [`Keys`] refuses a key that is not known and names the nearest one that is,
//! [`Assignment`] reads `KEY=VALUE`, [`grid`] expands lists and ranges of values.

mod assignment;
pub mod canonical;
mod declare;
mod document;
mod error;
mod field;
mod file;
pub mod grid;
mod keys;
mod range;
mod setting;

pub use assignment::{Assignment, value_of};
pub use canonical::Canonical;
pub use document::document;
pub use error::{ConfigError, OutOfRange, UnknownKey};
pub use field::{Content, Field, known};
pub use file::read;
pub use keys::{ANY, Keys, overlay, put};
pub use range::Range;
pub use setting::{Choice, CrossCheck, Rule, Setting, Settings, words};

// for `settings!`
#[doc(hidden)]
pub use error::full_key;
#[doc(hidden)]
pub use serde_json::Value as Json;
