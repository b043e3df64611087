//! Experiments through the command line: planned, run by several workers, collected, and with mistakes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a panic is the report"
)]

mod common;

use std::path::{Path, PathBuf};

use common::sweeps::{self, rows, run_json, sweep, words, write_experiment};
use common::{failure, nae, stdout};
use nae_testing::folders::{data, files};
use serde_json::Value;

/// Two systems of which one has a grid, a pair, two mixtures: 6 models, 6 mixtures.
fn experiment(folder: &Path) -> PathBuf {
    let rest = r#"
pairs = ["allison_en_f+librivox_en_m"]
mixtures = 2
mixture_s = 2
train_s = 10
[train]
max_steps = 10
refine = { passes = 2 }
nmf = { updates = 5 }
[[system]]
name = "NMF"
model = { kind = "nmf", rank = 5 }
[[system]]
name = "NAE"
model = { layers = 2 }
grid = { model.rank = [5, 8] }
"#;
    write_experiment(folder, rest)
}

/// Plans the tiny experiment into a new run folder.
fn plan(folder: &Path, name: &str, more: &[&str]) -> PathBuf {
    let run = folder.join(name);
    sweeps::plan(&experiment(folder), &run, more);
    run
}

/// A grid of ensembles is trained, separated and collected; a single model among them is that of an
/// experiment without ensembles.
#[test]
fn ensembles_are_compared_like_models() {
    let folder = tempfile::tempdir().unwrap();
    let rest = r#"
pairs = ["allison_en_f+librivox_en_m"]
mixtures = 1
mixture_s = 2
train_s = 10
[train]
max_steps = 10
refine = { passes = 2 }
nmf = { updates = 5 }
[[system]]
name = "NAE"
model = { rank = 5 }
grid = { train.ensemble = [[], ["nmf"], ["dense", "nmf", "conv"]] }
"#;
    let run = folder.path().join("run");
    sweeps::plan(&write_experiment(folder.path(), rest), &run, &[]);
    let counts = run_json(&run, &[]);
    assert_eq!(counts["trained"], 6);
    let of_run = rows(&run);
    let of_label = |label: &str| {
        let found = of_run.iter().filter(|row| row["label"] == label);
        found.cloned().collect::<Vec<_>>()
    };
    for (label, steps) in [
        ("NAE", "22"),
        ("NAE, ensemble nmf", "5"),
        ("NAE, ensemble dense + nmf + conv", "49"),
    ] {
        let found = of_label(label);
        assert_eq!(found.len(), 2, "{label}");
        assert_eq!(found[0]["train_steps"], steps, "{label}");
    }
    let model = |label: &str| of_label(label)[0]["model"].clone();
    let file = |id: &str| run.join("models").join(format!("{id}.safetensors"));
    let members = |label: &str| {
        let device = burn::tensor::Device::flex();
        let ensemble = nae_model::Ensemble::load(&file(&model(label)), &device).unwrap();
        ensemble.members().len()
    };
    assert_eq!(members("NAE, ensemble dense + nmf + conv"), 3);
    assert_eq!(members("NAE"), 1);
    // whole again after a look at everything, and nothing is left to do
    assert_eq!(run_json(&run, &[])["trained"], 0);
    assert!(sweep("status", &run, &[]).contains("3/3"));
    sweep("report", &run, &["--device", "cpu"]);

    // without a word of ensembles, or chosen automatically: the same cells
    for rest in [
        rest.replace(
            "grid = { train.ensemble = [[], [\"nmf\"], [\"dense\", \"nmf\", \"conv\"]] }\n",
            "",
        ),
        rest.replace(
            "[[], [\"nmf\"], [\"dense\", \"nmf\", \"conv\"]]",
            "[[\"auto\"]]",
        ),
    ] {
        let plain = folder.path().join("plain");
        sweeps::plan(&write_experiment(folder.path(), &rest), &plain, &[]);
        let manifest = std::fs::read_to_string(plain.join("manifest.json")).unwrap();
        let manifest: Value = serde_json::from_str(&manifest).unwrap();
        let ids = manifest["trainings"].as_array().unwrap().iter();
        let ids: Vec<&str> = ids.map(|cell| cell["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), 2);
        assert!(ids.iter().all(|id| file(id).is_file()), "{ids:?}");
        assert!(manifest["variants"][0]["setup"]["train"]["ensemble"].is_null());
        std::fs::remove_dir_all(&plain).unwrap();
    }
}

#[test]
fn a_run_is_done_once_and_collected_with_scores_and_settings() {
    let folder = tempfile::tempdir().unwrap();
    let run = plan(folder.path(), "run", &[]);
    let first = run_json(&run, &[]);
    assert_eq!(
        (first["trained"].as_u64(), first["separated"].as_u64()),
        (Some(6), Some(6))
    );
    let rows = rows(&run);
    assert_eq!(rows.len(), 12, "one for every mixture and source");
    for row in &rows {
        let number = |name: &str| row[name].parse::<f64>().unwrap();
        let gain = number("si_sdr") - number("si_sdr_mixture");
        assert!((gain - number("si_sdr_improvement")).abs() < 1e-12);
        assert!(number("oracle_sdr") > number("sdr"));
        assert!((0.0..1.0).contains(&number("stoi")));
        assert_eq!(row["data.mixture_s"], "2");
    }
    let labels: Vec<&str> = rows.iter().map(|row| row["label"].as_str()).collect();
    for label in ["NMF", "NAE, rank 5", "NAE, rank 8"] {
        assert_eq!(
            labels.iter().filter(|known| **known == label).count(),
            4,
            "{labels:?}"
        );
    }
    let nmf = rows.iter().find(|row| row["system"] == "NMF").unwrap();
    assert_eq!(
        (nmf["model.kind"].as_str(), nmf["model.layers"].as_str()),
        ("nmf", "")
    );
    assert!(sweep("status", &run, &[]).contains("6/6"));

    let before = files(&run);
    let again = run_json(&run, &[]);
    assert_eq!(
        (again["trained"].as_u64(), again["found"].as_u64()),
        (Some(0), Some(12))
    );
    assert_eq!(files(&run), before, "nothing new, nothing left behind");

    // planned again with another default: what is still the same is not done again
    let changed = plan(folder.path(), "run", &["--set", "separate.max_steps=5"]);
    let third = run_json(&changed, &[]);
    assert_eq!(
        (third["trained"].as_u64(), third["separated"].as_u64()),
        (Some(0), Some(6))
    );
    // and the resolved file says all of it
    let resolved = folder.path().join("again");
    stdout(&[
        "sweep".as_ref(),
        "plan".as_ref(),
        run.join("experiment.toml").as_os_str(),
        "--out".as_ref(),
        resolved.as_os_str(),
    ]);
    let cells = |run: &Path| -> Value {
        serde_json::from_slice(&std::fs::read(run.join("manifest.json")).unwrap()).unwrap()
    };
    for part in ["trainings", "separations"] {
        assert_eq!(cells(&run)[part], cells(&resolved)[part]);
    }
}

#[test]
fn two_workers_and_shares_give_the_rows_of_one_and_train_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let alone = plan(folder.path(), "alone", &[]);
    run_json(&alone, &["--jobs", "1"]);

    let together = plan(folder.path(), "together", &[]);
    let counts: Vec<Value> = std::thread::scope(|scope| {
        let start = || scope.spawn(|| run_json(&together, &["--jobs", "2"]));
        let workers = [start(), start()];
        workers.map(|worker| worker.join().unwrap()).into()
    });
    let sum = |key: &str| {
        counts
            .iter()
            .map(|count| count[key].as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!((sum("trained"), sum("separated"), sum("failed")), (6, 6, 0));
    assert_eq!(rows(&together), rows(&alone));

    let shared = plan(folder.path(), "shared", &[]);
    let last = nae(&[
        "sweep".as_ref(),
        "run".as_ref(),
        shared.as_os_str(),
        "--index".as_ref(),
        "4".as_ref(),
        "--of".as_ref(),
        "4".as_ref(),
    ]);
    assert!(String::from_utf8_lossy(&last.stderr).contains("below 4"));
    for index in ["2", "0", "3", "1"] {
        run_json(&shared, &["--index", index, "--of", "4"]);
    }
    assert_eq!(rows(&shared), rows(&alone));
    assert_eq!(
        files(&shared.join("claims")).len() + files(&shared.join("workers")).len(),
        0
    );
}

#[test]
fn a_slurm_task_takes_its_share() {
    let folder = tempfile::tempdir().unwrap();
    let run = plan(folder.path(), "run", &[]);
    let task = |id: &str| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_nae"))
            .args(["sweep", "run", "--json", "-q", "--device", "cpu"])
            .arg(&run)
            .envs([
                ("SLURM_ARRAY_TASK_ID", id),
                ("SLURM_ARRAY_TASK_MIN", "1"),
                ("SLURM_ARRAY_TASK_COUNT", "3"),
            ])
            .output()
            .unwrap();
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    for id in ["1", "2", "3"] {
        assert_eq!(task(id)["separated"], 2);
    }
    let scripts = sweep("slurm", &run, &["--tasks", "3"]);
    assert!(scripts.is_empty(), "nothing is left to submit: {scripts}");
    let run = plan(folder.path(), "fresh", &[]);
    let scripts = sweep(
        "slurm",
        &run,
        &["--tasks", "3", "--throttle", "2", "--sbatch=--time=5"],
    );
    let array = std::fs::read_to_string(scripts.lines().next().unwrap()).unwrap();
    for line in ["#SBATCH --array=0-2%2", "#SBATCH --time=5"] {
        assert!(array.lines().any(|found| found == line), "{array}");
    }
}

#[test]
fn a_failure_is_reported_recorded_and_retried() {
    let folder = tempfile::tempdir().unwrap();
    let speakers = folder.path().join("speakers");
    for part in [
        "allison_en_f/train",
        "allison_en_f/test",
        "librivox_en_m/train",
        "librivox_en_m/test",
    ] {
        std::fs::create_dir_all(speakers.join(part)).unwrap();
        for file in files(&data(&format!("speech/{part}"))) {
            std::fs::copy(&file, speakers.join(part).join(file.file_name().unwrap())).unwrap();
        }
    }
    let place = format!("data.speakers={}", speakers.display());
    let run = plan(folder.path(), "run", &["--set", &place]);
    let clip = speakers.join("librivox_en_m/train/00.wav");
    let sound = std::fs::read(&clip).unwrap();
    std::fs::remove_file(&clip).unwrap();

    let arguments = [
        "sweep".as_ref(),
        "run".as_ref(),
        run.as_os_str(),
        "--json".as_ref(),
    ];
    let output = nae(&arguments);
    assert!(!output.status.success());
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(
        errors.contains("failed: model of librivox_en_m") && errors.contains("00.wav"),
        "{errors}"
    );
    assert!(errors.contains("--retry-failed"), "{errors}");
    let count: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&count["trained"], &count["failed"], &count["blocked"]),
        (&3.into(), &3.into(), &6.into())
    );
    assert!(sweep("status", &run, &[]).contains("00.wav"));
    // without being asked it is not tried again
    std::fs::write(&clip, &sound).unwrap();
    assert!(!nae(&arguments).status.success());
    let count = run_json(&run, &["--retry-failed"]);
    assert_eq!(
        (&count["trained"], &count["separated"]),
        (&3.into(), &6.into())
    );

    // stopping at the first failure begins nothing more
    let run = plan(folder.path(), "fast", &["--set", &place]);
    std::fs::remove_file(&clip).unwrap();
    let mut fast = words(&["sweep", "run", "--json", "--fail-fast", "--jobs", "1"]);
    fast.push(run.as_os_str());
    let output = nae(&fast);
    let count: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(count["failed"], 1);
    assert!(count["left"].as_u64().unwrap() > 0);
}

#[test]
fn mistakes_are_explained_in_one_paragraph() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let base = std::fs::read_to_string(experiment(folder.path())).unwrap();
    let plan = |text: &str, more: &[&str]| {
        let path = folder.path().join("wrong.toml");
        std::fs::write(&path, text).unwrap();
        let mut arguments = words(&["sweep", "plan"]);
        arguments.extend([path.as_os_str(), "--out".as_ref(), out.as_os_str()]);
        arguments.extend(words(more));
        let text = failure(&arguments);
        assert!(text.starts_with("nae: "), "{text}");
        text
    };
    let check = |text: String, words: &[&str]| {
        for word in words {
            assert!(text.contains(word), "`{word}` is not in: {text}");
        }
    };
    check(
        plan(&base.replace("mixtures =", "mixture ="), &[]),
        &[
            "wrong.toml:6",
            "data.mixture`",
            "Did you mean `data.mixture",
        ],
    );
    check(
        plan(&base.replace("model.rank", "model.rnak"), &[]),
        &["wrong.toml", "model.rnak", "model.rank"],
    );
    check(
        plan(&base.replace("[5, 8]", "\"8..=5\""), &[]),
        &["8..=5", "step"],
    );
    check(
        plan(&base.replace("layers = 2", "layers = \"two\""), &[]),
        &["NAE", "two"],
    );
    check(
        plan(&base.replace("layers = 2", "layers = 1"), &[]),
        &["model.layers", "at least 2"],
    );
    check(
        plan(&base, &["--set", "data.speakers=no/such/folder"]),
        &["no/such/folder", "data.speakers", "train/"],
    );
    check(
        plan(&base, &["--set", "data.min_train_s=60"]),
        &["allison_en_f has", "60.0 s", "data.min_train_s"],
    );
    check(
        plan(&base, &["--set", "data.mixture_s=30"]),
        &["test sound", "data.mixture_s"],
    );
    check(
        plan(&base, &["--set", "data.pairs=allison_en_f+librivox"]),
        &["Did you mean `librivox_en_m`?"],
    );
    check(
        plan(&base, &["--set", "model.rank=ten"]),
        &["--set model.rank=ten", "ten"],
    );
    check(plan(&base, &["--set", "rank=10"]), &["model.rank"]);
    assert!(!out.exists(), "nothing was planned");
    check(
        failure(&["sweep".as_ref(), "run".as_ref(), folder.path().as_os_str()]),
        &["manifest.json", "nae sweep plan"],
    );
}

#[test]
fn models_alone_can_be_the_experiment() {
    let folder = tempfile::tempdir().unwrap();
    let run = plan(
        folder.path(),
        "run",
        &[
            "--set",
            "data.pairs=none",
            "--set",
            "model.rank=4",
            "--set",
            "seeds=0,1",
        ],
    );
    let count = run_json(&run, &[]);
    // four speakers, two systems of one rank each, two seeds
    assert_eq!(
        (&count["trained"], &count["separated"]),
        (&16.into(), &0.into())
    );
    let rows = rows(&run);
    assert_eq!(rows.len(), 16);
    assert!(
        rows.iter()
            .all(|row| row["model.rank"] == "4" && !row.contains_key("pair"))
    );
}
