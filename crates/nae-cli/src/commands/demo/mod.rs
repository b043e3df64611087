//! `nae demo`: two real voices, from clips to a page.

mod files;
mod page;
mod system;
mod table;
mod test_mixture;
mod voices;

use std::time::Instant;

use anyhow::{Result, bail};

use crate::arguments::{Demo, Terminal};
use crate::console::{log_line, print};
use crate::interrupt::stop_gracefully;
use crate::settings::Settings;
use nae_files::Outputs;
use system::System;
use test_mixture::TestMixture;

/// Depths compared: shallow and multi-layer.
const LAYERS: [usize; 2] = [2, 4];

/// Depth of the models that get a joint encoder.
const JOINT_LAYERS: usize = 4;

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
    let seed = command.computing.seed;
    let page = command.out.join("index.html");
    let mut outputs = Outputs::new(command.configured.config.clone());
    outputs.add_with_folder(&page)?;
    stop_gracefully();
    log_line(terminal, format_args!("computing on {device}, seed {seed}"));

    let rate = settings.audio.sample_rate;
    let mixture = TestMixture::read(&speech, rate)?;
    let clips = voices::training_clips(&speech, rate)?;
    let models = command.out.join("models");
    let mut systems = Vec::new();
    for layers in LAYERS {
        let mut settings = settings.clone();
        settings.model.layers = layers;
        settings.model.widths.clear();
        let trained = voices::train(&clips, &settings, seed, &device, &models, terminal)?;
        let again = (command.joint && layers == JOINT_LAYERS).then(|| trained.clone());
        let system = System::optimised(&settings, trained, seed, &mixture, &device)?;
        systems.push(system);
        if let Some(trained) = again {
            let file = models.join("joint.safetensors");
            let (joint, losses) = voices::train_joint_encoder(
                &trained,
                &clips,
                &settings.joint,
                seed,
                &device,
                &file,
                terminal,
            )?;
            let joint = (&joint, losses);
            systems.push(System::joint(&settings, trained, joint, &mixture, &device)?);
        }
    }
    files::write(&command.out, &mixture, &systems)?;
    let html = page::render(&mixture, &systems, &device.name, seed)?;
    nae_files::write_atomically(&page, html.as_bytes())?;

    print(&table::table(&mixture, &systems))?;
    print(&format!(
        "{:.1} s in total. Open {} to listen.",
        started.elapsed().as_secs_f64(),
        page.display()
    ))
}
