//! Figures of trained models.

use anyhow::Result;
use burn::tensor::Device;
use nae_model::Ensemble;
use nae_report::Section;
use nae_report::comparison::Report;
use nae_sweep::cell::CellKind;
use nae_sweep::cell::Training;
use nae_sweep::{Manifest, Store, listening};

use super::figures::{self, Shown};
use crate::console::error_line;

/// Adds every trained model of the first seed, applied to its own training clips, and all bases.
pub fn add(report: &mut Report, store: &Store, manifest: &Manifest, device: &Device) -> Result<()> {
    let seed = manifest.trainings.first().map(|cell| cell.seed);
    let is_shown =
        |cell: &&Training| Some(cell.seed) == seed && store.is_finished(CellKind::Model, &cell.id);
    let mut models = Vec::new();
    let mut figures = Vec::new();
    for (i, cell) in manifest.trainings.iter().filter(is_shown).enumerate() {
        let loaded = Ensemble::load(&store.model_path(&cell.id), device);
        let (model, clip) = match (loaded, listening::training(manifest, cell)) {
            // of an ensemble the first member stands for all
            (Ok(models), Ok(clip)) => (models.into_first(), clip),
            (Err(error), _) => {
                error_line(format_args!("a figure is left out: {error}"));
                continue;
            }
            (_, Err(error)) => {
                error_line(format_args!("a figure is left out: {error}"));
                continue;
            }
        };
        let label = &manifest.variants[cell.variant].label;
        let source = &manifest.speakers[cell.speaker].name;
        let title = format!("{label} applied to {source}");
        let name = format!("{}-action-{}", manifest.name, i + 1);
        figures.push(figures::reconstruction_figure(
            &name, &title, &model, &clip, device,
        )?);
        let top_hz = figures::top_hz(&model, &clip)?;
        models.push((cell.speaker, label, model, top_hz));
    }
    if models.is_empty() {
        return Ok(());
    }
    // models of one source side by side, however many systems there are
    models.sort_by_key(|(source, ..)| *source);
    let of_one = models.windows(2).all(|pair| pair[0].0 == pair[1].0);
    let name = |source: usize, label: &str| match of_one {
        true => label.to_owned(),
        false => format!("{}: {label}", manifest.speakers[source].name),
    };
    let all: Vec<Shown<'_>> = models
        .iter()
        .map(|(source, label, model, top_hz)| Shown {
            name: name(*source, label),
            model,
            top_hz: *top_hz,
        })
        .collect();
    let name = format!("{}-bases", manifest.name);
    figures.push(figures::bases(&name, "Bases side by side", &all)?);
    let section = Section::new(format!("Reconstructions: {}", manifest.name))
        .with_intro("Each model's reconstruction of its own training clips, and its bases.");
    report.add(section, figures);
    Ok(())
}
