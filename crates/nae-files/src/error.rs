//! Errors of this crate.

use std::io;
use std::path::{Path, PathBuf};

use crate::text::{count, printable};

/// Errors of files and folders; each message says what was expected, what was found and what to
/// try.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// There is no file at the path.
    #[error("{path}: there is no such file; check the spelling and the folder the command runs in")]
    NotFound {
        /// The path as given.
        path: PathBuf,
    },
    /// The folder to write into does not exist.
    #[error(
        "{path}: cannot be written because the folder {folder} does not exist; create it first or choose another place"
    )]
    FolderNotFound {
        /// The file to be written.
        path: PathBuf,
        /// The folder that is missing.
        folder: PathBuf,
    },
    /// A folder where a file was expected.
    #[error("{path}: is a folder, but a file was expected; name one file in it")]
    IsFolder {
        /// The path as given.
        path: PathBuf,
    },
    /// A pipe, a device or a socket where a file was expected.
    #[error(
        "{path}: is not a regular file (a pipe, a device or a socket), but only regular files are read; save it to a file first"
    )]
    NotRegular {
        /// The path as given.
        path: PathBuf,
    },
    /// The system refuses access.
    #[error(
        "{path}: permission denied, cannot {action}; check who owns it and its access rights, or choose another place"
    )]
    NoPermission {
        /// The file or folder that refuses.
        path: PathBuf,
        /// What was tried, such as "open it for reading".
        action: &'static str,
    },
    /// Nothing can be written there.
    #[error(
        "{path}: is on a disk that is mounted read-only, cannot {action}; choose another place, or mount it for writing"
    )]
    ReadOnly {
        /// The file or folder at fault.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
    },
    /// An output whose folder, or what was written of it, was removed on the way.
    #[error(
        "{path}: could not {action}: its folder, or what was written of it so far, has been moved or removed meanwhile; run the command again"
    )]
    Gone {
        /// The file to be written.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
    },
    /// A file that has become shorter than it was when it was opened.
    #[error(
        "{path}: could not {action}: it ends earlier than its beginning promises; if another program is writing to it, wait until that has ended, else copy or download it again"
    )]
    EndsEarly {
        /// The path as given.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
    },
    /// Any other error of the operating system.
    #[error(
        "{path}: could not {action}: {error}; check that the disk is present, healthy and not full, then try again"
    )]
    Io {
        /// The file or folder at fault.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        error: io::Error,
    },
    /// More bytes than such a file may have.
    #[error(
        "{path}: has {}, but at most {limit} were expected; check that it is the right file", count(*.length, "byte")
    )]
    TooLarge {
        /// The path as given.
        path: PathBuf,
        /// Bytes that it holds at least.
        length: u64,
        /// Bytes that it may hold.
        limit: u64,
    },
    /// Bytes where text was expected.
    #[error("{path}: is not text in UTF-8, but text was expected; save it as UTF-8")]
    NotText {
        /// The path as given.
        path: PathBuf,
    },
    /// A folder that cannot be created.
    #[error(
        "cannot create the folder {path}: {error}; check its parent's permissions, or give another path"
    )]
    NoNewFolder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A name that cannot be a file's.
    #[error(
        "`{}` cannot be the name of a source, whose stem is NAME.wav: {reason}; choose another name",
        shortened(name)
    )]
    BadName {
        /// The name as given.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The path of a folder where a file was expected.
    #[error("{path}: ends like a folder's path, but a file was expected; add the file's name")]
    EndsInSlash {
        /// The path as given.
        path: PathBuf,
    },
    /// A name that the file system does not take.
    #[error(
        "{path}: the file system does not take this name (most take up to 255 bytes); choose a shorter one"
    )]
    BadFileName {
        /// The path as given.
        path: PathBuf,
    },
    /// A pipe, a device or a socket in place of an output.
    #[error(
        "{path}: is not a regular file (a pipe, a device or a socket), and only regular files are replaced; choose another path"
    )]
    NotReplaceable {
        /// The path as given.
        path: PathBuf,
    },
    /// Another run has reserved the file.
    #[error(
        "{path}: another run is about to write this file; wait until it has ended, or choose another path"
    )]
    InUse {
        /// The path as given.
        path: PathBuf,
    },
    /// An output that is an input.
    #[error(
        "{path}: is the same file as the input {input}, which would be lost; choose another path for the output"
    )]
    OutputIsInput {
        /// The output as given.
        path: PathBuf,
        /// The input as given.
        input: PathBuf,
    },
    /// Two outputs in one file.
    #[error("{path}: is the same file as the output {other}; choose another path for one of them")]
    OutputTwice {
        /// The output as given.
        path: PathBuf,
        /// The other output.
        other: PathBuf,
    },
}

impl FileError {
    /// Converts an error of the operating system to the variant with the right advice.
    ///
    /// - `action`: what was tried, as the end of "could not …"
    pub fn io(path: &Path, action: &'static str, error: io::Error) -> Self {
        let path = path.to_path_buf();
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound { path },
            io::ErrorKind::IsADirectory => Self::IsFolder { path },
            io::ErrorKind::InvalidFilename => Self::BadFileName { path },
            io::ErrorKind::PermissionDenied => Self::NoPermission { path, action },
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path, action },
            io::ErrorKind::UnexpectedEof => Self::EndsEarly { path, action },
            _ => Self::Io {
                path,
                action,
                error,
            },
        }
    }

    /// As [`io`](Self::io), of an output whose folder was there before.
    pub fn writing(path: &Path, action: &'static str, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Gone {
                path: path.into(),
                action,
            },
            _ => Self::io(path, action, error),
        }
    }
}

/// A name in one line that is not too long to read.
fn shortened(name: &str) -> String {
    const LONGEST: usize = 60;
    let shown: String = name.chars().take(LONGEST).collect();
    let dots = if shown.len() < name.len() { "…" } else { "" };
    let shown = shown.replace(['\n', '\t'], " ");
    format!("{}{dots}", printable(&shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denied_access_says_what_was_tried() {
        let error = FileError::io(
            Path::new("secret.wav"),
            "open it for reading",
            io::ErrorKind::PermissionDenied.into(),
        );
        let text = error.to_string();
        assert!(matches!(error, FileError::NoPermission { .. }));
        assert!(text.contains("secret.wav") && text.contains("open it for reading"));
    }

    #[test]
    fn every_cause_has_advice_of_its_own() {
        let words = |kind: io::ErrorKind| {
            FileError::writing(Path::new("a.wav"), "write to it", kind.into()).to_string()
        };
        for (kind, advice) in [
            (io::ErrorKind::ReadOnlyFilesystem, "mount it for writing"),
            (io::ErrorKind::PermissionDenied, "access rights"),
            (io::ErrorKind::NotFound, "removed meanwhile"),
            (io::ErrorKind::UnexpectedEof, "another program is writing"),
            (io::ErrorKind::StorageFull, "not full"),
        ] {
            assert!(words(kind).contains(advice), "{}", words(kind));
        }
    }

    #[test]
    fn a_full_disk_keeps_the_words_of_the_system() {
        let error = FileError::io(
            Path::new("a.wav"),
            "write samples",
            io::ErrorKind::StorageFull.into(),
        );
        assert!(error.to_string().contains("no storage space"), "{error}");
    }
}
