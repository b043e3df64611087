//! `nae demo`: two real voices, from clips to a page.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use burn::tensor::Tensor;
use nae_audio::{BitDepth, Clip};
use nae_joint::Part;
use nae_metrics::{Estimate, Reference, si_sdr};
use nae_model::{Card, Model};
use nae_separate::{Separator, Source};
use nae_train::TrainingClip;

use super::train::{LossRecord, watched};
use super::{make_folder, print};
use crate::arguments::{Demo, Terminal};
use crate::clips::read_clips;
use crate::demo_page;
use crate::device::NamedDevice;
use crate::progress::{Bar, catch_interrupt, flow, is_interrupted, say};
use crate::settings::Settings;

/// The two voices, by their folders.
const VOICES: [&str; 2] = ["allison_en_f", "librivox_en_m"];

/// Depths compared: shallow and multi-layer.
const LAYERS: [usize; 2] = [2, 4];

/// Depth of the models that are joined.
const JOINED: usize = 4;

/// One way to model the voices, and what it made of the mixture.
pub struct System {
    /// Words for it.
    pub name: String,
    /// The settings in full.
    pub settings: Settings,
    /// The voices' models.
    pub voices: Vec<Voice>,
    /// One for every voice.
    pub stems: Vec<Clip>,
    /// SI-SDR of every stem in dB.
    pub si_sdr: Vec<f64>,
    /// Depth to which the stems sum to the mixture, in dB.
    pub null_db: f64,
    /// Seconds of separation.
    pub seconds: f64,
    /// Folder of the stems.
    pub folder: String,
    /// Seconds of joining, for a joint encoder.
    pub joined_s: Option<f64>,
    /// Loss of every window while joining.
    pub joining: Vec<LossRecord>,
}

/// One voice's model and how it was learnt.
pub struct Voice {
    /// The model file's card.
    pub card: Card,
    /// Loss of every window.
    pub losses: Vec<LossRecord>,
    /// Bases of the last layer, `[bins × columns]`, row-major.
    pub bases: (usize, usize, Vec<f32>),
    /// Activations found in the mixture, `[rank × frames]`, row-major.
    pub activations: (usize, usize, Vec<f32>),
}

/// The mixture and the truth.
pub struct Scene {
    /// Names of the voices.
    pub names: Vec<String>,
    /// Both voices at one level, cut to one length.
    pub references: Vec<Clip>,
    /// Their sum.
    pub mixture: Clip,
    /// SI-SDR of the mixture as each voice's estimate, in dB.
    pub si_sdr: Vec<f64>,
}

impl System {
    /// Separates and scores the mixture; `name` and folder of the stems first.
    fn of(
        (name, folder): (String, String),
        settings: &Settings,
        learnt: Learnt,
        separator: &Separator,
        scene: &Scene,
    ) -> Result<Self> {
        let started = Instant::now();
        let separated = separator.separate(&scene.mixture, &mut |_| flow())?;
        bail_if_interrupted()?;
        let seconds = started.elapsed().as_secs_f64();
        let mut null = nae_separate::NullDepth::default();
        let stems = separated.stems.iter();
        let stems: Vec<&[f32]> = stems.map(|stem| stem.channels()[0].as_slice()).collect();
        null.add(&scene.mixture.channels()[0], &stems);
        let pairs = stems.iter().zip(&scene.references);
        let scores = pairs.map(|(stem, reference)| {
            let reference = Reference(&reference.channels()[0]);
            Ok(si_sdr(&reference, &Estimate(stem))?)
        });
        let si_sdr = scores.collect::<Result<Vec<f64>>>()?;
        Ok(Self {
            name,
            settings: settings.clone(),
            voices: voices(learnt, separated.activations)?,
            si_sdr,
            stems: separated.stems,
            null_db: null.db(),
            seconds,
            folder,
            joined_s: None,
            joining: Vec::new(),
        })
    }

    /// Mean gain in SI-SDR over the mixture, in dB.
    pub fn mean_improvement(&self, scene: &Scene) -> f64 {
        let gains = self
            .si_sdr
            .iter()
            .zip(&scene.si_sdr)
            .map(|(found, floor)| found - floor);
        gains.sum::<f64>() / self.si_sdr.len() as f64
    }
}

pub fn run(command: &Demo, terminal: &Terminal) -> Result<()> {
    let started = Instant::now();
    let speech = command.data.join("speech");
    if !speech.is_dir() {
        bail!(
            "the recordings of the demo are not in {}; run it from the folder of nae's checkout, or give `--data DIR`",
            command.data.display()
        );
    }
    let settings = Settings::load(&command.configured)?;
    let device = command.computing.device.open()?;
    make_folder(&command.out)?;
    catch_interrupt()?;
    say(
        terminal,
        &format!("computing on {device}, seed {}", command.computing.seed),
    );

    let scene = scene(&speech, settings.audio.sample_rate)?;
    let read = |voice| {
        read_clips(
            &[speech.join(voice).join("train")],
            settings.audio.sample_rate,
        )
    };
    let clips = VOICES.into_iter().map(read).collect::<Result<Vec<_>>>()?;
    let mut systems = Vec::new();
    for layers in LAYERS {
        let mut settings = settings.clone();
        settings.model.layers = layers;
        settings.model.widths.clear();
        let learnt = learn(command, terminal, &clips, &settings, &device)?;
        let again = (command.joint && layers == JOINED).then(|| learnt.clone());
        systems.push(searched(command, &settings, learnt, &scene, &device)?);
        if let Some(learnt) = again {
            let material = (learnt, clips.as_slice());
            let system = joined(command, terminal, &settings, material, &scene, &device)?;
            systems.push(system);
        }
    }
    write_files(&command.out, &scene, &systems)?;
    let page = command.out.join("index.html");
    let html = demo_page::render(&scene, &systems, &device.name, command.computing.seed)?;
    nae_audio::write_atomically(&page, html.as_bytes())?;

    print(&table(&scene, &systems))?;
    print(&format!(
        "{:.1} s in all. Open {} to listen.",
        started.elapsed().as_secs_f64(),
        page.display()
    ))
}

/// Mixes one unseen sentence of each voice at 0 dB.
fn scene(speech: &Path, sample_rate: u32) -> Result<Scene> {
    let mut references = Vec::new();
    for voice in VOICES {
        let path = speech.join(voice).join("test").join("00.wav");
        let clip = nae_audio::read(&path)?;
        references.push(nae_audio::resample(
            &clip.mixdown(),
            clip.sample_rate(),
            sample_rate,
        )?);
    }
    let samples = references.iter().map(Vec::len).min().unwrap_or(0);
    for reference in &mut references {
        reference.truncate(samples);
        let power: f64 =
            reference.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / samples as f64;
        // both at −23 dB of full scale, so that the mixture stays clear of clipping
        let gain = 10f64.powf(-23.0 / 20.0) / power.sqrt();
        reference
            .iter_mut()
            .for_each(|x| *x = (f64::from(*x) * gain) as f32);
    }
    let mixture: Vec<f32> = (0..samples)
        .map(|n| references.iter().map(|r| r[n]).sum())
        .collect();
    let floor = references
        .iter()
        .map(|r| Ok(si_sdr(&Reference(r), &Estimate(&mixture))?))
        .collect::<Result<_>>()?;
    Ok(Scene {
        names: VOICES.iter().map(|voice| (*voice).to_owned()).collect(),
        references: references
            .into_iter()
            .map(|samples| Clip::mono(samples, sample_rate))
            .collect(),
        mixture: Clip::mono(mixture, sample_rate),
        si_sdr: floor,
    })
}

/// Both voices' models and how they were learnt.
#[derive(Clone)]
struct Learnt {
    models: Vec<Model>,
    losses: Vec<Vec<LossRecord>>,
}

/// Trains both voices.
fn learn(
    command: &Demo,
    terminal: &Terminal,
    clips: &[Vec<TrainingClip>],
    settings: &Settings,
    device: &NamedDevice,
) -> Result<Learnt> {
    let layers = settings.model.layers;
    let folder = command.out.join("models");
    make_folder(&folder)?;
    let mut bar = Bar::new(terminal)?;
    let (mut models, mut losses) = (Vec::new(), Vec::new());
    for (voice, clips) in VOICES.into_iter().zip(clips) {
        let mut log = Vec::new();
        let model = nae_train::train(
            voice,
            clips,
            &settings.recipe(),
            command.computing.seed,
            &device.device,
            &mut |progress| {
                bar.show(voice, progress);
                log.push(LossRecord::from(progress));
                flow()
            },
        )?;
        bail_if_interrupted()?;
        model.save(&folder.join(format!("{voice}-{layers}-layers.safetensors")))?;
        models.push(model);
        losses.push(log);
    }
    bar.finish();
    Ok(Learnt { models, losses })
}

/// Separates the mixture by optimised activations.
fn searched(
    command: &Demo,
    settings: &Settings,
    learnt: Learnt,
    scene: &Scene,
    device: &NamedDevice,
) -> Result<System> {
    let sources: Vec<Source> = learnt
        .models
        .iter()
        .map(|model| Source {
            name: model.card.name.clone(),
            models: vec![model.clone()],
        })
        .collect();
    let separator = Separator::new(
        &sources,
        settings.separate.clone(),
        command.computing.seed,
        &device.device,
    )?;
    let (name, folder) = match settings.model.layers {
        2 => ("shallow".to_owned(), "stems-2-layers".to_owned()),
        layers => (format!("{layers} layers"), format!("stems-{layers}-layers")),
    };
    System::of((name, folder), settings, learnt, &separator, scene)
}

/// Joins the models and separates the mixture in one pass.
fn joined(
    command: &Demo,
    terminal: &Terminal,
    settings: &Settings,
    (learnt, clips): (Learnt, &[Vec<TrainingClip>]),
    scene: &Scene,
    device: &NamedDevice,
) -> Result<System> {
    let parts = learnt.models.iter().zip(clips).map(|(model, clips)| {
        let clips = clips.iter();
        let clips = clips.map(|clip| (clip.record.clone(), clip.samples.clone()));
        Part {
            name: model.card.name.clone(),
            model: model.clone(),
            clips: Some(clips.collect()),
        }
    });
    let parts: Vec<Part> = parts.collect();
    let seed = command.computing.seed;
    let (joint, losses) = watched(terminal, |observe| {
        nae_joint::join(&parts, &settings.joint, seed, &device.device, observe)
    })?;
    bail_if_interrupted()?;
    joint.save(&command.out.join("models").join("joint.safetensors"))?;
    let separator = joint.separator(settings.separate.clone(), &device.device)?;
    let names = ("joint".to_owned(), "stems-joint".to_owned());
    let system = System::of(names, settings, learnt, &separator, scene)?;
    Ok(System {
        joined_s: Some(joint.card.training.seconds),
        joining: losses,
        ..system
    })
}

/// Bases and activations to look at.
fn voices(learnt: Learnt, activations: Vec<Tensor<2>>) -> Result<Vec<Voice>> {
    let Learnt { models, losses } = learnt;
    let matrix = |tensor: Tensor<2>| -> Result<(usize, usize, Vec<f32>)> {
        let [rows, columns] = tensor.dims();
        Ok((rows, columns, nae_model::spectra::read(tensor)?))
    };
    let mut voices = Vec::new();
    for ((model, losses), activations) in models.into_iter().zip(losses).zip(activations) {
        let last = model
            .network
            .decoder
            .last()
            .context("a model without layers")?;
        voices.push(Voice {
            bases: matrix(last.basis().squeeze_dim(0))?,
            activations: matrix(activations)?,
            card: model.card,
            losses,
        });
    }
    Ok(voices)
}

fn bail_if_interrupted() -> Result<()> {
    if is_interrupted() {
        bail!("stopped by Ctrl-C; the models finished so far were written");
    }
    Ok(())
}

/// Writes mixture, references and stems as 32-bit float WAV.
fn write_files(out: &Path, scene: &Scene, systems: &[System]) -> Result<()> {
    let write = |path: PathBuf, clip: &Clip| nae_audio::write(&path, clip, BitDepth::Float32);
    write(out.join("mixture.wav"), &scene.mixture)?;
    let references = out.join("references");
    make_folder(&references)?;
    for (name, clip) in scene.names.iter().zip(&scene.references) {
        write(references.join(format!("{name}.wav")), clip)?;
    }
    for system in systems {
        let folder = out.join(&system.folder);
        make_folder(&folder)?;
        for (name, clip) in scene.names.iter().zip(&system.stems) {
            write(folder.join(format!("{name}.wav")), clip)?;
        }
    }
    Ok(())
}

fn table(scene: &Scene, systems: &[System]) -> String {
    let mut lines = vec![format!(
        "{:<10} {:<16} {:>11} {:>11} {:>9}",
        "system", "voice", "mixture", "SI-SDR (dB)", "gain"
    )];
    for system in systems {
        for (i, name) in scene.names.iter().enumerate() {
            lines.push(format!(
                "{:<10} {name:<16} {:>11.2} {:>11.2} {:>+9.2}",
                system.name,
                scene.si_sdr[i],
                system.si_sdr[i],
                system.si_sdr[i] - scene.si_sdr[i]
            ));
        }
        lines.push(format!(
            "{:<10} {:<16} {:>11} {:>11} {:>+9.2}",
            system.name,
            "mean",
            "",
            "",
            system.mean_improvement(scene)
        ));
    }
    lines.join("\n")
}
