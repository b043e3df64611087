//! Enums over a list of kinds: one variant a kind, and every call handed on to it.

/// Makes the enums `Architecture`, `Network` and `Decoder` of a list of kinds, each
/// `Variant = "kind in files": architecture, network, decoder;`. The first takes the settings that no
/// other claims, and the files that name no kind.
///
/// The crate's front page shows a list with one kind more.
#[macro_export]
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $tag:tt : $architecture:ident, $network:ident, $decoder:ident;)+) => {
        /// What a model file keeps of a model besides its numbers: one variant a kind. Serialised it
        /// is the kind's own form with `kind` in front.
        #[derive(Clone, Debug, PartialEq, ::serde::Serialize)]
        #[serde(tag = "kind")]
        pub enum Architecture {
            $($(#[$doc])* #[serde(rename = $tag)] $kind($architecture),)+
        }

        impl Architecture {
            /// The architecture that settings lead to.
            ///
            /// `settings` must have passed their own check of ranges.
            pub fn from_settings(settings: &$crate::ModelConfig) -> Self {
                $(
                    if <$architecture as $crate::architecture::ArchitectureKind>::claims(settings) {
                        return Self::$kind($crate::architecture::ArchitectureKind::from_settings(settings));
                    }
                )+
                $crate::kinds!(@first $($kind)+, settings)
            }

            /// Settings that lead to this architecture.
            pub fn settings(&self) -> $crate::ModelConfig {
                $crate::kinds!(@architecture self, $($kind)+, own => own.settings())
            }

            /// One model's network for spectra of `bins` bins, with weights drawn from `rng`.
            pub fn network(
                &self,
                bins: usize,
                rng: &mut ::rand::rngs::ChaCha8Rng,
                device: &::burn::tensor::Device,
            ) -> Network {
                Network::new(self, bins, $crate::network::Extent::Whole, rng, device)
            }

            /// Checks every range, as files from anywhere need.
            ///
            /// # Errors
            /// [`ModelError::Setting`]($crate::ModelError::Setting) naming the first field that is
            /// out of range.
            pub fn validate(&self) -> Result<(), $crate::ModelError> {
                $crate::kinds!(@architecture self, $($kind)+, own => own.validate())
            }

            /// What tables call the kind: `NAE`.
            pub fn name(&self) -> &'static str {
                $crate::kinds!(@architecture self, $($kind)+, own => own.name())
            }

            /// The architecture in a few words: `NAE with 4 layers and rank 100`.
            pub fn describe(&self) -> String {
                $crate::kinds!(@architecture self, $($kind)+, own => own.describe())
            }

            /// Activations that a frame has.
            pub fn rank(&self) -> usize {
                $crate::kinds!(@architecture self, $($kind)+, own => own.rank())
            }

            /// Exponent γ in (0, 1]: the model describes `|X|^γ`.
            pub fn compression(&self) -> f64 {
                $crate::kinds!(@architecture self, $($kind)+, own => own.compression())
            }

            /// Layers of encoder and decoder together.
            pub fn depth(&self) -> usize {
                $crate::kinds!(@architecture self, $($kind)+, own => own.depth())
            }

            /// Whether there is an encoder.
            pub fn has_encoder(&self) -> bool {
                $crate::kinds!(@architecture self, $($kind)+, own => own.has_encoder())
            }

            /// Frames of activations that the decoder's estimate of one frame depends on.
            pub fn context(&self) -> $crate::architecture::Context {
                $crate::kinds!(@architecture self, $($kind)+, own => own.context())
            }

            /// Frames of the spectrum that one frame's activations, read by the encoder, depend on.
            pub fn encoder_context(&self) -> $crate::architecture::Context {
                $crate::kinds!(@architecture self, $($kind)+, own => own.encoder_context())
            }

            /// How weights are trained.
            pub fn training_method(&self) -> $crate::architecture::TrainingMethod {
                $crate::kinds!(@architecture self, $($kind)+, own => own.training_method())
            }

            /// Names and shapes of all tensors, or the decoder's, for spectra of `bins` bins.
            pub fn tensors(
                &self,
                bins: usize,
                extent: $crate::network::Extent,
            ) -> Vec<$crate::architecture::TensorSpec> {
                let all = $crate::kinds!(@architecture self, $($kind)+, own => own.tensors(bins));
                $crate::architecture::within(all, extent)
            }

            /// What a model costs for spectra of `bins` bins.
            pub fn cost(&self, bins: usize) -> $crate::architecture::Cost {
                $crate::kinds!(@architecture self, $($kind)+, own => own.cost(bins))
            }

            /// The first version of the model file that can hold it.
            pub fn format_version(&self) -> u32 {
                $crate::kinds!(@architecture self, $($kind)+, own => own.format_version())
            }

            /// The text that fingerprints cover and files hold: JSON, in which a field added later
            /// is left out while it has the value that means what models did before.
            ///
            /// # Errors
            /// [`ModelError::Device`]($crate::ModelError::Device) if serialisation itself fails.
            pub fn canonical(&self) -> Result<String, $crate::ModelError> {
                $crate::architecture::canonical(self)
            }

            /// What distinguishes architectures, as JSON: [`canonical`](Self::canonical) without
            /// the fields that decide nothing for the kind.
            ///
            /// # Errors
            /// [`ModelError::Device`]($crate::ModelError::Device) if serialisation itself fails.
            pub fn identity(&self) -> Result<::serde_json::Map<String, ::serde_json::Value>, $crate::ModelError> {
                $crate::architecture::identity(self, self.inert())
            }

            /// Settings that decide nothing about this kind.
            pub fn inert(&self) -> &'static [&'static str] {
                match self {
                    $(Self::$kind(_) => <$architecture as $crate::architecture::ArchitectureKind>::INERT,)+
                }
            }
        }

        impl<'de> ::serde::Deserialize<'de> for Architecture {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                // files of the first versions name no kind
                let (kind, fields) = $crate::architecture::kind_and_fields(deserializer)?;
                let tags = [$($tag),+];
                match kind.as_deref().unwrap_or(tags[0]) {
                    $($tag => ::serde_json::from_value(fields).map(Self::$kind).map_err(::serde::de::Error::custom),)+
                    other => Err(::serde::de::Error::custom(format!(
                        "unknown kind `{other}`, expected one of {tags:?}"
                    ))),
                }
            }
        }

        /// Encoder and decoder with their weights, of one model or of a stack of several: one variant
        /// a kind, which [`NetworkKind`]($crate::network::NetworkKind) describes.
        #[derive(::burn::module::Module, Debug)]
        #[allow(clippy::large_enum_variant, reason = "networks are few, and Burn has no boxed modules")]
        pub enum Network {
            $($(#[$doc])* $kind($network),)+
        }

        impl Network {
            /// One model's network, or its decoder alone, with weights drawn from `rng` in the order
            /// encoder, decoder.
            pub fn new(
                architecture: &Architecture,
                bins: usize,
                extent: $crate::network::Extent,
                rng: &mut ::rand::rngs::ChaCha8Rng,
                device: &::burn::tensor::Device,
            ) -> Self {
                match architecture {
                    $(Architecture::$kind(own) => {
                        Self::$kind($crate::network::NetworkKind::new(own, bins, extent, rng, device))
                    })+
                }
            }

            /// The encoder's activations for a spectrum.
            ///
            /// # Shapes
            /// - `x`: `[models, bins, frames]`, compressed magnitudes, non-negative
            pub fn encode(&self, x: ::burn::tensor::Tensor<3>) -> $crate::network::Encoding {
                $crate::kinds!(@network self, $($kind)+, own => own.encode(x))
            }

            /// The decoder's estimate from activations.
            ///
            /// # Shapes
            /// - `latent`: `[models, rank, frames]`, non-negative
            pub fn decode(&self, latent: ::burn::tensor::Tensor<3>) -> $crate::network::Decoding {
                $crate::kinds!(@network self, $($kind)+, own => own.decode(latent))
            }

            /// [`encode`](Self::encode) of segments of `segment` frames, one after the other, none of
            /// which knows of another.
            pub fn encode_segments(
                &self,
                x: ::burn::tensor::Tensor<3>,
                segment: usize,
            ) -> $crate::network::Encoding {
                $crate::kinds!(@network self, $($kind)+, own => own.encode_segments(x, segment))
            }

            /// [`decode`](Self::decode) of segments of `segment` frames, one after the other, none of
            /// which knows of another.
            pub fn decode_segments(
                &self,
                latent: ::burn::tensor::Tensor<3>,
                segment: usize,
            ) -> $crate::network::Decoding {
                $crate::kinds!(@network self, $($kind)+, own => own.decode_segments(latent, segment))
            }

            /// The same network with initial weights that are matched to training sound.
            ///
            /// - `at`: frames to take excerpts at, of which there is at least one
            ///
            /// # Shapes
            /// - `x`: `[1, bins, frames]`, one model's training sound in order
            pub fn matched(
                self,
                x: &::burn::tensor::Tensor<3>,
                at: &[usize],
                rng: &mut ::rand::rngs::ChaCha8Rng,
            ) -> Self {
                match self {
                    $(Self::$kind(own) => {
                        Self::$kind($crate::network::NetworkKind::matched(own, x, at, rng))
                    })+
                }
            }

            /// The frozen part that turns activations at `latent` into spectra, on `device`.
            pub fn decoder(&self, latent: $crate::Latent, device: &::burn::tensor::Device) -> Decoder {
                match self {
                    $(Self::$kind(own) => {
                        Decoder::$kind($crate::network::NetworkKind::decoder(own, latent, device))
                    })+
                }
            }

            /// Several networks of one kind and shape as one, in order.
            ///
            /// # Errors
            /// [`ModelError::Stack`]($crate::ModelError::Stack) for none, or for different kinds.
            pub fn stack(networks: &[&Self]) -> Result<Self, $crate::ModelError> {
                $crate::kinds!(@stack networks, $($kind)+, $crate::network::NetworkKind::stack)
            }

            /// Network number `model` of a stack, alone.
            pub fn select(&self, model: usize) -> Self {
                match self {
                    $(Self::$kind(own) => Self::$kind($crate::network::NetworkKind::select(own, model)),)+
                }
            }

            /// The same decoder without the encoder.
            pub fn without_encoder(&self) -> Self {
                match self {
                    $(Self::$kind(own) => Self::$kind($crate::network::NetworkKind::without_encoder(own)),)+
                }
            }

            /// This decoder behind the encoder of another network of its kind.
            pub fn with_encoder_of(self, other: &Self) -> Self {
                match (self, other) {
                    $((Self::$kind(own), Self::$kind(other)) => {
                        Self::$kind($crate::network::NetworkKind::with_encoder_of(own, other))
                    })+
                    #[allow(unreachable_patterns, reason = "a list may have a single kind")]
                    (own, _) => own,
                }
            }

            /// The last layer's bases, spectrograms of `span` frames; `None` if the kind has none.
            ///
            /// # Shapes
            /// - output: `[models, span, bins, units]`
            pub fn bases(&self) -> Option<::burn::tensor::Tensor<4>> {
                $crate::kinds!(@network self, $($kind)+, own => own.bases())
            }

            /// The same network with other bases in its last layer.
            ///
            /// # Shapes
            /// - `bases`: `[models, span, bins, units]`
            pub fn with_bases(self, bases: ::burn::tensor::Tensor<4>) -> Self {
                match self {
                    $(Self::$kind(own) => Self::$kind($crate::network::NetworkKind::with_bases(own, bases)),)+
                }
            }

            /// One model's parameters by their names in files.
            ///
            /// # Errors
            /// [`ModelError::Device`]($crate::ModelError::Device) if they cannot be read back.
            pub fn values(&self) -> Result<$crate::parameters::NamedValues, $crate::ModelError> {
                match self {
                    $(Self::$kind(own) => $crate::parameters::values_of(own),)+
                }
            }

            /// One model's network with other values, which `values` gives for every parameter's name
            /// in files and shape.
            ///
            /// # Errors
            /// The first that `values` returns.
            pub fn with_values<E>(
                self,
                values: impl FnMut(&str, &[usize]) -> Result<Vec<f32>, E>,
            ) -> Result<Self, E> {
                match self {
                    $(Self::$kind(own) => $crate::parameters::with_values(own, values).map(Self::$kind),)+
                }
            }
        }

        /// A frozen decoder of one model or of a stack of several: one variant a kind, which
        /// [`DecoderKind`]($crate::decoder::DecoderKind) describes.
        #[derive(::burn::module::Module, Debug)]
        #[allow(clippy::large_enum_variant, reason = "decoders are few, and Burn has no boxed modules")]
        pub enum Decoder {
            $($(#[$doc])* $kind($decoder),)+
        }

        impl Decoder {
            /// Activations that a frame has.
            pub fn rank(&self) -> usize {
                $crate::kinds!(@decoder self, $($kind)+, own => own.rank())
            }

            /// The model's activations for a spectrum.
            ///
            /// # Shapes
            /// - `x`: `[models, bins, frames]`, compressed magnitudes, non-negative
            /// - output: `[models, rank, frames]`, non-negative
            pub fn encode(&self, x: ::burn::tensor::Tensor<3>) -> ::burn::tensor::Tensor<3> {
                $crate::kinds!(@decoder self, $($kind)+, own => own.encode(x))
            }

            /// The spectrum decoded from activations.
            ///
            /// # Shapes
            /// - `activations`: `[models, rank, frames]`
            /// - output: `[models, bins, frames]`, compressed magnitudes, non-negative
            pub fn decode(&self, activations: ::burn::tensor::Tensor<3>) -> ::burn::tensor::Tensor<3> {
                $crate::kinds!(@decoder self, $($kind)+, own => own.decode(activations))
            }

            /// [`encode`](Self::encode) of segments of `segment` frames, one after the other, none of
            /// which knows of another.
            pub fn encode_segments(
                &self,
                x: ::burn::tensor::Tensor<3>,
                segment: usize,
            ) -> ::burn::tensor::Tensor<3> {
                $crate::kinds!(@decoder self, $($kind)+, own => own.encode_segments(x, segment))
            }

            /// [`decode`](Self::decode) of segments of `segment` frames, one after the other, none of
            /// which knows of another.
            pub fn decode_segments(
                &self,
                activations: ::burn::tensor::Tensor<3>,
                segment: usize,
            ) -> ::burn::tensor::Tensor<3> {
                $crate::kinds!(@decoder self, $($kind)+, own => own.decode_segments(activations, segment))
            }

            /// [`decode`](Self::decode) of one model, frame by frame; `None` for kinds that cannot, and
            /// for a stack of several.
            ///
            /// # Errors
            /// [`ModelError::Device`]($crate::ModelError::Device) if the numbers cannot be read back.
            pub fn frame_layers(
                &self,
            ) -> Result<Option<$crate::frame::FrameLayers>, $crate::ModelError> {
                $crate::kinds!(@decoder self, $($kind)+, own => own.frame_layers())
            }

            /// Frames of activations that the estimate of one frame depends on.
            pub fn context(&self) -> $crate::architecture::Context {
                $crate::kinds!(@decoder self, $($kind)+, own => own.context())
            }

            /// Whether activations below zero would give spectra below zero.
            pub fn needs_nonnegative_activations(&self) -> bool {
                $crate::kinds!(@decoder self, $($kind)+, own => own.needs_nonnegative_activations())
            }

            /// Whether decoders can be stacked: one kind, and the same layers of the same shapes.
            pub fn batchable(&self, other: &Self) -> bool {
                match (self, other) {
                    $((Self::$kind(own), Self::$kind(other)) => {
                        $crate::decoder::DecoderKind::batchable(own, other)
                    })+
                    #[allow(unreachable_patterns, reason = "a list may have a single kind")]
                    _ => false,
                }
            }

            /// [`batchable`](Self::batchable) decoders as one, in order: what each does to its part
            /// of the first dimension.
            ///
            /// # Errors
            /// [`ModelError::Stack`]($crate::ModelError::Stack) for none, or for different kinds.
            pub fn stack(decoders: &[&Self]) -> Result<Self, $crate::ModelError> {
                $crate::kinds!(@stack decoders, $($kind)+, $crate::decoder::DecoderKind::stack)
            }
        }
    };

    // how calls are handed on
    (@first $first:ident $($rest:ident)*, $settings:ident) => {
        Self::$first($crate::architecture::ArchitectureKind::from_settings($settings))
    };
    (@architecture $self:ident, $($kind:ident)+, $own:ident => $call:expr) => {{
        #[allow(unused_imports, reason = "for the method's name")]
        use $crate::architecture::ArchitectureKind as _;
        match $self { $(Self::$kind($own) => $call,)+ }
    }};
    (@network $self:ident, $($kind:ident)+, $own:ident => $call:expr) => {{
        use $crate::network::NetworkKind as _;
        match $self { $(Self::$kind($own) => $call,)+ }
    }};
    (@decoder $self:ident, $($kind:ident)+, $own:ident => $call:expr) => {{
        use $crate::decoder::DecoderKind as _;
        match $self { $(Self::$kind($own) => $call,)+ }
    }};
    (@stack $all:ident, $($kind:ident)+, $stack:expr) => {{
        $(
            let own = $all.iter().filter_map(|one| match one {
                Self::$kind(own) => Some(own),
                #[allow(unreachable_patterns, reason = "a list may have a single kind")]
                _ => None,
            });
            let own: Vec<_> = own.collect();
            if own.len() == $all.len()
                && let Some(stacked) = $stack(own.as_slice())
            {
                return Ok(Self::$kind(stacked));
            }
        )+
        Err($crate::ModelError::Stack { count: $all.len() })
    }};
}
