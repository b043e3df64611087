//! Whether two paths are of the same file.

use std::path::{Path, PathBuf};

use crate::folder::folder_of;

/// Links that are followed one after the other, at most.
const LINKS: usize = 16;

/// The file of a path, links followed: equal for two paths to one file, also by a hard link (on
/// Unix), and also where nothing lies yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum FileIdentity {
    /// A file that is there, by its device and number on it.
    #[cfg(unix)]
    Existing(u64, u64),
    /// A file by its real path.
    Place(PathBuf),
}

impl FileIdentity {
    /// Of the file at `path`, or of the one that would appear there.
    pub fn of(path: &Path) -> Self {
        #[cfg(unix)]
        if let Ok(metadata) = std::fs::metadata(path) {
            use std::os::unix::fs::MetadataExt;
            return Self::Existing(metadata.dev(), metadata.ino());
        }
        match path.canonicalize() {
            Ok(real) => Self::Place(real),
            Err(_) => Self::Place(place(&end_of_links(path))),
        }
    }
}

/// Where a link leads to whose end does not exist.
fn end_of_links(path: &Path) -> PathBuf {
    let mut path = path.to_path_buf();
    for _ in 0..LINKS {
        match std::fs::read_link(&path) {
            Ok(target) => path = folder_of(&path).join(target),
            Err(_) => break,
        }
    }
    path
}

/// The real path of a file that does not exist.
fn place(path: &Path) -> PathBuf {
    let folder = folder_of(path);
    let real = folder.canonicalize();
    let real = real.or_else(|_| std::path::absolute(folder));
    let name = path.file_name().unwrap_or_default();
    let real = real.unwrap_or_else(|_| folder.into());
    // the usual file systems there take `A` and `a` for one
    match cfg!(any(windows, target_os = "macos")) {
        true => real.join(name.to_ascii_lowercase()),
        false => real.join(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_path_are_one_file_whether_it_is_there_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let of = |path: &str| FileIdentity::of(&folder.path().join(path));
        std::fs::create_dir(folder.path().join("x")).unwrap();
        assert_eq!(of("x/../new"), of("./new"));
        assert_ne!(of("new"), of("x/new"));
        std::fs::write(folder.path().join("there"), b"").unwrap();
        assert_eq!(of("there"), of("x/../there"));
        assert_ne!(of("there"), of("new"));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_whether_they_end_or_not() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("file"), b"").unwrap();
        std::fs::hard_link(path("file"), path("hard")).unwrap();
        symlink("file", path("soft")).unwrap();
        symlink("new", path("dangling")).unwrap();
        symlink("dangling", path("chained")).unwrap();
        symlink("circle", path("circle")).unwrap();
        let of = |name: &str| FileIdentity::of(&path(name));
        assert_eq!(of("file"), of("hard"));
        assert_eq!(of("file"), of("soft"));
        assert_eq!(of("new"), of("dangling"));
        assert_eq!(of("new"), of("chained"));
        assert_ne!(of("circle"), of("new"));
    }
}
