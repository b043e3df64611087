//! What a folder holds, and where the fixtures are.

use std::path::{Path, PathBuf};

/// The names in a folder, hidden ones too, sorted.
///
/// # Panics
///
/// When it cannot be read or a name is not Unicode.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Every file below a folder, hidden ones too, sorted; none where there is no such folder.
///
/// # Panics
///
/// When an entry cannot be read.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// A file of the package that is tested; its path is taken from that package's folder.
///
/// The folder is asked for at run time: a binary that another checkout built into the same target folder
/// would remember that one's.
///
/// # Panics
///
/// When not run by cargo.
pub fn package_file(path: &str) -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs the tests");
    Path::new(&package).join(path)
}

/// A recording that comes with nae, or a folder of them; its path is taken from the repository's `data` folder.
///
/// # Panics
///
/// When not run by cargo.
pub fn data(path: &str) -> PathBuf {
    package_file("../../data").join(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_at_every_depth() {
        let sources = package_file("src");
        assert!(names(&sources).contains(&"folders.rs".to_owned()));
        assert!(files(&package_file("")).contains(&sources.join("folders.rs")));
        assert!(files(&package_file("nowhere")).is_empty());
        assert!(data("speech").is_dir());
    }
}
