//! Files that appear whole or not at all.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::AudioError;

/// Writes `bytes` to `path`, whole or not at all.
///
/// The bytes go to a temporary file in the same folder, are pushed to the disk, and the file is
/// renamed: whoever looks at `path` sees the old content, the new one, or nothing, never a part. A
/// file that is there already is replaced; a symbolic link is replaced, not followed. The new file
/// gets the permissions of any new file (`0666` less the umask).
///
/// # Errors
///
/// A folder that is missing or refuses, a folder in place of the file, a full disk. Nothing is left
/// behind then.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), AudioError> {
    let pending = PendingFile::create(path)?;
    pending
        .file()
        .write_all(bytes)
        .map_err(|e| AudioError::io(path, "write to it", e))?;
    pending.commit()
}

/// A temporary file beside its target; dropped without [`PendingFile::commit`] it is removed.
pub(crate) struct PendingFile {
    temp: NamedTempFile,
    path: PathBuf,
}

impl PendingFile {
    pub fn create(path: &Path) -> Result<Self, AudioError> {
        if path.file_name().is_none() || path.is_dir() {
            return Err(AudioError::IsFolder { path: path.into() });
        }
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        if !folder.is_dir() {
            return Err(AudioError::FolderNotFound {
                path: path.into(),
                folder: folder.into(),
            });
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(".nae-").suffix(".part");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let temp = builder
            .tempfile_in(folder)
            .map_err(|e| AudioError::io(folder, "create a file in this folder", e))?;
        Ok(Self {
            temp,
            path: path.into(),
        })
    }

    pub fn file(&self) -> &File {
        self.temp.as_file()
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Pushes the content to the disk and moves it to its place.
    pub fn commit(self) -> Result<(), AudioError> {
        let Self { temp, path } = self;
        temp.as_file()
            .sync_all()
            .map_err(|e| AudioError::io(&path, "write to it", e))?;
        match temp.persist(&path) {
            Ok(_) => Ok(()),
            Err(e) => Err(AudioError::io(
                &path,
                "move the finished file there",
                e.error,
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_written_and_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.bin");
        write_atomically(&path, b"one").unwrap();
        write_atomically(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(names(folder.path()), ["a.bin"]);
    }

    #[test]
    fn a_folder_in_the_way_is_an_error_and_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taken");
        std::fs::create_dir(&path).unwrap();
        let error = write_atomically(&path, b"x").unwrap_err();
        assert!(matches!(error, AudioError::IsFolder { .. }), "{error}");
        assert_eq!(names(folder.path()), ["taken"]);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = write_atomically(&folder.path().join("no/a.bin"), b"x").unwrap_err();
        assert!(
            matches!(error, AudioError::FolderNotFound { .. }),
            "{error}"
        );
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn nothing_appears_before_the_commit_and_nothing_stays_without_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.bin");
        let pending = PendingFile::create(&path).unwrap();
        pending.file().write_all(b"half").unwrap();
        assert!(!path.exists());
        drop(pending);
        assert!(names(folder.path()).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_those_of_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (plain, ours) = (folder.path().join("plain"), folder.path().join("ours"));
        std::fs::write(&plain, b"x").unwrap();
        write_atomically(&ours, b"x").unwrap();
        let mode = |p: &Path| std::fs::metadata(p).unwrap().permissions().mode();
        assert_eq!(mode(&plain), mode(&ours));
    }
}
