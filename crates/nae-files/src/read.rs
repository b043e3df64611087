//! Opening and reading files.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::FileError;
use crate::retry::retrying;

/// Opens a regular file for reading.
///
/// # Errors
/// [`FileError::NotFound`], [`FileError::IsFolder`], [`FileError::NotRegular`],
/// [`FileError::NoPermission`] or [`FileError::Io`].
pub fn open_regular(path: &Path) -> Result<File, FileError> {
    let failed = |error| FileError::io(path, "open it for reading", error);
    // before opening: to open a pipe is to wait for its writer
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if metadata.is_dir() {
        return Err(FileError::IsFolder { path: path.into() });
    }
    if !metadata.is_file() {
        return Err(FileError::NotRegular { path: path.into() });
    }
    File::open(path).map_err(failed)
}

/// Most bytes that a text file written by hand may have, such as a configuration: 16 MiB.
pub const TEXT_LIMIT: u64 = 16 << 20;

/// Reads a regular file as a whole; errors that may pass are waited out ([`retrying`]).
///
/// - `limit`: bytes that it may have; it is refused before more than that is read
///
/// # Errors
/// As [`open_regular`]; [`FileError::TooLarge`].
pub fn read_bytes(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    retrying(path, || read_once(path, limit))
}

fn read_once(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let file = open_regular(path)?;
    let failed = |error| FileError::io(path, "read it", error);
    let length = file.metadata().map_err(failed)?.len();
    let mut bytes = Vec::new();
    if length <= limit {
        // it may grow meanwhile, and some say that they are empty and are not
        file.take(limit.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(failed)?;
    }
    let length = length.max(bytes.len() as u64);
    match length > limit {
        true => Err(FileError::TooLarge {
            path: path.into(),
            length,
            limit,
        }),
        false => Ok(bytes),
    }
}

/// Reads a text file in UTF-8, of up to [`TEXT_LIMIT`] bytes.
///
/// # Errors
/// As [`read_bytes`]; [`FileError::NotText`] for anything but UTF-8.
pub fn read_text(path: &Path) -> Result<String, FileError> {
    let bytes = read_bytes(path, TEXT_LIMIT)?;
    String::from_utf8(bytes).map_err(|_| FileError::NotText { path: path.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let error = |path: &Path| open_regular(path).unwrap_err();
        assert!(matches!(error(folder.path()), FileError::IsFolder { .. }));
        assert!(matches!(
            error(&folder.path().join("gone")),
            FileError::NotFound { .. }
        ));
        #[cfg(unix)]
        assert!(matches!(
            error(Path::new("/dev/null")),
            FileError::NotRegular { .. }
        ));
    }

    #[test]
    fn text_is_utf_8() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text");
        std::fs::write(&path, "größe").unwrap();
        assert_eq!(read_text(&path).unwrap(), "größe");
        std::fs::write(&path, b"gr\xf6\xdfe").unwrap();
        let error = read_text(&path).unwrap_err();
        assert!(matches!(error, FileError::NotText { .. }), "{error}");
    }

    #[test]
    fn a_file_above_the_limit_is_refused_with_both_figures() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ten");
        std::fs::write(&path, b"0123456789").unwrap();
        assert_eq!(read_bytes(&path, 10).unwrap(), b"0123456789");
        let error = read_bytes(&path, 9).unwrap_err();
        assert!(
            matches!(
                error,
                FileError::TooLarge {
                    length: 10,
                    limit: 9,
                    ..
                }
            ),
            "{error}"
        );
        // a file without end that says it is empty
        #[cfg(target_os = "linux")]
        assert!(read_bytes(Path::new("/proc/self/maps"), 10).is_err());
    }
}
