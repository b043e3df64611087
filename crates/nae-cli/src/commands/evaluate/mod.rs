//! `nae evaluate`

mod scores;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use nae_audio::{Clip, is_sound, sorted_entries};
use nae_metrics::scores::{RELIABLE_DB, Scores, named};
use nae_metrics::summary::{self, Summary};
use rayon::prelude::*;
use serde_json::{Map, Value, json};

use crate::arguments::{Evaluate, Terminal};
use crate::console::print;
use crate::progress::draw_target;
use scores::{Order, Row, Scene};

/// Name of a scene's mixture in a folder.
const MIXTURE: &str = "mixture";

pub fn run(command: &Evaluate, terminal: &Terminal) -> Result<()> {
    let scenes = scenes(command)?;
    if command.explain {
        return explain(&scenes);
    }
    let order = if command.permute {
        Order::Best
    } else {
        Order::Given
    };
    let bar = ProgressBar::with_draw_target(
        Some(scenes.len() as u64),
        draw_target(terminal.quiet || scenes.len() < 2),
    );
    bar.set_style(ProgressStyle::with_template(
        "{bar:32} {pos}/{len} scenes ETA {eta}",
    )?);
    let score = |files: &SceneFiles| {
        let rows = files.read()?.score(order);
        bar.inc(1);
        rows
    };
    let scored = scenes.par_iter().map(score).collect::<Result<Vec<_>>>()?;
    bar.finish_and_clear();
    let rows: Vec<Row> = scored.into_iter().flatten().collect();
    if command.json {
        return print(&to_json(&rows).to_string());
    }
    print(&table(&rows))
}

/// One number of a summary.
type Part = fn(&Summary) -> f64;

/// Files that belong together.
struct SceneFiles {
    references: Vec<PathBuf>,
    estimates: Vec<PathBuf>,
    mixture: Option<PathBuf>,
}

impl SceneFiles {
    fn read(&self) -> Result<Scene> {
        let read = |path: &PathBuf| -> Result<(String, Clip)> {
            Ok((path.display().to_string(), nae_audio::read(path)?))
        };
        let all = |paths: &[PathBuf]| paths.iter().map(read).collect::<Result<Vec<_>>>();
        Scene::new(
            all(&self.references)?,
            all(&self.estimates)?,
            self.mixture.as_ref().map(read).transpose()?,
        )
    }
}

fn scenes(command: &Evaluate) -> Result<Vec<SceneFiles>> {
    let (Some(references), Some(estimates)) =
        (&command.references_folder, &command.estimates_folder)
    else {
        return Ok(vec![SceneFiles {
            references: command.references.clone(),
            estimates: command.estimates.clone(),
            mixture: command.mixture.clone(),
        }]);
    };
    let mut found = Vec::new();
    search(
        references,
        estimates,
        command.mixture.as_deref(),
        &mut found,
    )?;
    if found.is_empty() {
        bail!(
            "there is no sound file in {} or its subfolders; expected the true sources there, named as their estimates in {}",
            references.display(),
            estimates.display()
        );
    }
    Ok(found)
}

/// A folder with sounds is a scene: its sources are matched with the estimates by file name
/// (endings may differ), and a file called `mixture` is the mixture. Subfolders are further scenes.
fn search(
    references: &Path,
    estimates: &Path,
    mixture: Option<&Path>,
    found: &mut Vec<SceneFiles>,
) -> Result<()> {
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for path in sorted_entries(references)? {
        if path.is_dir() {
            folders.push(path);
        } else if is_sound(&path) {
            files.push(path);
        }
    }
    let own_mixture = files
        .iter()
        .position(|path| path.file_stem().is_some_and(|stem| stem == MIXTURE))
        .map(|i| files.remove(i));
    if !files.is_empty() {
        let candidates = sorted_entries(estimates)?;
        let partner = |file: &PathBuf| -> Result<PathBuf> {
            let stem = file.file_stem();
            let mut same = candidates
                .iter()
                .filter(|path| path.file_stem() == stem && is_sound(path));
            let path = same.next().with_context(|| {
                format!(
                    "{} has no estimate: there is no sound of that name in {}",
                    file.display(),
                    estimates.display()
                )
            })?;
            Ok(path.clone())
        };
        let matched = files.iter().map(partner).collect::<Result<Vec<_>>>()?;
        found.push(SceneFiles {
            references: files,
            estimates: matched,
            mixture: own_mixture.or_else(|| mixture.map(Path::to_owned)),
        });
    }
    for folder in folders {
        let Some(name) = folder.file_name() else {
            continue;
        };
        search(&folder, &estimates.join(name), mixture, found)?;
    }
    Ok(())
}

fn explain(scenes: &[SceneFiles]) -> Result<()> {
    for files in scenes {
        let scene = files.read()?;
        for i in 0..files.references.len() {
            print(&format!("{}\n", scene.explain(i)?))?;
        }
    }
    Ok(())
}

/// The keys named in the documentation; a score that does not exist is `null`.
fn to_json(rows: &[Row]) -> Value {
    let number = |value: Option<f64>| {
        value
            .and_then(serde_json::Number::from_f64)
            .map_or(Value::Null, Value::Number)
    };
    let named = |row: &Row| named(&row.scores, row.bounds.as_ref());
    let all: Vec<_> = rows.iter().map(named).collect();
    let mut sources = Vec::new();
    for (row, cells) in rows.iter().zip(&all) {
        let mut object = Map::new();
        object.insert("reference".into(), row.reference.clone().into());
        object.insert("estimate".into(), row.estimate.clone().into());
        object.extend(
            cells
                .iter()
                .map(|(key, value)| (key.clone(), number(*value))),
        );
        sources.push(object);
    }
    let mut median = Map::new();
    for (i, (key, _)) in all.first().into_iter().flatten().enumerate() {
        let values: Option<Vec<f64>> = all.iter().map(|cells| cells[i].1).collect();
        let value = values.and_then(|values| summary::median(&values));
        median.insert(key.clone(), number(value));
    }
    json!({ "sources": sources, "median": median })
}

fn table(rows: &[Row]) -> String {
    const HEADERS: [&str; 8] = [
        "SDR", "SIR", "SAR", "SI-SDR", "SI-SIR", "SI-SAR", "STOI", "ESTOI",
    ];
    let width = rows
        .iter()
        .map(|row| row.estimate.chars().count())
        .max()
        .unwrap_or(0)
        .max("median, ideal ratio mask".len());
    let cell = |i: usize, value: Option<f64>| match value {
        None => format!("{:>8}", "–"),
        Some(value) if i >= 6 => format!("{value:>8.3}"),
        Some(value) if value > RELIABLE_DB => format!("{:>8}", ">100"),
        Some(value) => format!("{value:>8.2}"),
    };
    let line = |name: &str, scores: &Scores| {
        format!(
            "{name:<width$}{}",
            scores
                .iter()
                .enumerate()
                .map(|(i, value)| cell(i, *value))
                .collect::<String>()
        )
    };
    let header = HEADERS
        .iter()
        .map(|name| format!("{name:>8}"))
        .collect::<String>();
    let mut lines = vec![
        format!("{:<width$}{:>24}{:>24}", "", "512 taps (dB)", "1 tap (dB)"),
        format!("{:<width$}{header}", "estimate"),
    ];
    lines.extend(rows.iter().map(|row| line(&row.estimate, &row.scores)));
    let mut summarise = |name: &str, pick: &dyn Fn(&Row) -> Option<Scores>| {
        let all: Vec<Scores> = rows.iter().filter_map(pick).collect();
        if all.len() < rows.len() {
            return;
        }
        let of = |i: usize, part: Part| {
            let values: Option<Vec<f64>> = all.iter().map(|scores| scores[i]).collect();
            values
                .and_then(|values| Summary::of(&values))
                .map(|summary| part(&summary))
        };
        let parts: [(&str, Part); 3] = [
            ("median", |s| s.median),
            ("lower quartile", |s| s.lower_quartile),
            ("upper quartile", |s| s.upper_quartile),
        ];
        let shown = if rows.len() >= 4 { 3 } else { 1 };
        for (part, value) in &parts[..shown] {
            let scores: Scores = std::array::from_fn(|i| of(i, *value));
            lines.push(line(&format!("{part}{name}"), &scores));
        }
    };
    summarise("", &|row| Some(row.scores));
    summarise(" gain over mixture", &|row| {
        let (floor, _) = row.bounds.as_ref()?;
        let reliable = |i: usize| floor[i].filter(|db| *db <= RELIABLE_DB);
        Some(std::array::from_fn(|i| Some(row.scores[i]? - reliable(i)?)))
    });
    summarise(", mixture", &|row| row.bounds.map(|bounds| bounds.0));
    summarise(", ideal ratio mask", &|row| {
        row.bounds.map(|bounds| bounds.1)
    });
    let names: Vec<&str> = rows.iter().map(|row| row.reference.as_str()).collect();
    lines.push(format!("SDR, SIR, SAR: BSS_eval v3 sources, 512-tap projection; SI-: 1-tap projection; references: {}", names.join(", ")));
    lines.join("\n")
}
