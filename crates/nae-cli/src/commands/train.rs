//! `nae train`

use std::path::Path;

use anyhow::Result;

use crate::arguments::{Terminal, Train};
use crate::model_location::ModelLocation;
use crate::model_training::{Course, Outcome};
use crate::outputs;
use crate::parent::Parent;
use crate::settings::Settings;
use crate::sources::source_name;
use crate::training_clips::{find_clips, read_material};

pub fn run(command: &Train, terminal: &Terminal) -> Result<()> {
    let (mut settings, given) = Settings::load_given(&command.configured)?;
    if let Some(ensemble) = &command.ensemble {
        settings.train.ensemble.clone_from(&ensemble.0);
        settings.recipe().validate()?;
    }
    let name = command.name.as_deref();
    let from = command.from.as_ref().map(|text| ModelLocation::parse(text));
    let new_name = match from {
        None => source_name(name, &command.out)?,
        // that of the model it goes on from
        Some(_) => String::new(),
    };
    let files = find_clips(&command.clips)?;
    let parent = from.as_ref().and_then(ModelLocation::file);
    let further = command.configured.config.iter().cloned();
    let further = further.chain(parent.map(Path::to_owned));
    let inputs = files.iter().cloned().chain(further);
    let log = command.written.log.as_deref();
    let _reserved = outputs::reserve(&command.out, log, inputs, command.written.force)?;
    let device = command.computing.device.open()?;
    let seed = command.computing.seed;
    let parent = from
        .as_ref()
        .map(|from| Parent::read(from, name, (&settings.train, &given), seed, &device.device));
    let recipe = settings.recipe();
    let course = match parent.transpose()? {
        None => Course::new(new_name, &recipe, seed),
        Some(parent) => Course::of(parent),
    };
    let (material, clips) = read_material(&files, &course.material(), terminal)?;
    let learnt = course.train(material.frames, &device, terminal)?;
    let outcome = Outcome {
        out: &command.out,
        log,
        beginning: (!command.no_memory).then_some(material.beginning.as_slice()),
        stretches: &[],
        is_json: command.written.json,
    };
    outcome.save(learnt, &clips, &device, terminal)
}
