//! SHA-256 in hexadecimal.

use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::FileError;
use crate::read::open_regular;

/// Bytes read at once.
const CHUNK: usize = 1 << 16;

/// SHA-256 of some bytes, in hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(Sha256::digest(bytes).as_slice())
}

/// SHA-256 of a file's content, in hexadecimal; the file is never in memory as a whole.
///
/// # Errors
/// [`FileError`] if it is no regular file or cannot be read.
pub fn sha256_of_file(path: &Path) -> Result<String, FileError> {
    let mut file = open_regular(path)?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = file
            .read(&mut chunk)
            .map_err(|error| FileError::io(path, "read it", error))?;
        if length == 0 {
            return Ok(hex(hash.finalize().as_slice()));
        }
        hash.update(&chunk[..length]);
    }
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_standard() {
        // FIPS 180-2, appendix B.1
        assert_eq!(
            sha256_hex(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn a_file_hashes_as_its_bytes_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        for length in [0, 1, CHUNK, 2 * CHUNK + 7] {
            let bytes: Vec<u8> = (0..length).map(|i| i as u8).collect();
            std::fs::write(&path, &bytes).unwrap();
            assert_eq!(sha256_of_file(&path).unwrap(), sha256_hex(&bytes));
        }
    }
}
