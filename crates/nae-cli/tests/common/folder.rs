//! A folder that a test works in.

use std::path::{Path, PathBuf};

use super::small::clip;
use nae_testing::folders::files;

/// A folder to work in, with a clip; it is removed at the end. Test files add what they run in it.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        clip(&folder.path("clip.wav"));
        folder
    }

    pub fn root(&self) -> &Path {
        self.0.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The path as text.
    pub fn at(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Names below the folder, hidden ones too.
    pub fn names(&self) -> Vec<String> {
        let files = files(self.root());
        let names = files.iter().map(|path| path.strip_prefix(self.root()));
        names
            .map(|name| name.unwrap().to_str().unwrap().to_owned())
            .collect()
    }
}
