//! The files to score.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use nae_audio::{Clip, is_sound};
use nae_files::{Visited, sorted_entries};

use super::scores::Example;
use crate::arguments::Evaluate;

/// Name of an example's mixture in a folder, without its ending.
const MIXTURE: &str = "mixture";

/// The files of one example: references, their estimates in the same order, and the mixture.
pub struct ExampleFiles {
    pub references: Vec<PathBuf>,
    estimates: Vec<PathBuf>,
    mixture: Option<PathBuf>,
}

impl ExampleFiles {
    /// Reads them.
    pub fn read(&self) -> Result<Example> {
        let read = |path: &PathBuf| -> Result<(String, Clip)> {
            Ok((path.display().to_string(), nae_audio::read(path)?))
        };
        let all = |paths: &[PathBuf]| paths.iter().map(read).collect::<Result<Vec<_>>>();
        Example::new(
            all(&self.references)?,
            all(&self.estimates)?,
            self.mixture.as_ref().map(read).transpose()?,
        )
    }
}

/// The example of the given files, or all examples in the given folders.
pub fn examples(command: &Evaluate) -> Result<Vec<ExampleFiles>> {
    let (Some(references), Some(estimates)) =
        (&command.references_folder, &command.estimates_folder)
    else {
        return Ok(vec![ExampleFiles {
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
        &mut Visited::default(),
        &mut found,
    )?;
    if found.is_empty() {
        bail!(
            "no sound file in {} or its subfolders; expected the references, each with the file name of its estimate in {}",
            references.display(),
            estimates.display()
        );
    }
    Ok(found)
}

/// A folder with sound files is an example: its references are matched with the estimates by file
/// name (endings may differ), and a file named `mixture` is the mixture. Subfolders are further
/// examples.
fn search(
    references: &Path,
    estimates: &Path,
    mixture: Option<&Path>,
    visited: &mut Visited,
    found: &mut Vec<ExampleFiles>,
) -> Result<()> {
    if !visited.is_new(references)? {
        return Ok(());
    }
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
                    "{} has no estimate: expected a sound file of the same name in {}",
                    file.display(),
                    estimates.display()
                )
            })?;
            Ok(path.clone())
        };
        let matched = files.iter().map(partner).collect::<Result<Vec<_>>>()?;
        found.push(ExampleFiles {
            references: files,
            estimates: matched,
            mixture: own_mixture.or_else(|| mixture.map(Path::to_owned)),
        });
    }
    for folder in folders {
        let Some(name) = folder.file_name() else {
            continue;
        };
        search(&folder, &estimates.join(name), mixture, visited, found)?;
    }
    Ok(())
}
