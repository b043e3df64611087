use super::*;
use crate::cell::{Joining, Separation, TrainedOn, Training};
use crate::dataset::Speaker;
use crate::fakes;
use crate::stand_in::{StandIn, WithoutModel};
use crate::system::Variant;
use crate::system_config::SystemConfig;

const SPEAKERS: usize = 3;
const MIXTURES: usize = 4;

/// Three speakers, two seeds and all three pairs of them, under made-up identities.
fn manifest() -> Manifest {
    let mut manifest = Manifest {
        schema: 1,
        tool_version: String::new(),
        name: "test".into(),
        speakers: Vec::new(),
        pairs: vec![vec![0, 1], vec![0, 2], vec![1, 2]],
        mixtures: MIXTURES,
        families: Vec::new(),
        variants: vec![Variant {
            system: "s".into(),
            label: "s".into(),
            config: SystemConfig::default(),
            scenario: None,
            stems: None,
        }],
        trainings: Vec::new(),
        joinings: Vec::new(),
        separations: Vec::new(),
        ..Manifest::default()
    };
    let model = |speaker: usize, seed: u64| format!("model-{speaker}-{seed}");
    for speaker in 0..SPEAKERS {
        manifest.speakers.push(Speaker {
            name: format!("speaker {speaker}"),
            train: Vec::new(),
            test: Vec::new(),
            ..Speaker::default()
        });
        for seed in 0..2 {
            manifest.trainings.push(Training {
                id: model(speaker, seed),
                variant: 0,
                speaker,
                seed,
                ..Training::default()
            });
        }
    }
    for (pair, members) in manifest.pairs.clone().iter().enumerate() {
        for mixture in 0..MIXTURES {
            for seed in 0..2 {
                manifest.separations.push(Separation {
                    id: format!("scores-{pair}-{mixture}-{seed}"),
                    variant: 0,
                    pair,
                    mixture,
                    seed,
                    models: members
                        .iter()
                        .map(|&speaker| model(speaker, seed))
                        .collect(),
                    joint: None,
                    ..Separation::default()
                });
            }
        }
    }
    manifest
}

fn store(manifest: &Manifest) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(folder.path(), "", manifest).unwrap();
    (folder, store)
}

/// Lets a cell count as finished.
fn finish(store: &Store, kind: CellKind, id: &str) {
    fakes::finish(store, kind, id, 2);
}

fn next(queue: &Queue<'_>) -> Next {
    queue.next(1, &mut Vec::new()).unwrap()
}

/// Works through a queue to its end; what was done, in order.
fn exhaust(queue: &Queue<'_>, store: &Store, manifest: &Manifest) -> Vec<String> {
    let mut done = Vec::new();
    loop {
        let (kind, id) = match next(queue) {
            Next::Work(kind, cells, _) => (kind, manifest.id(kind, cells[0])),
            Next::Wait(None) => panic!("nobody else is at work"),
            Next::Wait(Some(until)) => {
                std::thread::sleep(until.saturating_duration_since(Instant::now()));
                continue;
            }
            Next::Done => return done,
        };
        finish(store, kind, id);
        queue.finished(kind, id);
        done.push(id.to_owned());
    }
}

#[test]
fn shares_cover_every_cell_once_and_share_their_models() {
    let manifest = manifest();
    let (_folder, store) = store(&manifest);
    let mut all = Vec::new();
    for index in 0..5 {
        let queue = Queue::new(&store, &manifest, Share { index, of: 5 }).unwrap();
        all.extend(exhaust(&queue, &store, &manifest));
    }
    let count = all.len();
    assert_eq!(count, manifest.trainings.len() + manifest.separations.len());
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count, "nothing was done twice");
    assert!(matches!(
        Queue::new(&store, &manifest, Share { index: 5, of: 5 }),
        Err(SweepError::Share { .. })
    ));
}

#[test]
fn a_mixture_waits_for_its_models_and_a_finished_cell_is_left_alone() {
    let manifest = manifest();
    let (_folder, store) = store(&manifest);
    finish(&store, CellKind::Scores, "scores-0-0-0");
    let queue = Queue::new(&store, &manifest, Share::ALL).unwrap();
    let done = exhaust(&queue, &store, &manifest);
    let models = done.iter().position(|id| id.starts_with("scores")).unwrap();
    assert_eq!(models, manifest.trainings.len(), "models come first");
    assert!(!done.contains(&"scores-0-0-0".to_owned()));
    assert_eq!(queue.tally().found, 1);
}

#[test]
fn what_another_worker_holds_is_passed_over_and_taken_when_it_lets_go() {
    let manifest = manifest();
    let (_folder, store) = store(&manifest);
    let held = store.claim("model-0-0").unwrap();
    assert!(held.is_some());
    let queue = Queue::new(&store, &manifest, Share::ALL).unwrap();
    let mut done = Vec::new();
    loop {
        let (kind, id) = match next(&queue) {
            Next::Work(kind, cells, _) => (kind, manifest.id(kind, cells[0])),
            Next::Wait(_) => break,
            Next::Done => panic!("some wait for a model"),
        };
        finish(&store, kind, id);
        queue.finished(kind, id);
        done.push(id.to_owned());
    }
    assert!(!done.contains(&"model-0-0".to_owned()));
    drop(held);
    assert!(exhaust(&queue, &store, &manifest).contains(&"model-0-0".to_owned()));
}

#[test]
fn a_failed_model_blocks_its_mixtures_until_it_is_cleared() {
    let manifest = manifest();
    let (_folder, store) = store(&manifest);
    let failure = Failure {
        label: "model".into(),
        error: "it broke".into(),
    };
    store
        .fail(&store.scratch_directory().unwrap(), "model-0-0", &failure)
        .unwrap();
    let queue = Queue::new(&store, &manifest, Share::ALL).unwrap();
    exhaust(&queue, &store, &manifest);
    let tally = queue.tally();
    assert_eq!((tally.failed, tally.blocked), (1, 2 * MIXTURES));
    assert_eq!(store.failure("model-0-0").unwrap(), failure);

    let queue = Queue::new(&store, &manifest, Share::ALL).unwrap();
    queue.clear_failures().unwrap();
    assert!(store.failure("model-0-0").is_none());
    assert_eq!(exhaust(&queue, &store, &manifest).len(), 1 + 2 * MIXTURES);
}

#[test]
fn models_of_one_recipe_are_handed_over_together() {
    let manifest = manifest();
    let (_folder, store) = store(&manifest);
    let queue = Queue::new(&store, &manifest, Share::ALL).unwrap();
    let Next::Work(CellKind::Model, cells, claims) = queue.next(4, &mut Vec::new()).unwrap() else {
        panic!("models come first");
    };
    assert_eq!((cells.len(), claims.len()), (4, 4));
    let Next::Work(CellKind::Model, cells, _) = queue.next(4, &mut Vec::new()).unwrap() else {
        panic!("two are left");
    };
    assert_eq!(cells.len(), 2);
}

/// The same with a joint encoder for every pair and seed, which its mixtures are separated by.
fn joined() -> Manifest {
    let mut manifest = manifest();
    for cell in &mut manifest.separations {
        let id = format!("joint-{}-{}", cell.pair, cell.seed);
        cell.joint = Some(id.clone());
        if cell.mixture == 0 {
            manifest.joinings.push(Joining {
                id,
                variant: 0,
                pair: cell.pair,
                seed: cell.seed,
                models: cell.models.clone(),
                against: None,
            });
        }
    }
    manifest
}

#[test]
fn joint_encoders_come_after_their_models_and_before_their_mixtures_one_by_one() {
    let manifest = joined();
    let (_folder, store) = store(&manifest);
    let queue = Queue::new(&store, &manifest, Share::ALL).unwrap();
    let done = exhaust(&queue, &store, &manifest);
    let (trained, joined) = (manifest.trainings.len(), manifest.joinings.len());
    assert_eq!(joined, 6);
    assert!(
        done[trained..trained + joined]
            .iter()
            .all(|id| id.starts_with("joint"))
    );
    assert_eq!(queue.tally().joined, joined);
    assert_eq!(done.len(), trained + joined + manifest.separations.len());

    // shares of the mixtures share them too
    let (_folder, store) = self::store(&manifest);
    let mut all = Vec::new();
    for index in 0..5 {
        let queue = Queue::new(&store, &manifest, Share { index, of: 5 }).unwrap();
        all.extend(exhaust(&queue, &store, &manifest));
    }
    assert_eq!(all.len(), done.len(), "nothing was done twice");

    // models are ready: a stack takes several of everything but of these
    let (_folder, store) = self::store(&manifest);
    for cell in &manifest.trainings {
        finish(&store, CellKind::Model, &cell.id);
    }
    let queue = Queue::new(&store, &manifest, Share::ALL).unwrap();
    let Next::Work(CellKind::Joint, cells, _) = queue.next(4, &mut Vec::new()).unwrap() else {
        panic!("joint encoders come next");
    };
    assert_eq!(cells.len(), 1);
}

#[test]
fn a_failed_model_blocks_its_joint_encoders_and_a_failed_one_of_those_its_mixtures() {
    let manifest = joined();
    let fail = |id: &str| {
        let (folder, store) = store(&manifest);
        let failure = Failure {
            label: id.into(),
            error: "it broke".into(),
        };
        store
            .fail(&store.scratch_directory().unwrap(), id, &failure)
            .unwrap();
        let queue = Queue::new(&store, &manifest, Share::ALL).unwrap();
        exhaust(&queue, &store, &manifest);
        drop(folder);
        queue.tally()
    };
    // in two of three pairs
    let tally = fail("model-0-0");
    assert_eq!((tally.failed, tally.blocked), (1, 2 + 2 * MIXTURES));
    let tally = fail("joint-0-0");
    assert_eq!((tally.failed, tally.blocked), (1, MIXTURES));
}

#[test]
fn an_idle_worker_looks_seldom_and_only_at_what_others_hold() {
    let manifest = manifest();
    let (_folder, store) = store(&manifest);
    let claims: Vec<_> = manifest
        .trainings
        .iter()
        .map(|cell| store.claim(&cell.id).unwrap().unwrap())
        .collect();
    let queue = Queue::new(&store, &manifest, Share::ALL).unwrap();
    // everything depends on six models that another worker trains
    let Next::Wait(Some(until)) = next(&queue) else {
        panic!("all is held");
    };
    // a look before that time touches no file: a folder that is missing is not noticed
    std::fs::remove_dir_all(store.root()).unwrap();
    assert!(matches!(next(&queue), Next::Wait(Some(again)) if again == until));
    std::thread::sleep(until.saturating_duration_since(Instant::now()));
    let gone = queue.next(1, &mut Vec::new()).unwrap_err();
    assert!(matches!(gone, SweepError::RunGone { .. }), "{gone}");
    assert!(!store.root().exists(), "nothing is made in its place");
    drop(claims);
}

#[test]
fn a_waiting_thread_wakes_when_another_reports_and_when_it_is_to_stop() {
    let manifest = manifest();
    let (_folder, store) = store(&manifest);
    let queue = Queue::new(&store, &manifest, Share::ALL).unwrap();
    let mut taken = Vec::new();
    while let Next::Work(kind, cells, claims) = next(&queue) {
        taken.push((kind, cells[0], claims));
    }
    assert_eq!(taken.len(), manifest.trainings.len());
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| queue.wait(1, &|| false, &|_| {}).unwrap());
        for (kind, index, claims) in taken {
            let id = manifest.id(kind, index);
            finish(&store, kind, id);
            queue.finished(kind, id);
            drop(claims);
        }
        let (kind, _, _) = waiting.join().unwrap().unwrap();
        assert_eq!(kind, CellKind::Scores);
    });
    let queue = Queue::new(&store, &manifest, Share::ALL).unwrap();
    assert!(queue.wait(1, &|| true, &|_| {}).unwrap().is_none());
}

/// The same with a universal model in the place of every pair's second source.
fn universal() -> Manifest {
    let mut manifest = manifest();
    for (pair, members) in manifest.pairs.clone().iter().enumerate() {
        for seed in 0..2 {
            let id = format!("universal-{pair}-{seed}");
            let others = (0..SPEAKERS).filter(|speaker| !members.contains(speaker));
            let parts = others.map(|speaker| format!("model-{speaker}-{seed}"));
            manifest.trainings.push(Training {
                id: id.clone(),
                speaker: members[1],
                seed,
                on: TrainedOn::Merged(parts.collect()),
                ..Training::default()
            });
            let cells = manifest.separations.iter_mut();
            for cell in cells.filter(|cell| (cell.pair, cell.seed) == (pair, seed)) {
                cell.models.truncate(1);
                cell.unknown = vec![1];
                cell.without_model = vec![WithoutModel {
                    place: 1,
                    by: StandIn::Universal(id.clone()),
                }];
            }
        }
    }
    manifest
}

#[test]
fn universal_models_come_after_their_parts_and_before_their_mixtures_in_every_share() {
    let manifest = universal();
    assert_eq!(manifest.check(), Ok(()));
    let (_folder, store) = store(&manifest);
    let queue = Queue::new(&store, &manifest, Share::ALL).unwrap();
    let done = exhaust(&queue, &store, &manifest);
    assert_eq!(
        done.len(),
        manifest.trainings.len() + manifest.separations.len()
    );
    let place = |id: &str| done.iter().position(|own| own == id).unwrap();
    for training in &manifest.trainings {
        for part in training.on.parts() {
            assert!(place(part) < place(&training.id), "{done:?}");
        }
    }
    for cell in &manifest.separations {
        assert!(cell.needed_models().all(|id| place(id) < place(&cell.id)));
    }
    // a share has the parts too, though none of its mixtures names them
    let (_folder, store) = self::store(&manifest);
    let mut all = Vec::new();
    for index in 0..7 {
        let queue = Queue::new(&store, &manifest, Share { index, of: 7 }).unwrap();
        all.extend(exhaust(&queue, &store, &manifest));
    }
    assert_eq!(all.len(), done.len(), "nothing was done twice");

    // of universal models others are not made: nothing would end
    let mut circular = manifest;
    let last = circular.trainings.len() - 1;
    circular.trainings[last].on = TrainedOn::Merged(vec!["universal-0-0".into()]);
    assert!(circular.check().unwrap_err().contains("universal-0-0"));
}
