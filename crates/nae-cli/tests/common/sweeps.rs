//! Experiments through the command line.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use nae_testing::folders::data;
use serde_json::Value;

use super::stdout;

/// Arguments of the command line.
pub fn words<'a>(arguments: &[&'a str]) -> Vec<&'a std::ffi::OsStr> {
    arguments
        .iter()
        .map(|word| std::ffi::OsStr::new(*word))
        .collect()
}

/// Writes an experiment over the committed voices, with one seed, and returns its path.
///
/// - `rest`: from the second key of `[data]` on
pub fn write_experiment(folder: &Path, rest: &str) -> PathBuf {
    let path = folder.join("tiny.toml");
    let speakers = data("speech");
    let text = format!("seeds = [0]\n[data]\nspeakers = {speakers:?}\n{rest}");
    std::fs::write(&path, text).unwrap();
    path
}

/// Plans an experiment into a run folder; what is said.
pub fn plan(experiment: &Path, run: &Path, more: &[&str]) -> String {
    // one word, for names that begin with a dash
    let mut out = OsString::from("--out=");
    out.push(run);
    let mut arguments = words(&["sweep", "plan"]);
    arguments.extend([experiment.as_os_str(), &out]);
    arguments.extend(words(more));
    stdout(&arguments)
}

/// Runs `nae sweep COMMAND RUN`, which must succeed, and gives its standard output.
pub fn sweep(command: &str, run: &Path, more: &[&str]) -> String {
    let mut arguments = words(&["sweep", command]);
    arguments.push(run.as_os_str());
    arguments.extend(words(more));
    stdout(&arguments)
}

/// Works on a run; its counts.
pub fn run_json(run: &Path, more: &[&str]) -> Value {
    let more = [&["--json", "--device", "cpu"], more].concat();
    serde_json::from_str(&sweep("run", run, &more)).unwrap()
}

/// The collected rows without what differs from run to run: seconds.
pub fn rows(run: &Path) -> Vec<HashMap<String, String>> {
    sweep("collect", run, &[]);
    let text = std::fs::read_to_string(run.join("results.csv")).unwrap();
    // no field of these runs holds a comma but labels and widths, which are quoted
    let split = |line: &str| -> Vec<String> {
        let mut fields = vec![String::new()];
        let mut is_quoted = false;
        for letter in line.chars() {
            match letter {
                '"' => is_quoted = !is_quoted,
                ',' if !is_quoted => fields.push(String::new()),
                _ => fields.last_mut().unwrap().push(letter),
            }
        }
        fields
    };
    let mut lines = text.lines();
    let names = split(lines.next().unwrap());
    let row = |line: &str| {
        let cells = names.iter().cloned().zip(split(line));
        cells
            .filter(|(name, _)| !name.ends_with("seconds"))
            .collect()
    };
    lines.map(row).collect()
}
