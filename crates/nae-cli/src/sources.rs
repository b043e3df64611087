//! Sources as they are named on the command line.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use burn::tensor::Device;
use nae_files::check_source_name;
use nae_model::{Ensemble, Model};
use nae_separate::Source;

use crate::model_location::ModelLocation;

/// What one `--model` names: `FILE`, `NAME=FILE`, or several files separated by commas; a file may be
/// `universal:voice` or `universal:noise`.
pub struct SourceArgument<'a> {
    text: &'a str,
    name: Option<&'a str>,
    /// Where its models are.
    pub models: Vec<ModelLocation>,
}

/// A source with the models of its files.
pub struct NamedModels {
    /// Name of the source.
    pub name: String,
    /// What its files hold, in their order; at least one.
    pub files: Vec<Ensemble>,
}

impl NamedModels {
    /// The source with all its models: members of ensembles stand where their file does.
    pub fn into_source(self) -> Source {
        let files = self.files.into_iter();
        Source {
            name: self.name,
            models: files.flat_map(Ensemble::into_members).collect(),
        }
    }

    /// The models that joint encoders are made for: the first of every file.
    pub fn first_models(&self) -> impl Iterator<Item = &Model> {
        self.files.iter().map(Ensemble::first)
    }
}

impl<'a> SourceArgument<'a> {
    /// Takes it apart.
    pub fn parse(text: &'a str) -> Self {
        let (name, files) = match text.split_once('=') {
            // a path may itself contain `=`
            Some((name, files)) if !Path::new(text).exists() => (Some(name), files),
            _ => (None, text),
        };
        let models = if Path::new(files).exists() && !ModelLocation::is_universal(files) {
            vec![ModelLocation::File(files.into())]
        } else {
            files.split(',').map(ModelLocation::parse).collect()
        };
        Self { text, name, models }
    }

    /// Reads the models.
    pub fn read(&self, device: &Device) -> Result<NamedModels> {
        if let Some(name) = self.name {
            check_source_name(name)?;
        }
        let models = self.models.iter();
        let files = models.map(|model| model.load(device));
        let files = files.collect::<Result<Vec<_>>>()?;
        let (Some(first), Some(location)) = (files.first(), self.models.first()) else {
            bail!(
                "`--model {}` names no file; expected [NAME=]FILE",
                self.text
            );
        };
        let name = match self.name {
            Some(name) => name,
            None => {
                let name = &first.first().metadata.name;
                check_source_name(name).with_context(|| {
                    format!(
                        "{location}: its source needs another name; give one with --model NAME={location}"
                    )
                })?;
                name
            }
        };
        Ok(NamedModels {
            name: name.to_owned(),
            files,
        })
    }
}

/// Model files that `--model` options name.
pub fn model_files(models: &[String]) -> Vec<PathBuf> {
    let models = models.iter();
    let locations = models.flat_map(|text| SourceArgument::parse(text).models);
    let files = locations.filter_map(|model| model.file().map(Path::to_owned));
    files.collect()
}

/// The name of a new model's source: the given one, or the file's; one that can be a file name, since stems
/// are named after it.
pub fn source_name(name: Option<&str>, out: &Path) -> Result<String> {
    let name = match name {
        Some(name) => name.to_owned(),
        None => {
            let stem = out.file_stem().unwrap_or_default();
            stem.to_string_lossy().into_owned()
        }
    };
    check_source_name(&name)?;
    Ok(name)
}
