//! Where a network's input layer and body begin.
//!
//! What has to be learnt is much the same for any sources: to hear in context what belongs together.
//! A network that has learnt it for some voices learns it for others from less sound and in fewer
//! steps than one with random weights; only the output layer, whose rows are the models'
//! activations, begins at random. nae comes with a start that has heard the voices in `data/speech`
//! (`scripts/joint/start` makes it); `nae pretrain` makes others, `nae join --start` uses them.

use std::path::Path;
use std::sync::LazyLock;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor};
use nae_model::AudioConfig;
use nae_model::optim::{Flow, Progress};
use nae_model::random::generator;
use nae_model::stored::Stored;
use safetensors::tensor::Dtype;

use crate::decoders::Decoders;
use crate::error::JointError;
use crate::file::{FORMAT_VERSION, Load, Save, Tensors, json, serialized};
use crate::fit::fit;
use crate::network::Network;
use crate::scenes::Scenes;
use crate::settings::{JointConfig, StartKind};
use crate::{Heard, Part, shared_audio};

/// The format's name.
const FORMAT: &str = "nae-start";

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
    /// Learns to hear any two of some sources apart: every pair in its turn is joined with a new
    /// output layer from where the last one ended.
    ///
    /// - `rounds`: how often each pair comes
    ///
    /// # Errors
    /// As [`join`](crate::join).
    pub fn learn(
        parts: &[Part],
        rounds: usize,
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
        let bins = audio.stft().bins();
        let pairs =
            (1..parts.len()).flat_map(|second| (0..second).map(move |first| [first, second]));
        let turns = (0..rounds).flat_map(|_| pairs.clone());
        let mut start: Option<Self> = None;
        for (turn, pair) in turns.enumerate() {
            let layers = pair.map(|i| heard.layers[i].clone()).to_vec();
            let decoders = Decoders::new(layers, config.mask_exponent, &tape);
            let scenes = scenes.of(&pair);
            let mut rng = generator(seed, &format!("joint weights {turn}"));
            let network = Network::new(config, bins, decoders.rank(), &mut rng, &tape);
            let network = match &start {
                None => network,
                Some(start) => start.given_to(network, config, &audio, &tape)?,
            };
            let network = network.standardised(scenes.examples(&tape));
            let seed = seed.wrapping_add((turn as u64) << 32);
            let run = fit(network, &decoders, &scenes, config, seed, &tape, observe)?;
            start = Some(Self {
                audio,
                config: config.clone(),
                network: run.best.valid(),
            });
            if run.is_interrupted {
                break;
            }
        }
        start.ok_or(JointError::Count { came: parts.len() })
    }

    /// The file's bytes: weights in 16 bits, `input.…` and `body.…`.
    ///
    /// # Errors
    /// [`JointError::Model`] if the weights cannot be read back.
    pub fn to_bytes(&self) -> Result<Vec<u8>, JointError> {
        let mut tensors = Tensors::new();
        let mut save = Save::new("input", &mut tensors);
        self.network.input.visit(&mut save);
        save.finish()?;
        let mut save = Save::new("body", &mut tensors);
        self.network.body.visit(&mut save);
        save.finish()?;
        let metadata = [
            ("audio", json(&self.audio)?),
            ("joint", json(&self.config)?),
        ];
        Ok(serialized(FORMAT, metadata, Dtype::F16, &tensors)?)
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// [`JointError::Audio`] if the path cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), JointError> {
        Ok(nae_audio::write_atomically(path, &self.to_bytes()?)?)
    }

    /// Reads a file that [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// [`JointError::Model`] naming the file.
    pub fn load(path: &Path, device: &Device) -> Result<Self, JointError> {
        Self::read(&Stored::open(path, FORMAT, FORMAT_VERSION)?, device)
    }

    fn read(file: &Stored, device: &Device) -> Result<Self, JointError> {
        let audio: AudioConfig = file.json("audio")?;
        let config: JointConfig = file.json("joint")?;
        audio.validate().map_err(JointError::from)?;
        config.validate()?;
        let tensors = file.tensors()?;
        let mut rng = generator(0, "blank");
        let mut network = Network::new(&config, audio.stft().bins(), 1, &mut rng, device);
        let mut load = Load::new("input", file, &tensors, device);
        network.input = network.input.map(&mut load);
        load.finish()?;
        let mut load = Load::new("body", file, &tensors, device);
        network.body = network.body.map(&mut load);
        load.finish()?;
        Ok(Self {
            audio,
            config,
            network,
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
            StartKind::Pretrained => {
                let voices = Self::voices(device)?;
                Ok(voices.misfit(config, audio).is_none().then_some(voices))
            }
        }
    }

    /// What comes with nae.
    fn voices(device: &Device) -> Result<Self, JointError> {
        let path = Path::new("the start that comes with nae");
        let file = Stored::parse(path, VOICES.to_vec(), FORMAT, FORMAT_VERSION)?;
        Self::read(&file, device)
    }

    /// Why a network with these settings cannot begin with this, if it cannot.
    fn misfit(&self, config: &JointConfig, audio: &AudioConfig) -> Option<String> {
        let shape = |config: &JointConfig, audio: &AudioConfig| {
            let JointConfig {
                body,
                width,
                blocks,
                kernel,
                context,
                compression,
                ..
            } = config;
            format!(
                "body {body:?} of width {width}, {blocks} blocks and kernel {kernel}, hearing {context:?}, compression {compression}, {} Hz with frames of {} every {}",
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
    pub fn fingerprint() -> &'static str {
        static HASH: LazyLock<String> = LazyLock::new(|| nae_model::file::sha256_hex(VOICES));
        &HASH
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
