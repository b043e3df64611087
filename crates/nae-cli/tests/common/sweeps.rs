//! Experiments through the command line.

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value;

use super::stdout;

/// Arguments of the command line.
pub fn words<'a>(arguments: &[&'a str]) -> Vec<&'a std::ffi::OsStr> {
    arguments
        .iter()
        .map(|word| std::ffi::OsStr::new(*word))
        .collect()
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
