//! Figures of trained models.

use anyhow::Result;
use burn::tensor::Device;
use nae_model::{Ensemble, Model};
use nae_report::Section;
use nae_report::comparison::Report;
use nae_sweep::cell::CellKind;
use nae_sweep::cell::Training;
use nae_sweep::{Manifest, Store, listening};

use super::figures;
use crate::console::error_line;

/// Highest frequency in pictures of bases.
const TOP_HZ: f64 = 4000.0;

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
        let title = format!(
            "{label} applied to {}",
            manifest.speakers[cell.speaker].name
        );
        let name = format!("{}-action-{}", manifest.name, i + 1);
        figures.push(figures::reconstruction_figure(
            &name, &title, &model, &clip, device,
        )?);
        models.push((label.as_str(), model));
    }
    if models.is_empty() {
        return Ok(());
    }
    let all: Vec<(&str, &Model)> = models
        .iter()
        .map(|(label, model)| (*label, model))
        .collect();
    let name = format!("{}-bases", manifest.name);
    figures.push(figures::bases(&name, "Bases side by side", &all, TOP_HZ)?);
    let section = Section::new(format!("Reconstructions: {}", manifest.name))
        .with_intro("Each model's reconstruction of its own training clips, and its bases.");
    report.add(section, figures);
    Ok(())
}
