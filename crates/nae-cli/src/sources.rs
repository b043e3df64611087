//! Sources as they are named on the command line.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use burn::tensor::Device;
use nae_files::check_source_name;
use nae_model::{Ensemble, Model};
use nae_separate::Source;

/// What one `--model` names: `FILE`, `NAME=FILE`, or several files separated by commas.
pub struct SourceArgument<'a> {
    text: &'a str,
    name: Option<&'a str>,
    /// Model files.
    pub paths: Vec<PathBuf>,
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
        let paths = if Path::new(files).exists() {
            vec![PathBuf::from(files)]
        } else {
            files.split(',').map(PathBuf::from).collect()
        };
        Self { text, name, paths }
    }

    /// Reads the models.
    pub fn read(&self, device: &Device) -> Result<NamedModels> {
        if let Some(name) = self.name {
            check_source_name(name)?;
        }
        let files = self
            .paths
            .iter()
            .map(|path| Ok(Ensemble::load(path, device)?))
            .collect::<Result<Vec<_>>>()?;
        let (Some(first), Some(path)) = (files.first(), self.paths.first()) else {
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
                        "{0}: its source needs another name; give one with --model NAME={0}",
                        path.display()
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
    models
        .flat_map(|text| SourceArgument::parse(text).paths)
        .collect()
}
