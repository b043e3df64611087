//! Ranges of time in recordings, as `--where` gives them.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// What one `--where` says.
#[derive(Clone, Debug, PartialEq)]
pub struct Where {
    /// The recording that it is for; all without.
    pub file: Option<PathBuf>,
    /// In the order given.
    pub ranges: Vec<Range>,
}

/// A range of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// Its beginning in seconds.
    pub start_s: f64,
    /// Its end in seconds; that of the recording without.
    pub end_s: Option<f64>,
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.end_s {
            Some(end_s) => write!(f, "{}-{end_s}", self.start_s),
            None => write!(f, "{}-", self.start_s),
        }
    }
}

/// Reads `3.2-7.9,12-` or `FILE=3.2-7.9,12-`.
pub fn parse_where(text: &str) -> Result<Where, String> {
    let (file, ranges) = match text.rsplit_once('=') {
        Some((file, ranges)) => (Some(PathBuf::from(file)), ranges),
        None => (None, text),
    };
    let ranges = ranges.split(',').map(parse_range);
    Ok(Where {
        file,
        ranges: ranges.collect::<Result<_, _>>()?,
    })
}

fn parse_range(text: &str) -> Result<Range, String> {
    let seconds = |word: &str| {
        let seconds = word.trim().parse::<f64>().ok();
        seconds.filter(|seconds| seconds.is_finite() && *seconds >= 0.0)
    };
    let parts = text.trim().split_once('-');
    let range = parts.and_then(|(start, end)| {
        let start_s = seconds(start)?;
        match end.trim() {
            "" => Some((start_s, None)),
            end => Some((start_s, Some(seconds(end)?))),
        }
    });
    let Some((start_s, end_s)) = range else {
        return Err(format!(
            "`{text}` is no range of time; expected two numbers of seconds with a dash between, such as 3.2-7.9, or 12- for up to the end"
        ));
    };
    match end_s {
        Some(end_s) if end_s == start_s => Err(format!(
            "`{text}` is empty; expected an end after the beginning, such as 3.2-7.9"
        )),
        Some(end_s) if end_s < start_s => Err(format!(
            "`{text}` ends before it begins; try {end_s}-{start_s}"
        )),
        _ => Ok(Range { start_s, end_s }),
    }
}

/// The ranges for one recording, sorted; empty where none are given.
///
/// # Errors
/// If two of them overlap.
pub fn ranges_of(recording: &Path, given: &[Where]) -> Result<Vec<Range>> {
    let own = given.iter().filter(|one| is_for(one, recording));
    let mut ranges: Vec<Range> = own.flat_map(|one| one.ranges.iter().copied()).collect();
    ranges.sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
    for pair in ranges.windows(2) {
        if pair[0].end_s.is_none_or(|end_s| end_s > pair[1].start_s) {
            bail!(
                "{}: the ranges {} and {} of --where overlap; expected each moment once. Give them as one, or leave one out.",
                recording.display(),
                pair[0],
                pair[1]
            );
        }
    }
    Ok(ranges)
}

/// Refuses ranges for recordings that are not given.
pub fn check_files(recordings: &[PathBuf], given: &[Where]) -> Result<()> {
    for one in given {
        if let Some(file) = &one.file
            && !recordings.iter().any(|recording| is_for(one, recording))
        {
            let names = recordings.iter().map(|path| path.display().to_string());
            bail!(
                "--where names {}, which is none of the recordings: {}",
                file.display(),
                names.collect::<Vec<_>>().join(", ")
            );
        }
    }
    Ok(())
}

/// By its path, or by its name alone.
fn is_for(one: &Where, recording: &Path) -> bool {
    match &one.file {
        None => true,
        Some(file) => file == recording || recording.file_name() == Some(file.as_os_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_two_numbers_with_a_dash() {
        let where_ = parse_where("3.2-7.9, 12-").unwrap();
        assert_eq!(where_.file, None);
        let texts: Vec<String> = where_.ranges.iter().map(Range::to_string).collect();
        assert_eq!(texts, ["3.2-7.9", "12-"]);
        let where_ = parse_where("a=b.wav=0-1").unwrap();
        assert_eq!(where_.file, Some("a=b.wav".into()));
    }

    #[test]
    fn what_is_no_range_is_refused_with_what_to_try() {
        for (text, words) in [
            ("", "such as 3.2-7.9"),
            ("3", "such as 3.2-7.9"),
            ("-3", "such as 3.2-7.9"),
            ("3-x", "such as 3.2-7.9"),
            ("nan-3", "such as 3.2-7.9"),
            ("1-inf", "such as 3.2-7.9"),
            ("1-2,", "such as 3.2-7.9"),
            ("-1-2", "such as 3.2-7.9"),
            ("7.9-3.2", "try 3.2-7.9"),
            ("3-3", "is empty"),
            ("a.wav=", "such as 3.2-7.9"),
        ] {
            let error = parse_where(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn ranges_are_those_of_their_recording_and_do_not_overlap() {
        let given = ["5-6", "a.wav=1-2", "b.wav=1-5.5"].map(|text| parse_where(text).unwrap());
        let own = ranges_of(Path::new("x/a.wav"), &given).unwrap();
        assert_eq!(own.len(), 2);
        assert_eq!(own[0].start_s, 1.0);
        let error = ranges_of(Path::new("b.wav"), &given).unwrap_err();
        assert!(error.to_string().contains("1-5.5 and 5-6"), "{error}");
        check_files(&["x/a.wav".into(), "b.wav".into()], &given).unwrap();
        let error = check_files(&["x/a.wav".into()], &given).unwrap_err();
        assert!(error.to_string().contains("b.wav"), "{error}");
        let open = ["3-", "4-5"].map(|text| parse_where(text).unwrap());
        ranges_of(Path::new("a.wav"), &open).unwrap_err();
    }
}
