//! Sources as they are named on the command line.

use std::path::Path;

use anyhow::{Result, anyhow};
use burn::tensor::Device;
use nae_files::check_source_name;
use nae_model::Model;
use nae_separate::Source;

/// Reads what one `--model` names: `FILE`, `NAME=FILE`, or several files separated by commas.
pub fn read_source(text: &str, device: &Device) -> Result<Source> {
    let (name, files) = match text.split_once('=') {
        // a path may itself contain `=`
        Some((name, files)) if !Path::new(text).exists() => (Some(name), files),
        _ => (None, text),
    };
    let paths: Vec<&Path> = if Path::new(files).exists() {
        vec![Path::new(files)]
    } else {
        files.split(',').map(Path::new).collect()
    };
    let models = paths
        .into_iter()
        .map(|path| Ok(Model::load(path, device)?))
        .collect::<Result<Vec<_>>>()?;
    let first = models
        .first()
        .ok_or_else(|| anyhow!("`--model {text}` names no file; expected [NAME=]FILE"))?;
    let name = name.unwrap_or(&first.metadata.name).to_owned();
    check_source_name(&name)?;
    Ok(Source { name, models })
}
