//! Experiments in the open world: sources without a model, noises, scenarios, stems of other programs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a panic is the report"
)]

mod common;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use common::sweeps::{self, rows, run_json, sweep, words, write_experiment};
use common::{failure, stdout};
use nae_testing::folders::{data, files};
use serde_json::Value;

type Row = HashMap<String, String>;

/// Two noises beside the committed voices, and models that are made in a moment.
fn base() -> String {
    let noise = |name: &str, folder: &str| {
        let part = |part: &str| data(&format!("{folder}/{name}_{part}.wav"));
        format!(
            "[data.sources.{name}]\npool = 'noises'\ntrain = [{:?}]\ntest = [{:?}]\n",
            part("train"),
            part("test")
        )
    };
    let settings = r#"
min_train_s = 1
train_s = 10
mixtures = 1
mixture_s = 3
loop = true
unknown = "noises"
[train]
max_steps = 10
refine = { passes = 2 }
nmf = { updates = 5 }
[model]
kind = "nmf"
basis_norm = "l2"
rank = 20
[separate.unknown]
rank = 4
updates = 10
"#;
    let (before, after) = settings.split_once("[train]").unwrap();
    format!(
        "{before}{}{}[train]{after}",
        noise("printer3d", "noise"),
        noise("tabla", "music")
    )
}

const SYSTEMS: &str = r#"
[[system]]
name = "everything known"
unknown = "known"
[[system]]
name = "free part"
[[system]]
name = "universal"
unknown = "universal"
"#;

/// Plans into a new run folder, and says what was said.
fn plan(folder: &Path, name: &str, rest: &str, more: &[&str]) -> (PathBuf, String) {
    let run = folder.join(name);
    let said = sweeps::plan(&write_experiment(folder, rest), &run, more);
    (run, said)
}

fn of<'a>(rows: &'a [Row], system: &str) -> Vec<&'a Row> {
    rows.iter().filter(|row| row["system"] == system).collect()
}

fn manifest(run: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(run.join("manifest.json")).unwrap()).unwrap()
}

/// The scenarios of `configs/open.toml` on the committed recordings.
#[test]
fn scenarios_are_planned_run_collected_and_reported_in_one() {
    let folder = tempfile::tempdir().unwrap();
    let scenarios = r#"
[[scenario]]
name = "S1"
pairs = { of = ["speakers", "noises"], each = "noises" }
grid = { data.level_db = [-5.0, 5.0] }
[[scenario]]
name = "S1 unlooped"
pairs = { of = ["speakers", "noises"], each = "noises" }
loop = false
min_mixture_s = 2
[[scenario]]
name = "S3"
pairs = ["allison_en_f+librivox_en_m"]
unknown = 2
[[scenario]]
name = "S4"
pairs = { of = ["speakers", "speakers", "noises"], each = "noises", every = 2 }
levels_db = [0.0, 0.0, -5.0]
"#;
    let joint = r#"
[[system]]
name = "joint"
unknown = "known"
join = "memories"
model = { kind = "nae", layers = 2, rank = 5 }
joint = { steps = 5, window = 5, width = 16, mixtures = 2, speeds = [1.0] }
scenarios = ["S3"]
[[system]]
name = "joint against noises"
join = "memories"
model = { kind = "nae", layers = 2, rank = 5 }
joint = { steps = 5, window = 5, width = 16, mixtures = 2, speeds = [1.0] }
grid = { unknown = ["free", "universal"] }
scenarios = ["S1 unlooped"]
"#;
    let rest = format!("{}{scenarios}{SYSTEMS}{joint}", base());
    // one noise is shorter than the shortest mixture of a scenario, and there is only one other to be universal
    let (run, said) = plan(folder.path(), "run", &rest, &[]);
    for line in ["scenario    S1: 2 pairs", "scenario    S4: 1 pair"] {
        assert!(said.contains(line), "{said}");
    }
    let counts = run_json(&run, &[]);
    assert_eq!(counts["failed"], 0, "{counts}");
    let of_run = rows(&run);
    // S1 at two levels, S1 unlooped, S3: two sources a mixture; S4: three
    let planned = manifest(&run);
    let sources = |cell: &Value| {
        let pair = cell["pair"].as_u64().unwrap() as usize;
        planned["pairs"][pair].as_array().unwrap().len()
    };
    let separations = planned["separations"].as_array().unwrap().iter();
    let expected: usize = separations.map(sources).sum();
    assert_eq!(of_run.len(), expected);
    for row in &of_run {
        let is_unknown = match row["scenario"].as_str() {
            "S3" => row["source"] == "librivox_en_m",
            _ => ["printer3d", "tabla"].contains(&row["source"].as_str()),
        };
        let role = if is_unknown { "unknown" } else { "known" };
        assert_eq!(row["role"], role, "{row:?}");
        assert!(
            row["si_sdr_improvement"]
                .parse::<f64>()
                .unwrap()
                .is_finite()
        );
    }
    // a source has a model but where it is learnt on the mixture
    for row in of(&of_run, "free part") {
        assert_eq!(row["model"].is_empty(), row["role"] == "unknown", "{row:?}");
        assert_eq!(row["train_steps"].is_empty(), row["role"] == "unknown");
    }
    for system in ["everything known", "universal", "joint"] {
        let own = of(&of_run, system);
        assert!(
            !own.is_empty() && own.iter().all(|row| !row["model"].is_empty()),
            "{system}"
        );
    }
    // a joint encoder against other noises has no model of the noise, alone or beside the free part
    let against = of(&of_run, "joint against noises");
    assert_eq!(against.len(), 8);
    for row in &against {
        assert!(!row["joint"].is_empty(), "{row:?}");
        assert_eq!(row["model"].is_empty(), row["role"] == "unknown", "{row:?}");
    }
    let steps = |label: &str| {
        let own = against.iter().find(|row| row["label"].ends_with(label));
        own.unwrap()["separate_steps"].clone()
    };
    assert_eq!(steps("unknown by universal"), "0");
    assert_ne!(steps("unknown by free"), "0");
    // floors and ceilings are those of the mixture, whatever separates it
    let key =
        |row: &Row| ["scenario", "pair", "source", "data.level_db"].map(|key| row[key].clone());
    for row in of(&of_run, "free part") {
        let known = of(&of_run, "everything known");
        let same = known
            .into_iter()
            .find(|other| key(other) == key(row))
            .unwrap();
        assert_eq!(row["oracle_si_sdr"], same["oracle_si_sdr"]);
        assert_ne!(row["cell"], same["cell"]);
    }
    // five dB between levels, and a noise 5 dB under each of two voices
    let floor = |scenario: &str, level: &str| -> f64 {
        let row = of_run.iter().find(|row| {
            row["scenario"] == scenario && row["data.level_db"] == level && row["role"] == "known"
        });
        row.unwrap()["si_sdr_mixture"].parse().unwrap()
    };
    assert!((floor("S1", "5") - floor("S1", "-5") - 10.0).abs() < 1.0);

    assert_eq!(run_json(&run, &[])["separated"], 0);
    sweep("report", &run, &["--device", "cpu"]);
    let report = run.join("report");
    let index = std::fs::read_to_string(report.join("index.html")).unwrap();
    for word in [
        "S1, level_db -5",
        "S1 unlooped",
        "S4",
        "known: median / mean / worst",
        "ideal ratio mask (ceiling)",
        "href=\"1-S1__level_db_-5",
    ] {
        assert!(index.contains(word), "{word}: {index}");
    }
    let pages = files(&report).into_iter();
    let pages: Vec<PathBuf> = pages.filter(|path| path.ends_with("index.html")).collect();
    assert_eq!(pages.len(), 6, "one a set and one about all: {pages:?}");
    let own = std::fs::read_to_string(report.join("2-S1__level_db_5_0/index.html")).unwrap();
    for word in [
        "Differences from everything known",
        "../listen-1.html",
        "printer3d",
    ] {
        assert!(own.contains(word), "{word}");
    }

    // the resolved file gives the same cells, and one scenario alone is a part of them
    let again = folder.path().join("again");
    let path = run.join("experiment.toml");
    let plan_again = |more: &[&str]| {
        let mut arguments = words(&["sweep", "plan"]);
        arguments.extend([path.as_os_str(), "--out".as_ref(), again.as_os_str()]);
        arguments.extend(words(more));
        stdout(&arguments)
    };
    plan_again(&[]);
    for part in ["trainings", "separations", "joinings"] {
        assert_eq!(manifest(&run)[part], manifest(&again)[part], "{part}");
    }
    plan_again(&["--set", "scenarios=S3"]);
    let ids = |run: &Path| -> Vec<String> {
        let cells = manifest(run)["separations"].clone();
        let ids = cells.as_array().unwrap().iter();
        ids.map(|cell| cell["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let (all, some) = (ids(&run), ids(&again));
    assert!(
        some.len() == 4 && some.iter().all(|id| all.contains(id)),
        "{some:?}"
    );
    let said = plan_again(&["--set", "scenarios=S4"]);
    assert!(
        said.contains("note        the system `joint` is left out"),
        "{said}"
    );
}

/// Known and unknown as a grid: on the same mixtures, and what is known is what it was without the key.
#[test]
fn what_is_unknown_may_be_varied_and_what_is_known_stays_the_same_cell() {
    let folder = tempfile::tempdir().unwrap();
    let pairs = "pairs = ['allison_en_f+printer3d', 'carlo_it_m+tabla']\n";
    let system = "[[system]]\nname = 'a'\n";
    let grid = "grid = { data.unknown = [[], ['printer3d', 'tabla'], [1]] }\n";
    let text = format!("{pairs}{}{system}{grid}", base());
    let (run, _) = plan(folder.path(), "run", &text, &[]);
    assert_eq!(run_json(&run, &[])["failed"], 0);
    let of_run = rows(&run);
    let of_label =
        |label: &str| -> Vec<&Row> { of_run.iter().filter(|row| row["label"] == label).collect() };
    let (none, noises) = (
        of_label("a, unknown none"),
        of_label("a, unknown printer3d + tabla"),
    );
    assert_eq!((none.len(), noises.len(), of_run.len()), (4, 4, 12));
    assert!(none.iter().all(|row| row["role"] == "known"));
    assert_eq!(
        noises.iter().filter(|row| row["role"] == "unknown").count(),
        2
    );
    for (one, other) in none.iter().zip(&noises) {
        assert_eq!(one["si_sdr_mixture"], other["si_sdr_mixture"]);
        assert_ne!(one["si_sdr"], other["si_sdr"]);
    }
    // a run that never heard of unknown sources has the same cells
    let plain = text.replace("unknown = \"noises\"\n", "").replace(grid, "");
    let (other, _) = plan(folder.path(), "plain", &plain, &[]);
    let cells: Vec<&String> = none.iter().map(|row| &row["cell"]).collect();
    let separations = manifest(&other)["separations"].clone();
    for cell in separations.as_array().unwrap() {
        assert!(cells.iter().any(|id| **id == cell["id"].as_str().unwrap()));
        assert!(cell.get("unknown").is_none() && cell.get("stems").is_none());
    }
    // and so has everything known of an unknown source
    let known = format!("{pairs}{}{system}unknown = 'known'\n", base());
    let (known, _) = plan(folder.path(), "known", &known, &[]);
    let ids = |run: &Path| manifest(run)["separations"][0]["id"].clone();
    assert_eq!(ids(&known), ids(&other));
    // models from elsewhere stand in too, each as a cell of its own
    let both = format!(
        "{pairs}{}{system}grid = {{ unknown = ['universal:noise', 'free'] }}\n",
        base()
    );
    let (both, _) = plan(folder.path(), "both", &both, &[]);
    assert_eq!(run_json(&both, &[])["separated"], 4);
    let labels = rows(&both);
    let own = labels
        .iter()
        .filter(|row| row["label"] == "a, unknown by universal:noise");
    assert_eq!(own.filter(|row| row["role"] == "unknown").count(), 2);
    sweep("report", &both, &["--device", "cpu"]);
    let page = std::fs::read_to_string(both.join("report/index.html")).unwrap();
    assert!(page.contains("Known and unknown sources"), "{page}");
}

/// A program of another kind: its stems are here the sources themselves.
#[test]
fn stems_of_another_program_are_scored_like_those_of_systems() {
    let folder = tempfile::tempdir().unwrap();
    let rest = format!(
        "pairs = {{ of = ['speakers', 'noises'], each = 'noises' }}\n{}[[system]]\nname = 'free part'\n[[system]]\nname = 'perfect'\nstems = 'work/peers/perfect'\n",
        base()
    );
    let (run, said) = plan(folder.path(), "run", &rest, &[]);
    assert!(
        said.contains("note        the system `perfect` is left out"),
        "{said}"
    );
    let work = folder.path().join("work");
    let mixtures = work.join("mixtures");
    let out = ["--out", mixtures.to_str().unwrap()];
    sweep("mixtures", &run, &out);
    sweep("mixtures", &run, &out);
    let found = std::fs::read_dir(&mixtures)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let found: Vec<PathBuf> = found.collect();
    assert_eq!(found.len(), 2);
    for mixture in &found {
        let text = std::fs::read(mixture.join("mixture.json")).unwrap();
        let what: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(what["sources"][1]["pool"], "noises");
        assert_eq!(what["sources"][1]["is_unknown"], true);
        let stems = work
            .join("peers/perfect")
            .join(mixture.file_name().unwrap());
        std::fs::create_dir_all(&stems).unwrap();
        for source in files(&mixture.join("sources")) {
            std::fs::copy(&source, stems.join(source.file_name().unwrap())).unwrap();
        }
    }
    // what was planned before stays done
    let first = run_json(&run, &[]);
    assert_eq!(
        (&first["separated"], &first["failed"]),
        (&2.into(), &0.into())
    );
    let (run, said) = plan(folder.path(), "run", &rest, &[]);
    assert!(!said.contains("left out"), "{said}");
    let second = run_json(&run, &[]);
    assert_eq!(
        (&second["separated"], &second["found"]),
        (&2.into(), &4.into())
    );
    let of_run = rows(&run);
    let perfect = of(&of_run, "perfect");
    assert_eq!(perfect.len(), 4);
    for row in &perfect {
        assert!(row["si_sdr"].parse::<f64>().unwrap() > 60.0, "{row:?}");
        for column in ["model", "model.rank", "separate_steps"] {
            assert!(row[column].is_empty(), "{column}");
        }
    }
    sweep("report", &run, &["--device", "cpu"]);
    let page = std::fs::read_to_string(run.join("report/index.html")).unwrap();
    assert!(page.contains("another program"), "{page}");

    // another file than it was planned with, then one of another length, then none
    let stem = files(&work.join("peers/perfect")).remove(0);
    let sound = std::fs::read(&stem).unwrap();
    std::fs::write(&stem, [&sound[..], &[0; 8]].concat()).unwrap();
    std::fs::remove_dir_all(run.join("scores")).unwrap();
    let mut run_again = words(&["sweep", "run"]);
    run_again.push(run.as_os_str());
    assert!(failure(&run_again).contains("its checksum differs"));
    let clip = nae_audio::read(&data("noise/printer3d_test.wav")).unwrap();
    nae_audio::write(&stem, &clip, nae_audio::BitDepth::Int16).unwrap();
    let (run, _) = plan(folder.path(), "run", &rest, &[]);
    run_again.push("--retry-failed".as_ref());
    assert!(failure(&run_again).contains("it is no stem of this mixture"));
    std::fs::remove_file(&stem).unwrap();
    let mut arguments = words(&["sweep", "plan"]);
    let path = folder.path().join("tiny.toml");
    arguments.extend([path.as_os_str(), "--out".as_ref(), run.as_os_str()]);
    let text = failure(&arguments);
    assert!(
        text.contains("`perfect` has no stem") && text.contains("sweep mixtures"),
        "{text}"
    );
}

#[test]
fn mistakes_about_the_open_world_are_explained_in_one_paragraph() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let pairs = "pairs = { of = ['speakers', 'noises'], each = 'noises' }\n";
    let text = format!("{pairs}{}{SYSTEMS}", base());
    let refused = |text: &str, more: &[&str], words_of: &[&str]| {
        let path = write_experiment(folder.path(), text);
        let mut arguments = words(&["sweep", "plan"]);
        arguments.extend([path.as_os_str(), "--out".as_ref(), out.as_os_str()]);
        arguments.extend(words(more));
        let said = failure(&arguments);
        assert!(said.starts_with("nae: "), "{said}");
        for word in words_of {
            assert!(said.contains(word), "`{word}` is not in: {said}");
        }
    };
    let set = |value: &str, words: &[&str]| refused(&text, &["--set", value], words);
    set(
        "data.unknown=printer",
        &["`printer`", "Did you mean `printer3d`?"],
    );
    set(
        "data.unknown=[\"speakers\", \"noises\"]",
        &["nothing of", "is known"],
    );
    set("data.unknown=7", &["data.unknown", "7"]);
    set(
        "data.unknown=0",
        &["data.unknown", "a place in the mixture"],
    );
    set(
        "data.levels_db=[0, 0, -5]",
        &["data.levels_db", "3 levels", "2 sources"],
    );
    set("data.levels_db=[0, 500]", &["data.levels_db"]);
    set("data.loop=maybe", &["data.loop"]);
    set("data.min_mixture_s=-1", &["data.min_mixture_s"]);
    set(
        "data.noises=no/such/folder",
        &["data.noises", "no/such/folder", "test.wav"],
    );
    let long = ["--set", "data.loop=false", "--set", "data.mixture_s=60"];
    refused(&text, &long, &["data.mixture_s", "test sound"]);
    set("unknown=fre", &["fre", "\"free\"", "model file"]);
    set(
        "unknown=universal:drums",
        &["universal:drums", "universal:noise"],
    );
    set("scenarios=S9", &["S9", "There are: none"]);
    set("data.pairs=noises", &["data.pairs", "each ="]);
    let joined = format!(
        "pairs = ['allison_en_f+printer3d+tabla']\n{}[[system]]\nname = 'joint'\njoin = 'memories'\n",
        base()
    );
    refused(
        &joined,
        &[],
        &["`joint`", "joint encoder", "unknown = \"known\""],
    );
    let both = format!("{text}[[system]]\nname = 'x'\nstems = 'a'\nmodel = {{ rank = 3 }}\n");
    refused(&both, &[], &["`x`", "stems", "`model`"]);
    let scenario = |body: &str| format!("{text}[[scenario]]\n{body}\n");
    refused(
        &scenario("name = ''"),
        &[],
        &["[[scenario]]", "name = \"S1\""],
    );
    refused(
        &scenario("name = 'a'\n[[scenario]]\nname = 'a'"),
        &[],
        &["`a`"],
    );
    refused(
        &scenario("name = 'a'\nspeakers = 'x'"),
        &[],
        &["tiny.toml", "scenario.speakers"],
    );
    refused(
        &scenario("name = 'a'\nlevel_db = 'loud'"),
        &[],
        &["the scenario `a`", "loud"],
    );
    refused(
        &scenario("name = 'a'\ngrid = { model.rank = [3] }"),
        &[],
        &["scenario.grid.model"],
    );
    let rule = |rest: &str| text.replace(pairs, &format!("pairs = {rest}\n"));
    refused(
        &rule("{ of = ['speakers', 'voices'] }"),
        &[],
        &["data.pairs", "voices"],
    );
    refused(
        &rule("{ of = ['speakers', 'noises'], eech = 'noises' }"),
        &[],
        &["eech"],
    );
    refused(
        &rule("{ of = ['noises', 'noises', 'noises'] }").replace("unknown = \"noises\"\n", ""),
        &[],
        &["only 2", "data.noises"],
    );
    // the only other noise is mixed as well
    let two = text.replace(pairs, "pairs = ['allison_en_f+printer3d+tabla']\n");
    refused(&two, &[], &["universal", "no other source", "data.noises"]);
    assert!(!out.exists(), "nothing was planned");
}
