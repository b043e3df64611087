//! The frozen decoders of all sources.

use burn::tensor::{Device, Gradients, Tensor};
use nae_model::frame::FrameLayers;
use nae_model::parameters::has_gradient;
use nae_model::{Architecture, Decoder, Latent, Network};
use nae_separate::mask::change_exponent;

use crate::error::JointError;

/// Keeps gradients finite where spectra of different compression are brought together.
pub(crate) const EPS: f64 = 1e-7;

/// One source's decoder.
#[derive(Clone, Debug)]
struct FrozenDecoder {
    decoder: Decoder,
    rank: usize,
    /// From the source's compression to amplitudes whose squares enter the ratio masks.
    exponent: f64,
}

/// Maps the activations of all sources to their amplitudes.
#[derive(Clone, Debug)]
pub struct Decoders {
    sources: Vec<FrozenDecoder>,
    networks: Vec<(Architecture, Network)>,
    mask_exponent: f64,
}

impl Decoders {
    /// Freezes the decoders on `device`: they have no gradients.
    ///
    /// - `networks`: every source's architecture and network, which needs no encoder
    /// - `mask_exponent`: of the ratio masks, on spectra of the strongest compression among the
    ///   models'
    pub fn new(
        networks: Vec<(Architecture, Network)>,
        mask_exponent: f64,
        device: &Device,
    ) -> Self {
        let compressions = networks
            .iter()
            .map(|(architecture, _)| architecture.compression());
        let strongest = compressions.fold(1.0, f64::min);
        let freeze = |(architecture, network): &(Architecture, Network)| {
            let decoder = network.decoder(Latent::Bottleneck, device);
            FrozenDecoder {
                rank: decoder.rank(),
                decoder,
                exponent: strongest / architecture.compression() * mask_exponent / 2.0,
            }
        };
        Self {
            sources: networks.iter().map(freeze).collect(),
            networks,
            mask_exponent,
        }
    }

    /// The same on another device.
    pub fn to_device(&self, device: &Device) -> Self {
        Self::new(self.networks.clone(), self.mask_exponent, device)
    }

    /// Activations of all sources together.
    pub fn rank(&self) -> usize {
        self.sources.iter().map(|source| source.rank).sum()
    }

    /// Every source's own activations.
    ///
    /// # Shapes
    /// - `activations`: `[Σ rank, frames]`
    /// - output: `[rank, frames]` each
    pub fn split(&self, activations: Tensor<2>) -> Vec<Tensor<2>> {
        let mut first = 0;
        let own = self.sources.iter().map(|source| {
            let own = activations.clone().narrow(0, first, source.rank);
            first += source.rank;
            own
        });
        own.collect()
    }

    /// Every source's amplitudes: masks are their squares over the sum of squares.
    ///
    /// - `segment`: frames of a mixture, of which there may be several, one after the other
    ///
    /// # Shapes
    /// - `activations`: `[Σ rank, frames]`
    /// - output: `[bins, frames]` each, non-negative
    pub fn amplitudes(&self, activations: Tensor<2>, segment: usize) -> Vec<Tensor<2>> {
        let activations = self.split(activations).into_iter();
        let decoded = activations.zip(&self.sources).map(|(h, source)| {
            let spectrum = source.decoder.decode_segments(h.unsqueeze(), segment);
            let spectrum = spectrum.squeeze_dim::<2>(0);
            change_exponent(spectrum, source.exponent, EPS)
        });
        decoded.collect()
    }

    /// Every source's decoder frame by frame, and the exponent from its spectra to its amplitudes.
    ///
    /// # Errors
    /// [`JointError::NotLive`] for a decoder that cannot; [`JointError::Model`] if the numbers cannot be
    /// read back.
    pub(crate) fn frame_layers(&self) -> Result<Vec<(FrameLayers, f64)>, JointError> {
        let layers = |source: &FrozenDecoder| {
            let layers = source.decoder.frame_layers()?;
            let layers = layers.ok_or_else(|| JointError::NotLive {
                reason: "one of its models decodes whole recordings only".into(),
            })?;
            Ok((layers, source.exponent))
        };
        self.sources.iter().map(layers).collect()
    }

    /// Whether a backward pass left a gradient at any of the decoders' parameters, which it never does.
    pub fn have_gradient(&self, gradients: &Gradients) -> bool {
        let mut sources = self.sources.iter();
        sources.any(|source| has_gradient(&source.decoder, gradients))
    }
}
