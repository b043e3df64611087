//! Where a network's input layer and body begin.
//!
//! What has to be learnt is much the same for any sources: to hear in context what belongs together.
//! A network that has learnt it for some voices learns it for others from less sound and in fewer
//! steps than one with random weights; only the output layer, whose rows are the models'
//! activations, begins at random. nae comes with one that has heard the voices in `data/speech`
//! (`scripts/joint/start.py` makes it); `nae join --start` takes it from another joint file.

use std::path::Path;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor};
use nae_model::AudioConfig;
use nae_model::random::generator;
use nae_model::stored::Stored;

use crate::error::JointError;
use crate::file::{FORMAT_VERSION, Load};
use crate::fit::{Set, Shared, fit};
use crate::joint::Joint;
use crate::scenes::Scenes;
use crate::decoders::Decoders;
use crate::{Heard, Part, shared_audio};
use nae_model::optim::{Flow, Progress};
use crate::network::Network;
use crate::settings::{JointConfig, StartKind};

/// The start that comes with nae.
static VOICES: &[u8] = include_bytes!("voices.safetensors");

/// An input layer and a body that know something.
#[derive(Clone, Debug)]
pub struct Start {
    audio: AudioConfig,
    config: JointConfig,
    /// Its output layer is of no use to other models.
    network: Network,
}

impl Start {
    /// Learns to hear any two of some sources apart: one input layer and one body, and an output
    /// layer for every pair, which is thrown away. `joint.steps` are steps for every pair.
    ///
    /// # Errors
    /// As [`join`](crate::join).
    pub fn learn(
        parts: &[Part],
        config: &JointConfig,
        seed: u64,
        device: &Device,
        observe: &mut dyn FnMut(&Progress) -> Flow,
    ) -> Result<Self, JointError> {
        config.validate()?;
        let audio = shared_audio(parts)?;
        let heard = Heard::new(parts, &audio, seed, device)?;
        let scenes = Scenes::new(&heard.clips, &audio, config, seed)?;
        let tape = device.clone().autodiff();
        let mut rng = generator(seed, "joint weights 0");
        let (mut sets, mut networks) = (Vec::new(), Vec::new());
        for second in 1..parts.len() {
            for first in 0..second {
                let layers = [first, second].map(|i| heard.layers[i].clone()).to_vec();
                let decoders = Decoders::new(layers, config.mask_exponent, &tape);
                let bins = audio.stft().bins();
                networks.push(Network::new(
                    config,
                    bins,
                    decoders.rank(),
                    &mut rng,
                    &tape,
                ));
                sets.push(Set {
                    decoders,
                    scenes: scenes.of(&[first, second]),
                });
            }
        }
        let count = networks.len();
        let mut networks = networks.into_iter();
        let (Some(network), Some(set)) = (networks.next(), sets.first()) else {
            return Err(JointError::Count { came: parts.len() });
        };
        let shared = Shared {
            network: network.standardised(set.examples(&tape)),
            others: networks.map(|network| network.output).collect(),
        };
        let config = JointConfig {
            steps: config.steps * count,
            ..config.clone()
        };
        let run = fit(shared, &sets, &config, seed, &tape, observe)?;
        Ok(Self {
            audio,
            config,
            network: run.best.network.valid(),
        })
    }

    /// From the first network of a joint encoder.
    ///
    /// # Errors
    /// [`JointError::Start`] if there is none.
    pub fn of(joint: &Joint) -> Result<Self, JointError> {
        let network = joint.networks.first().ok_or_else(|| JointError::Start {
            reason: "it holds no network".into(),
        })?;
        Ok(Self {
            audio: joint.card.audio,
            config: joint.card.config.clone(),
            network: network.clone(),
        })
    }

    /// What the settings ask for, if it fits them: the voices' start is for the default width,
    /// body and `[audio]` settings, and other networks begin at random.
    ///
    /// # Errors
    /// [`JointError::Model`] if the start that comes with nae is damaged.
    pub fn chosen(
        config: &JointConfig,
        audio: &AudioConfig,
        device: &Device,
    ) -> Result<Option<Self>, JointError> {
        match config.start {
            StartKind::Random => Ok(None),
            StartKind::Voices => {
                let voices = Self::voices(device)?;
                Ok(voices.misfit(config, audio).is_none().then_some(voices))
            }
        }
    }

    /// What comes with nae.
    fn voices(device: &Device) -> Result<Self, JointError> {
        let path = Path::new("the start that comes with nae");
        let file = Stored::parse(path, VOICES.to_vec(), "nae-start", FORMAT_VERSION)?;
        let (audio, config): (AudioConfig, JointConfig) =
            (file.json("audio")?, file.json("joint")?);
        let tensors = file.tensors()?;
        let mut rng = generator(0, "blank");
        let mut network = Network::new(&config, audio.stft().bins(), 1, &mut rng, device);
        let mut load = Load::new("network.0", &file, &tensors, device);
        network.input = load.part("input", network.input);
        network.body = load.part("body", network.body);
        load.finish()?;
        Ok(Self {
            audio,
            config,
            network,
        })
    }

    /// Why a network with these settings cannot begin with this, if it cannot.
    fn misfit(&self, config: &JointConfig, audio: &AudioConfig) -> Option<String> {
        let shape = |config: &JointConfig, audio: &AudioConfig| {
            let JointConfig {
                body,
                width,
                blocks,
                kernel,
                hearing,
                compression,
                ..
            } = config;
            format!(
                "body {body:?} of width {width}, {blocks} blocks and kernel {kernel}, hearing {hearing:?}, compression {compression}, {} Hz with frames of {} every {}",
                audio.sample_rate, audio.n_fft, audio.hop
            )
        };
        let (mine, asked) = (shape(&self.config, &self.audio), shape(config, audio));
        (mine != asked).then(|| format!("it has {mine}; the settings ask for {asked}"))
    }

    /// A network that begins here; its output layer stays as it is.
    ///
    /// # Errors
    /// [`JointError::Start`] if the settings ask for another network.
    pub fn given_to(
        &self,
        network: Network,
        config: &JointConfig,
        audio: &AudioConfig,
        device: &Device,
    ) -> Result<Network, JointError> {
        if let Some(reason) = self.misfit(config, audio) {
            return Err(JointError::Start { reason });
        }
        let mut learn = Learnt(device);
        Ok(Network {
            input: self.network.input.clone().map(&mut learn),
            body: self.network.body.clone().map(&mut learn),
            ..network
        })
    }

    /// SHA-256 of the start that comes with nae, in hex: joint files made from another differ.
    pub fn fingerprint() -> String {
        nae_model::file::sha256_hex(VOICES)
    }
}

/// Parameters with the same values, to be learnt on a device.
struct Learnt<'a>(&'a Device);

impl ModuleMapper for Learnt<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let data = param.val().into_data();
        let values: Tensor<D> = Tensor::from_data(data, self.0);
        Param::from_tensor(values.set_require_grad(self.0.is_autodiff()))
    }
}
