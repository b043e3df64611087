//! Writing `.safetensors`: the one place where nae does.

use std::collections::BTreeMap;

use safetensors::tensor::{TensorView, serialize};

use crate::error::ModelError;

/// Bytes of the number at the start of a file, and what the header's length is a multiple of.
const WORD: usize = 8;

/// A file's bytes, which depend on the tensors and the entries alone.
///
/// The `safetensors` crate writes the entries in the random order of a hash map, so that two files of
/// the same content would differ. Here it writes the tensors, and the entries are put into its header,
/// first and sorted by key.
///
/// - `entries`: of the metadata
///
/// # Errors
/// [`ModelError::Device`] if serialisation itself is broken.
pub fn safetensors_bytes<S: AsRef<str> + Ord + std::fmt::Display>(
    tensors: Vec<(S, TensorView<'_>)>,
    entries: &BTreeMap<String, String>,
) -> Result<Vec<u8>, ModelError> {
    let plain = serialize(tensors, None).map_err(ModelError::unwritable)?;
    let (header, tensors) = split(&plain)
        .ok_or_else(|| ModelError::unwritable("the header of the file has another form"))?;
    let entries = serde_json::to_string(entries).map_err(ModelError::unwritable)?;
    let comma = if header == "}" { "" } else { "," };
    let mut header = format!(r#"{{"__metadata__":{entries}{comma}{header}"#).into_bytes();
    header.resize(header.len().next_multiple_of(WORD), b' ');
    let length = (header.len() as u64).to_le_bytes();
    Ok([&length[..], &header, tensors].concat())
}

/// The header of a file without its opening bracket and the spaces at its end, and the tensors.
fn split(file: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = file.split_first_chunk::<WORD>()?;
    let (header, tensors) = rest.split_at_checked(u64::from_le_bytes(*length) as usize)?;
    let header = std::str::from_utf8(header).ok()?;
    Some((header.trim_end().strip_prefix('{')?, tensors))
}

#[cfg(test)]
mod tests {
    use safetensors::tensor::{Dtype, SafeTensors};

    use super::*;

    #[test]
    fn equal_content_gives_equal_bytes_with_sorted_keys() {
        let names = ["format", "audio", "z", "gain", "training", "\"quoted\"\n"];
        let entries: BTreeMap<String, String> =
            names.map(|key| (key.to_owned(), format!("{key}'s"))).into();
        let (numbers, codes) = ([1, 2, 3, 4, 5, 6, 7, 8], [9, 10, 11]);
        let bytes = || {
            let tensors = vec![
                (
                    "codes",
                    TensorView::new(Dtype::U8, vec![3], &codes).unwrap(),
                ),
                (
                    "b",
                    TensorView::new(Dtype::F32, vec![1, 2], &numbers).unwrap(),
                ),
                ("a", TensorView::new(Dtype::F16, vec![4], &numbers).unwrap()),
            ];
            safetensors_bytes(tensors, &entries).unwrap()
        };
        let first = bytes();
        for _ in 0..20 {
            assert_eq!(bytes(), first);
        }
        let text = String::from_utf8_lossy(&first);
        let places = ["audio", "format", "gain", "training", "z"]
            .map(|key| text.find(&format!("\"{key}\":")).unwrap());
        assert!(places.is_sorted());
        let (length, header) = SafeTensors::read_metadata(&first).unwrap();
        assert_eq!(length % WORD, 0);
        assert_eq!(
            header.metadata().clone().unwrap(),
            entries.into_iter().collect()
        );
        let read = SafeTensors::deserialize(&first).unwrap();
        assert_eq!(read.tensor("a").unwrap().data(), numbers);
        assert_eq!(read.tensor("b").unwrap().shape(), [1, 2]);
        assert_eq!(read.tensor("codes").unwrap().data(), codes);
    }

    #[test]
    fn a_file_may_have_no_tensors() {
        let entries = BTreeMap::from([("format".to_owned(), "nae".to_owned())]);
        let bytes = safetensors_bytes(Vec::<(&str, TensorView<'_>)>::new(), &entries).unwrap();
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        assert_eq!(
            header.metadata().clone().unwrap(),
            entries.into_iter().collect()
        );
    }
}
