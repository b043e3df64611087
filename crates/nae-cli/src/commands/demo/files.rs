//! The sounds that the demo writes.

use std::path::{Path, PathBuf};

use anyhow::Result;
use nae_audio::{BitDepth, Clip};
use nae_files::create_folder;

use super::system::System;
use super::test_mixture::TestMixture;

/// Writes mixture, references and stems as 32-bit float WAV.
pub fn write(out: &Path, mixture: &TestMixture, systems: &[System]) -> Result<()> {
    let write = |path: PathBuf, clip: &Clip| nae_audio::write(&path, clip, BitDepth::Float32);
    write(out.join("mixture.wav"), &mixture.mixture)?;
    let references = out.join("references");
    create_folder(&references)?;
    for (name, clip) in mixture.names.iter().zip(&mixture.references) {
        write(references.join(format!("{name}.wav")), clip)?;
    }
    for system in systems {
        let folder = out.join(&system.folder);
        create_folder(&folder)?;
        for (name, clip) in mixture.names.iter().zip(&system.stems) {
            write(folder.join(format!("{name}.wav")), clip)?;
        }
    }
    Ok(())
}
