//! What the released program is made of: every package from crates.io, under a licence that
//! `deny.toml` allows, and none that opens connections. `scripts/supply-chain` checks more, by
//! cargo-deny.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a panic is the report"
)]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use nae_testing::folders::package_file;

/// A file beside the workspace's manifest.
fn root(path: &str) -> PathBuf {
    package_file("../..").join(path)
}

fn table(path: &str) -> toml::Table {
    let text = std::fs::read_to_string(root(path)).unwrap();
    text.parse().unwrap()
}

fn strings(value: &toml::Value) -> BTreeSet<String> {
    let items = value.as_array().unwrap().iter();
    items
        .map(|item| item.as_str().unwrap().to_owned())
        .collect()
}

/// Packages of the program as it is built with some features: names and licences.
fn packages(features: &str) -> BTreeSet<(String, String)> {
    let arguments = ["tree", "--locked", "-e", "normal,build", "--prefix", "none"];
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .args(["-p", "nae-cli", "--features", features])
        .args(["--format", "{p}|{l}"])
        .current_dir(root(""))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let lines = text.lines().filter(|line| !line.is_empty());
    let package = |line: &str| {
        let (package, license) = line.split_once('|').unwrap();
        let name = package.split(' ').next().unwrap();
        let license = license.trim_end_matches(" (*)");
        (name.to_owned(), license.to_owned())
    };
    lines.map(package).collect()
}

/// Whether an SPDX expression can be met with what is allowed.
fn is_allowed(license: &str, allowed: &BTreeSet<String>) -> bool {
    // the older way to write OR
    let text = license.replace('/', " OR ");
    let text = text.replace('(', " ( ").replace(')', " ) ");
    let mut words = text.split_whitespace().peekable();
    let is_met = either(&mut words, allowed);
    assert!(words.next().is_none(), "not understood: {license}");
    is_met
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn either(words: &mut Words, allowed: &BTreeSet<String>) -> bool {
    let mut is_met = both(words, allowed);
    while words.next_if_eq(&"OR").is_some() {
        is_met |= both(words, allowed);
    }
    is_met
}

fn both(words: &mut Words, allowed: &BTreeSet<String>) -> bool {
    let mut is_met = one(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        is_met &= one(words, allowed);
    }
    is_met
}

fn one(words: &mut Words, allowed: &BTreeSet<String>) -> bool {
    let name = words.next().unwrap_or_default();
    if name == "(" {
        let is_met = either(words, allowed);
        assert_eq!(words.next(), Some(")"));
        return is_met;
    }
    match words.next_if_eq(&"WITH") {
        Some(_) => allowed.contains(&format!("{name} WITH {}", words.next().unwrap_or_default())),
        None => allowed.contains(name),
    }
}

#[test]
fn licences_are_understood() {
    let allowed = ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"];
    let allowed = allowed.map(str::to_owned).into();
    for good in [
        "MIT",
        "GPL-3.0 OR MIT",
        "GPL-3.0/MIT",
        "MIT AND ISC",
        "(GPL-3.0 OR MIT) AND ISC",
        "GPL-3.0 AND MIT OR ISC",
        "Apache-2.0 WITH LLVM-exception",
    ] {
        assert!(is_allowed(good, &allowed), "{good}");
    }
    for bad in [
        "",
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "Apache-2.0",
        "(MIT OR ISC) AND GPL-3.0",
    ] {
        assert!(!is_allowed(bad, &allowed), "{bad}");
    }
}

#[test]
fn every_package_has_a_licence_that_is_allowed() {
    let allowed = strings(&table("deny.toml")["licenses"]["allow"]);
    for features in ["", "gpu"] {
        let packages = packages(features);
        assert!(packages.len() > 100);
        for (name, license) in packages {
            assert!(is_allowed(&license, &allowed), "{name}: {license}");
        }
    }
}

#[test]
fn every_package_comes_from_the_registry() {
    let sources = strings(&table("deny.toml")["sources"]["allow-registry"]);
    let lock = table("Cargo.lock");
    let packages = lock["package"].as_array().unwrap();
    assert!(packages.len() > 100);
    for package in packages {
        let name = package["name"].as_str().unwrap();
        let Some(source) = package.get("source") else {
            assert!(name.starts_with("nae-"), "{name} has no source");
            continue;
        };
        let source = source.as_str().unwrap();
        let registry = source.strip_prefix("registry+").unwrap_or(source);
        assert!(sources.contains(registry), "{name}: {source}");
        assert!(package.get("checksum").is_some(), "{name} has no checksum");
    }
}

#[test]
fn no_package_opens_connections() {
    // clients, protocols and runtimes of the network
    let network = [
        "async-std",
        "curl",
        "h2",
        "hf-hub",
        "hyper",
        "mio",
        "native-tls",
        "openssl",
        "quinn",
        "reqwest",
        "rustls",
        "smol",
        "socket2",
        "tokio",
        "tungstenite",
        "ureq",
    ];
    for features in ["", "gpu"] {
        let found = packages(features);
        let found: Vec<_> = found
            .iter()
            .filter(|(name, _)| network.contains(&name.as_str()))
            .collect();
        assert!(found.is_empty(), "{found:?}");
    }
}
