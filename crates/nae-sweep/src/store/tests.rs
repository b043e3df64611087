use super::*;
use crate::fakes;

fn manifest() -> Manifest {
    Manifest {
        schema: crate::cell::SCHEMA,
        tool_version: "0".into(),
        name: "test".into(),
        speakers: Vec::new(),
        pairs: Vec::new(),
        mixtures: 1,
        families: Vec::new(),
        variants: Vec::new(),
        trainings: Vec::new(),
        joinings: Vec::new(),
        separations: Vec::new(),
        ..Manifest::default()
    }
}

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(folder.path(), "name = 'test'", &manifest()).unwrap();
    (folder, store)
}

fn entries(store: &Store, part: &str) -> usize {
    std::fs::read_dir(store.root().join(part)).unwrap().count()
}

#[test]
fn only_a_planned_folder_is_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(error.to_string().contains("nae sweep plan"), "{error}");
    let (_folder, store) = store();
    let again = Store::open(store.root()).unwrap();
    assert_eq!(again.manifest().unwrap(), manifest());
    assert_eq!(
        entries(&store, "workers"),
        0,
        "the plan leaves nothing unfinished"
    );
}

#[test]
fn a_cell_is_there_whole_or_not_at_all() {
    let (_folder, store) = store();
    let scratch = store.scratch_directory().unwrap();
    let path = store.model_path("a");
    // a folder in the way of the finished file is kept beside it
    for number in ["", "-2"] {
        std::fs::create_dir(&path).unwrap();
        std::fs::write(path.join("notes"), b"somebody's").unwrap();
        scratch.publish(b"model", &path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"model");
        let aside = format!("a.safetensors.aside{number}/notes");
        assert!(path.with_file_name(aside).is_file());
        std::fs::remove_file(&path).unwrap();
    }
    assert_eq!(entries(&store, "models"), 2);
    assert!(!store.is_finished(CellKind::Model, "a"));
    fakes::finish(&store, CellKind::Model, "a", 0);
    assert!(store.is_finished(CellKind::Model, "a"));
    drop(scratch);
    assert_eq!(entries(&store, "workers"), 0);
}

#[test]
fn garbage_collection_removes_what_the_dead_left_and_nothing_of_the_living() {
    let (_folder, store) = store();
    let scratch = store.scratch_directory().unwrap();
    let claim = store.claim("living").unwrap();
    // as a killed process leaves them: files without a lock on them
    let workers = store.root().join("workers");
    std::fs::write(workers.join("worker-dead.lock"), b"").unwrap();
    std::fs::create_dir(workers.join("worker-dead")).unwrap();
    std::fs::write(workers.join("worker-dead/half.json"), b"{").unwrap();
    std::fs::write(store.root().join("claims/dead.lock"), b"").unwrap();
    store.collect_garbage();
    assert_eq!(entries(&store, "claims"), 1);
    assert_eq!(
        entries(&store, "workers"),
        2,
        "the living worker's lock and folder"
    );
    assert!(store.claim("living").unwrap().is_none());
    scratch
        .publish(b"{}", &store.root().join("scores/x.json"))
        .unwrap();
    drop(claim);
}

#[test]
fn a_failure_is_recorded_until_it_is_cleared() {
    let (_folder, store) = store();
    let failure = Failure {
        label: "l".into(),
        error: "e".into(),
    };
    store
        .fail(&store.scratch_directory().unwrap(), "a", &failure)
        .unwrap();
    assert_eq!(store.failure("a"), Some(failure));
    store.clear_failure("a").unwrap();
    store.clear_failure("a").unwrap();
    assert_eq!(store.failure("a"), None);
}

#[test]
fn whatever_lies_in_place_of_a_claim_is_no_claim() {
    let (_folder, store) = store();
    let claims = store.root().join("claims");
    let path = claims.join("a.lock");
    let mut lies: Vec<Box<dyn Fn()>> = vec![
        Box::new(|| ()),
        Box::new(|| std::fs::write(&path, b"").unwrap()),
        Box::new(|| std::fs::write(&path, b"pid 7 on host x since 2099-01-01").unwrap()),
        Box::new(|| std::fs::create_dir(&path).unwrap()),
        Box::new(|| {
            std::fs::create_dir(&path).unwrap();
            std::fs::write(path.join("notes"), b"somebody's").unwrap();
        }),
        Box::new(|| std::fs::remove_dir_all(&claims).unwrap()),
    ];
    #[cfg(unix)]
    lies.extend([
        Box::new(|| std::os::unix::fs::symlink("nowhere/at/all", &path).unwrap()) as Box<dyn Fn()>,
        Box::new(|| {
            let made = std::process::Command::new("mkfifo").arg(&path).status();
            assert!(made.unwrap().success());
        }),
    ]);
    for (i, lay) in lies.iter().enumerate() {
        lay();
        assert_eq!(store.claims_held().unwrap(), 0, "{i}");
        let claim = store.claim("a").unwrap();
        assert!(claim.is_some(), "{i}");
        assert!(store.claim("a").unwrap().is_none(), "{i}");
        assert_eq!(store.claims_held().unwrap(), 1, "{i}");
        store.collect_garbage();
        assert!(path.exists(), "{i}");
    }
}

#[test]
fn a_manifest_that_refers_to_what_is_not_there_is_refused_with_the_command_that_mends_it() {
    let (_folder, store) = store();
    let path = store.root().join(MANIFEST);
    let whole = std::fs::read_to_string(&path).unwrap();
    let cell =
        r#""separations":[{"id":"a","variant":0,"pair":0,"mixture":0,"seed":0,"models":[]}]"#;
    for text in [
        "",
        "{}",
        "null",
        &whole[..whole.len() / 2],
        &whole.replace(r#""pairs":[]"#, r#""pairs":[[0,1]]"#),
        &whole.replace(r#""separations":[]"#, cell),
        &whole.replace(
            r#""trainings":[]"#,
            r#""trainings":[{"id":"a","variant":0,"speaker":0,"seed":0}]"#,
        ),
    ] {
        std::fs::write(&path, text).unwrap();
        let error = store.manifest().unwrap_err().to_string();
        let command = format!("--out {}`", store.root().display());
        assert!(
            error.contains(&command) && error.contains("manifest.json"),
            "{error}"
        );
    }
}

#[test]
fn folders_that_are_missing_are_made_again_and_the_run_is_not() {
    let (_folder, store) = store();
    for part in ["models", "joints", "scores", "failed", "claims", "workers"] {
        let folder = store.root().join(part);
        std::fs::remove_dir_all(&folder).unwrap();
        store.prepare().unwrap();
        assert!(folder.is_dir());
        std::fs::remove_dir_all(&folder).unwrap();
        std::fs::write(&folder, b"a file").unwrap();
        let error = store.prepare().unwrap_err();
        assert!(matches!(error, SweepError::NotAFolder { .. }), "{error}");
        assert!(error.to_string().contains(part), "{error}");
        std::fs::remove_file(&folder).unwrap();
    }
    std::fs::remove_file(store.root().join(MANIFEST)).unwrap();
    assert!(matches!(store.prepare(), Err(SweepError::RunGone { .. })));
}

#[test]
fn a_run_has_a_name_that_can_be_said() {
    for name in ["a\nb", "a\u{1b}[2J", "a\rb"] {
        let folder = tempfile::tempdir().unwrap();
        let error = Store::create(&folder.path().join(name), "", &manifest()).unwrap_err();
        assert!(matches!(error, SweepError::RunPath { .. }), "{error}");
        assert!(!error.to_string().contains(char::is_control));
    }
}

/// Run folders are passed on: what is in them decides which files are read and written.
#[test]
fn a_manifest_with_names_that_cannot_be_those_of_files_is_refused() {
    let training = |id: &str| crate::cell::Training {
        id: id.into(),
        ..crate::cell::Training::default()
    };
    let speaker = |name: &str| crate::dataset::Speaker {
        name: name.into(),
        ..crate::dataset::Speaker::default()
    };
    let (_folder, store) = store();
    for name in [
        "../up",
        "/tmp/x",
        "a/b",
        "",
        ".hidden",
        "a\u{1b}[2Jx",
        "C:x",
    ] {
        for manifest in [
            Manifest {
                trainings: vec![training("fine"), training(name)],
                ..manifest()
            },
            Manifest {
                speakers: vec![speaker(name)],
                ..manifest()
            },
        ] {
            let path = store.root().join(MANIFEST);
            std::fs::write(&path, serde_json::to_vec(&manifest).unwrap()).unwrap();
            let error = store.manifest().unwrap_err();
            assert!(matches!(error, SweepError::Damaged { .. }), "{error}");
            let message = error.to_string();
            assert!(message.contains(path.to_str().unwrap()), "{message}");
            assert!(message.contains("cannot be the name"), "{message}");
            assert!(!message.contains(char::is_control), "{message:?}");
        }
    }
}
