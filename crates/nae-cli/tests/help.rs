//! What the program prints about itself, and what it does where it cannot print.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a panic is the report"
)]

mod common;

use std::process::{Command, Stdio};

use common::stdout;

/// The groups of options, in the order of every help text.
const GROUPS: [&str; 5] = ["Input:", "Output:", "Model:", "Compute:", "Terminal:"];

/// Every command, with the groups it has.
const COMMANDS: [(&[&str], &[&str]); 18] = [
    (&[], &["Terminal:"]),
    (&["train"], &GROUPS),
    (&["adapt"], &GROUPS),
    (&["separate"], &GROUPS),
    (&["live"], &["Input:", "Output:", "Model:", "Terminal:"]),
    (&["join"], &GROUPS),
    (&["merge"], &GROUPS),
    (&["pretrain"], &GROUPS),
    (&["evaluate"], &["Input:", "Output:", "Terminal:"]),
    (&["demo"], &GROUPS),
    (&["sweep"], &["Terminal:"]),
    (
        &["sweep", "plan"],
        &["Input:", "Output:", "Model:", "Terminal:"],
    ),
    (
        &["sweep", "run"],
        &["Input:", "Output:", "Compute:", "Terminal:"],
    ),
    (&["sweep", "status"], &["Input:", "Terminal:"]),
    (&["sweep", "collect"], &["Input:", "Terminal:"]),
    (&["sweep", "slurm"], &["Input:", "Compute:", "Terminal:"]),
    (&["settings"], &["Model:", "Terminal:"]),
    (&["completions"], &["Output:", "Terminal:"]),
];

#[test]
fn help_lists_the_options_of_every_command_in_groups() {
    for (command, groups) in COMMANDS {
        let help = stdout(&[command, &["--help"]].concat());
        let found: Vec<&str> = help
            .lines()
            .filter(|line| GROUPS.contains(line) || ["Options:", "Arguments:"].contains(line))
            .collect();
        assert_eq!(found, groups, "nae {}", command.join(" "));
        assert!(help.contains("--help") && help.contains("--quiet"));
    }
}

#[test]
fn a_closed_standard_output_is_an_error_and_no_panic() {
    for arguments in [&["settings"][..], &["completions", "bash"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = Command::new(env!("CARGO_BIN_EXE_nae"))
            .args(arguments)
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {text}");
        assert!(
            text.starts_with("nae: cannot write to standard output"),
            "{text}"
        );
    }
}

#[test]
fn a_closed_standard_error_changes_no_exit_status() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = Command::new(env!("CARGO_BIN_EXE_nae"))
        .args(["train", "no/such/file.wav", "--out", "model.safetensors"])
        .stderr(writer)
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1));
}
