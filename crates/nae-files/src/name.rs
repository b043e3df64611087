//! Names that become file names.

use crate::error::FileError;

/// Longest name in bytes: file systems take 255, and endings and temporary names need some.
const LONGEST: usize = 200;

/// Refuses a source's name that cannot be a file's: stems are called after their sources, and names
/// come from strangers' files too.
///
/// # Errors
/// [`FileError::BadName`].
pub fn check_source_name(name: &str) -> Result<(), FileError> {
    let leads_elsewhere = name.starts_with('.') || name.contains(['/', '\\']);
    // `NAME=FILE` and lists with commas are how sources are given; a colon begins a Windows drive
    let means_something = name.contains([':', '=', ',']);
    let is_shown = !name.is_empty() && name.len() <= LONGEST && !name.contains(char::is_control);
    match is_shown && !leads_elsewhere && !means_something {
        true => Ok(()),
        false => Err(FileError::BadName { name: name.into() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_can_be_file_names_pass() {
        for name in [
            "alice",
            "Zoë the 2nd",
            "鳥",
            "a.b",
            "-",
            &"x".repeat(LONGEST),
        ] {
            check_source_name(name).unwrap();
        }
    }

    #[test]
    fn names_that_lead_elsewhere_or_mean_something_are_refused() {
        for name in [
            "", ".", "..", ".hidden", "../a", "a/b", "/a", "a\\b", "c:", "a=b", "a,b", "a\0",
        ] {
            assert!(check_source_name(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn control_characters_and_endless_names_are_refused_and_do_not_reach_the_terminal() {
        for name in ["a\x1b[2Jx", "a\nb", "\u{9b}31m", &"x".repeat(LONGEST + 1)] {
            let error = check_source_name(name).unwrap_err().to_string();
            assert!(!error.contains(char::is_control), "{error:?}");
        }
    }
}
