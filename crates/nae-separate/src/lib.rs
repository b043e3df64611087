//! Pulling the sources of a mixture apart with frozen models.
//!
//! The mixture's compressed magnitudes are explained as a sum of what the sources' decoders say,
//! `|X|^γ ≈ Σᵢ gᵢ(Wᵢ·Hᵢ)`: decoders are frozen, activations are leaf tensors, and the training
//! loss is minimised over them ([`fit`]). Each source's share of the sum is its ratio mask
//! ([`mask`]), which filters the complex mixture ([`stems`]); long sounds go through in
//! overlapping blocks ([`stream`]). Nothing here knows training.

pub mod error;
pub mod fit;
pub mod mask;
pub mod residual;
pub mod settings;
pub mod sources;
pub mod stems;
pub mod stream;

pub use error::SeparateError;
pub use settings::SeparateConfig;
pub use sources::{Separator, Source};
pub use stems::Separated;
pub use stream::{NullDepth, Summary};
