//! Names that become file names.

use crate::error::FileError;
use crate::text::is_disguise;

/// Longest file name in bytes on common file systems.
const LONGEST_FILE_NAME: usize = 255;

/// What follows a source's name in its stem's.
const STEM_ENDING: &str = ".wav";

/// Names that Windows reserves for devices, with any ending.
const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];

/// Refuses a source's name that cannot be given on the command line or cannot be a file's.
///
/// # Errors
/// As [`check_stem_name`]; [`FileError::BadName`] for a name that means something else in
/// `--model NAME=FILE,FILE`.
pub fn check_source_name(name: &str) -> Result<(), FileError> {
    check_stem_name(name)?;
    match name.contains(['=', ',']) {
        true => Err(bad(name, "it contains = or a comma")),
        false => Ok(()),
    }
}

/// Refuses a source's name that cannot be a file's: stems are called after their sources, and names
/// come from untrusted files too.
///
/// # Errors
/// [`FileError::BadName`] for a name that is empty, is too long for `NAME.wav`, leads to another
/// folder or drive, cannot be shown, or is a device's on Windows.
pub fn check_stem_name(name: &str) -> Result<(), FileError> {
    let refused = |reason| Err(bad(name, reason));
    if name.trim().is_empty() {
        return refused("it is empty");
    }
    if name.len() > LONGEST_FILE_NAME - STEM_ENDING.len() {
        return refused("it is longer than 251 bytes");
    }
    if name.starts_with('.') {
        return refused("it starts with a dot");
    }
    // a colon ends the name of a Windows drive
    if name.contains(['/', '\\', ':']) {
        return refused("it contains / \\ or :");
    }
    if name.contains(|c: char| c.is_control() || is_disguise(c)) {
        return refused("it contains a control character");
    }
    if is_device(name) {
        return refused("Windows keeps it for a device");
    }
    Ok(())
}

fn bad(name: &str, reason: &'static str) -> FileError {
    FileError::BadName {
        name: name.into(),
        reason,
    }
}

/// Whether Windows takes a file of this name for a device: `nul`, `COM1`, `aux.x`.
fn is_device(name: &str) -> bool {
    let base = name.split('.').next().unwrap_or_default().trim_end();
    let is_port = |kind: &str| {
        let (start, number) = base.split_at_checked(3).unwrap_or_default();
        let is_number =
            matches!(number, "¹" | "²" | "³") || matches!(number.as_bytes(), [b'1'..=b'9']);
        start.eq_ignore_ascii_case(kind) && is_number
    };
    DEVICES
        .iter()
        .any(|device| base.eq_ignore_ascii_case(device))
        || is_port("COM")
        || is_port("LPT")
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
            "console",
            "com",
            "com10",
            "COM0",
            "nulls",
            "speech.nul",
            "lp1",
            &"x".repeat(251),
        ] {
            check_source_name(name).unwrap();
        }
    }

    #[test]
    fn names_that_lead_elsewhere_or_mean_something_are_refused() {
        for name in [
            "", " ", "\u{3000}", ".", "..", ".hidden", "../a", "a/b", "/a", "a\\b", "c:", "a=b",
            "a,b", "a\0",
        ] {
            assert!(check_source_name(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn names_of_windows_devices_are_refused() {
        for name in [
            "nul",
            "NUL",
            "Con",
            "prn.x",
            "aux ",
            "COM1",
            "lpt9",
            "com3.left",
            "COM²",
            "conin$",
        ] {
            let error = check_source_name(name).unwrap_err().to_string();
            assert!(error.contains("Windows"), "{name:?}: {error}");
        }
    }

    #[test]
    fn control_characters_and_endless_names_are_refused_and_do_not_reach_the_terminal() {
        for name in [
            "a\x1b[2Jx",
            "a\nb",
            "\u{9b}31m",
            "\u{202e}fdp",
            "a\u{2028}b",
            &"x".repeat(252),
            &"鳥".repeat(84),
        ] {
            let error = check_source_name(name).unwrap_err().to_string();
            let is_shown = |c: char| !c.is_control() && !is_disguise(c);
            assert!(error.chars().all(is_shown), "{error:?}");
            assert!(error.len() < 400, "{error}");
        }
    }
}
