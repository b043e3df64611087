use super::*;

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
    // a folder in the way of the finished file: nothing is published, nothing half
    std::fs::create_dir(&path).unwrap();
    assert!(scratch.publish(b"model", &path).is_err());
    assert!(!store.is_finished(CellKind::Model, "a"));
    std::fs::remove_dir(&path).unwrap();
    scratch.publish(b"model", &path).unwrap();
    assert!(store.is_finished(CellKind::Model, "a"));
    assert_eq!(entries(&store, "models"), 1);
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
    store.collect_garbage().unwrap();
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
