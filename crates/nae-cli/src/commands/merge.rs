//! `nae merge`

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, bail};
use nae_files::count;
use nae_model::Ensemble;
use nae_train::Reduction;
use nae_train::merge::MergedPart;
use serde::Serialize;

use crate::arguments::{Merge, Terminal};
use crate::console::{log_line, print_json};
use crate::interrupt::bail_if_interrupted;
use crate::model_location::ModelLocation;
use crate::outputs;
use crate::progress::with_progress;
use crate::sources::source_name;

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    model: &'a Path,
    name: &'a str,
    rank: usize,
    parts: Vec<PartReport>,
    seconds: f64,
    device: &'a str,
}

/// What one model gave.
#[derive(Serialize)]
struct PartReport {
    model: String,
    name: String,
    rank: usize,
    /// What its bases were fitted to: `latent_cache` or `bases`; null where they are as it has them.
    fitted_to: Option<&'static str>,
}

pub fn run(command: &Merge, terminal: &Terminal) -> Result<()> {
    let name = source_name(command.name.as_deref(), &command.out)?;
    let texts = command.models.iter();
    let locations: Vec<ModelLocation> = texts.map(|text| ModelLocation::parse(text)).collect();
    let files = locations.iter().filter_map(ModelLocation::file);
    let inputs = files.map(Path::to_owned);
    let _reserved = outputs::reserve(&command.out, None, inputs, command.force)?;
    let device = command.computing.device.open()?;
    let models = locations.iter().map(|model| model.load(&device.device));
    let models = models.collect::<Result<Vec<_>>>()?;
    refuse_equal(&locations, &models)?;
    let started = Instant::now();
    let rank_each = usize::from(command.rank_each);
    let (merged, _) = with_progress(terminal, "", |observe| {
        let seed = command.computing.seed;
        nae_train::merge(&name, &models, rank_each, seed, &device.device, observe)
    })?;
    bail_if_interrupted("nothing was written")?;
    merged.model.save(&command.out)?;
    let parts: Vec<(&ModelLocation, &Ensemble, &MergedPart)> = locations
        .iter()
        .zip(&models)
        .zip(&merged.parts)
        .map(|((location, model), part)| (location, model, part))
        .collect();
    for (location, _, part) in &parts {
        log_line(
            terminal,
            format_args!("{location}: {}", words(part, rank_each)),
        );
    }
    let rank = merged.model.metadata.architecture.rank();
    log_line(
        terminal,
        format_args!(
            "{}: {rank} bases of {}",
            command.out.display(),
            count(parts.len(), "model")
        ),
    );
    if command.json {
        let part =
            |&(location, model, part): &(&ModelLocation, &Ensemble, &MergedPart)| PartReport {
                model: location.to_string(),
                name: model.first().metadata.name.clone(),
                rank: part.rank,
                fitted_to: match part.reduction {
                    Reduction::None => None,
                    Reduction::LatentCache => Some("latent_cache"),
                    Reduction::Bases => Some("bases"),
                },
            };
        print_json(&serde_json::to_string(&Report {
            model: &command.out,
            name: &name,
            rank,
            parts: parts.iter().map(part).collect(),
            seconds: started.elapsed().as_secs_f64(),
            device: &device.name,
        })?)?;
    }
    Ok(())
}

/// What became of one model's bases.
fn words(part: &MergedPart, asked: usize) -> String {
    let bases = match part.rank {
        1 => "1 basis".to_owned(),
        rank => format!("{rank} bases"),
    };
    match part.reduction {
        Reduction::None if part.rank < asked => format!("{bases}, all that it has"),
        Reduction::None => bases,
        Reduction::LatentCache => format!("{bases}, fitted to its latent cache"),
        Reduction::Bases => {
            format!("{bases}, fitted to those that it has (it has no latent cache)")
        }
    }
}

/// Refuses a model that is given twice: its bases would stand in the new one twice.
fn refuse_equal(locations: &[ModelLocation], models: &[Ensemble]) -> Result<()> {
    let mut seen: Vec<(Vec<String>, &ModelLocation)> = Vec::with_capacity(models.len());
    for (location, model) in locations.iter().zip(models) {
        let members = model.members().iter();
        let fingerprints = members.map(|member| member.fingerprint());
        let fingerprints = fingerprints.collect::<Result<Vec<_>, _>>()?;
        if let Some((_, other)) = seen.iter().find(|(others, _)| *others == fingerprints) {
            bail!(
                "{other} and {location} are the same model, whose bases would be there twice; give each model once"
            );
        }
        seen.push((fingerprints, location));
    }
    Ok(())
}
