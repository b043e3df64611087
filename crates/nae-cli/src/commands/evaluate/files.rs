//! The files to score.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use nae_audio::is_sound;
use nae_files::{Visited, sorted_entries};

use crate::arguments::Evaluate;

/// Name of an example's mixture in a folder, without its ending.
const MIXTURE: &str = "mixture";

/// The files of one example: references, their estimates in the same order, and the mixture.
#[derive(Debug)]
pub struct ExampleFiles {
    pub references: Vec<PathBuf>,
    pub estimates: Vec<PathBuf>,
    pub mixture: Option<PathBuf>,
}

/// One set of references, or why its files cannot be told.
pub struct Found {
    /// The folder of its references; of files given one by one, the first reference.
    pub name: String,
    pub files: Result<ExampleFiles>,
}

impl ExampleFiles {
    /// Bytes of all files together, as far as they can be told.
    pub fn bytes(&self) -> u64 {
        let all = self.references.iter().chain(&self.estimates);
        let bytes = |path: &PathBuf| path.metadata().map_or(0, |file| file.len());
        all.chain(&self.mixture).map(bytes).sum()
    }
}

/// The example of the given files, or all examples in the given folders.
pub fn examples(command: &Evaluate) -> Result<Vec<Found>> {
    let (Some(references), Some(estimates)) =
        (&command.references_folder, &command.estimates_folder)
    else {
        let first = command.references.first();
        return Ok(vec![Found {
            name: first.map_or_else(String::new, |path| path.display().to_string()),
            files: Ok(ExampleFiles {
                references: command.references.clone(),
                estimates: command.estimates.clone(),
                mixture: command.mixture.clone(),
            }),
        }]);
    };
    for folder in [references, estimates] {
        // one that is missing is no example that can be left out
        sorted_entries(folder)?;
    }
    let mut search = Search {
        mixture: command.mixture.as_deref(),
        visited: Visited::default(),
        found: Vec::new(),
    };
    search.folder(references, estimates);
    if search.found.is_empty() {
        bail!(
            "no sound file in {} or its subfolders; expected the references, each with the file name of its estimate in {}",
            references.display(),
            estimates.display()
        );
    }
    Ok(search.found)
}

/// Goes through folders. One with sound files is an example: its references are matched with the
/// estimates by file name (endings may differ), and a file named `mixture` is the mixture. Subfolders
/// are further examples.
struct Search<'a> {
    mixture: Option<&'a Path>,
    visited: Visited,
    found: Vec<Found>,
}

impl Search<'_> {
    fn folder(&mut self, references: &Path, estimates: &Path) {
        match self.contents(references) {
            Ok(None) => {}
            Err(error) => self.add(references, Err(error)),
            Ok(Some((files, folders))) => {
                if !files.is_empty() {
                    let files = matched(files, references, estimates, self.mixture);
                    if let Some(files) = files.transpose() {
                        self.add(references, files);
                    }
                }
                for folder in folders {
                    if let Some(name) = folder.file_name() {
                        self.folder(&folder, &estimates.join(name));
                    }
                }
            }
        }
    }

    fn add(&mut self, references: &Path, files: Result<ExampleFiles>) {
        self.found.push(Found {
            name: references.display().to_string(),
            files,
        });
    }

    /// Sound files and subfolders; `None` for a folder that was visited before.
    fn contents(&mut self, folder: &Path) -> Result<Option<(Vec<PathBuf>, Vec<PathBuf>)>> {
        if !self.visited.is_new(folder)? {
            return Ok(None);
        }
        let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = sorted_entries(folder)?
            .into_iter()
            .partition(|path| path.is_dir());
        let sounds = files.into_iter().filter(|path| is_sound(path)).collect();
        Ok(Some((sounds, folders)))
    }
}

/// The example in a folder; `None` if it only has a mixture.
fn matched(
    files: Vec<PathBuf>,
    references: &Path,
    estimates: &Path,
    mixture: Option<&Path>,
) -> Result<Option<ExampleFiles>> {
    let is_mixture = |path: &PathBuf| path.file_stem().is_some_and(|stem| stem == MIXTURE);
    let (mixtures, files): (Vec<PathBuf>, Vec<PathBuf>) = files.into_iter().partition(is_mixture);
    if files.is_empty() {
        return Ok(None);
    }
    if let [first, second, ..] = mixtures.as_slice() {
        bail!("{}", same_name("mixtures", first, second));
    }
    let mut names = HashMap::new();
    for file in &files {
        if let Some(first) = names.insert(file.file_stem(), file) {
            bail!("{}", same_name("references", first, file));
        }
    }
    let candidates: Vec<PathBuf> = sorted_entries(estimates)?
        .into_iter()
        .filter(|path| is_sound(path) && !path.is_dir())
        .collect();
    let partner = |file: &PathBuf| -> Result<PathBuf> {
        let stem = file.file_stem();
        let mut same = candidates.iter().filter(|path| path.file_stem() == stem);
        match (same.next(), same.next()) {
            (Some(path), None) => Ok(path.clone()),
            (Some(first), Some(second)) => Err(anyhow!(
                "{} (for the reference {})",
                same_name("estimates", first, second),
                file.display()
            )),
            (None, _) => Err(anyhow!(
                "{} has no estimate: expected a sound file of the same name in {}",
                file.display(),
                estimates.display()
            )),
        }
    };
    let matched = files.iter().map(partner).collect::<Result<Vec<_>>>()?;
    for estimate in &candidates {
        if !matched.contains(estimate) && !is_mixture(estimate) {
            log::warn!(
                "{} is not scored: no file in {} has its name",
                estimate.display(),
                references.display()
            );
        }
    }
    let own_mixture = mixtures.into_iter().next();
    Ok(Some(ExampleFiles {
        references: files,
        estimates: matched,
        mixture: own_mixture.or_else(|| mixture.map(Path::to_owned)),
    }))
}

/// Two files where one is expected.
fn same_name(what: &str, first: &Path, second: &Path) -> String {
    format!(
        "{} and {} are two {what} of one name, and it cannot be told which of both is meant; rename or remove one",
        first.display(),
        second.display()
    )
}
