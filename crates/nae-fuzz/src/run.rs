//! The folder of a finished run, in which one file after another is replaced.

use std::path::PathBuf;

use nae_sweep::Store;

use crate::{message, scratch};

/// A file of the run that the tests of `nae-sweep` keep.
macro_rules! kept {
    ($path:literal) => {
        (
            $path,
            include_bytes!(concat!("../../nae-sweep/tests/earlier_run/", $path)).as_slice(),
        )
    };
}

/// Its files.
const FILES: [(&str, &[u8]); 13] = [
    kept!("manifest.json"),
    kept!("joints/d9b8efe77ea7e2d36358ecea1235b027a86e42964ef7785e40f52c70ece3aaa1.json"),
    kept!("joints/d9b8efe77ea7e2d36358ecea1235b027a86e42964ef7785e40f52c70ece3aaa1.safetensors"),
    kept!("models/3a8dc37176cdef8668549a7c6fffdf55a6170893cf2f018a4eaf84bfdea66783.json"),
    kept!("models/3a8dc37176cdef8668549a7c6fffdf55a6170893cf2f018a4eaf84bfdea66783.safetensors"),
    kept!("models/8c15d658f1ad5e0c38ce80c262634e388e1ce52a0c6ff012b982824339dba397.json"),
    kept!("models/8c15d658f1ad5e0c38ce80c262634e388e1ce52a0c6ff012b982824339dba397.safetensors"),
    kept!("models/ea86fb42d76c7baadd230186128c0f3db6f4426176761cb52dd460ea19e3a8c4.json"),
    kept!("models/ea86fb42d76c7baadd230186128c0f3db6f4426176761cb52dd460ea19e3a8c4.safetensors"),
    kept!("models/efe2c636978320b741d86ae1ef5c27c8596740a5b4caafd5a49d582678cb4dd4.json"),
    kept!("models/efe2c636978320b741d86ae1ef5c27c8596740a5b4caafd5a49d582678cb4dd4.safetensors"),
    kept!("scores/580d34a01840e751247569abe9e8570340581280fe19fe8c46123d14bf95a3b2.json"),
    kept!("scores/bc13a906a9fcf771b8f33ac1151275f9412c56324da2c3e7bfcaa65871cc03ca.json"),
];

/// The run's folder, which is made if it is not there.
fn root() -> PathBuf {
    let root = scratch::folder().join("run");
    if root.is_dir() {
        return root;
    }
    for folder in ["models", "joints", "scores", "failed", "claims", "workers"] {
        std::fs::create_dir_all(root.join(folder)).unwrap();
    }
    for (path, bytes) in FILES {
        std::fs::write(root.join(path), bytes).unwrap();
    }
    root
}

/// Reads the run with another file in the place of its own, which is put back afterwards.
pub(crate) fn with(path: &str, bytes: &[u8], read: impl FnOnce(&Store)) {
    let root = root();
    let place = root.join(path);
    std::fs::write(&place, bytes).unwrap();
    match Store::open(&root) {
        Ok(store) => read(&store),
        Err(error) => message::check(&error),
    }
    match FILES.iter().find(|(own, _)| *own == path) {
        Some((_, bytes)) => std::fs::write(&place, bytes).unwrap(),
        None => std::fs::remove_file(&place).unwrap(),
    }
}

/// Checks the table of what is finished.
pub(crate) fn check_table(store: &Store) {
    let table = match nae_sweep::collect::table(store) {
        Ok(table) => table,
        Err(error) => return message::check(&nae_files::printable(&error.to_string())),
    };
    for row in table.rows() {
        assert_eq!(row.len(), table.names().len());
    }
    assert!(!table.to_csv().expect("a table has a text").is_empty());
    assert!(
        table
            .to_parquet()
            .expect("a table has a file")
            .starts_with(b"PAR1")
    );
}
