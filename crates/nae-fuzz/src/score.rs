//! Records of cells: scores, trainings, joinings, failures.

use serde::Serialize;
use serde::de::DeserializeOwned;

use nae_sweep::{Failure, Joined, Outcome, Store, Trained};

use crate::run;

/// Cells of the run whose records are replaced.
const SCORED: &str = "580d34a01840e751247569abe9e8570340581280fe19fe8c46123d14bf95a3b2";
const TRAINED: &str = "3a8dc37176cdef8668549a7c6fffdf55a6170893cf2f018a4eaf84bfdea66783";
const JOINED: &str = "d9b8efe77ea7e2d36358ecea1235b027a86e42964ef7785e40f52c70ece3aaa1";

/// One in so many files that are no record is put into the run: there, what cannot be read is tried again
/// after a while.
const EVERY: usize = 128;

pub(crate) fn check(bytes: &[u8]) {
    let place = format!("scores/{SCORED}.json");
    check_kind::<Outcome>(&place, bytes, |store| store.outcome(SCORED).whole());
    let place = format!("models/{TRAINED}.json");
    check_kind::<Trained>(&place, bytes, |store| store.trained(TRAINED).whole());
    let place = format!("joints/{JOINED}.json");
    check_kind::<Joined>(&place, bytes, |store| store.joined(JOINED).whole());
    let place = format!("failed/{SCORED}.json");
    check_kind::<Failure>(&place, bytes, |store| store.failure(SCORED));
}

/// Has the run read the file as one kind of record, if it is one.
fn check_kind<T>(place: &str, bytes: &[u8], read: impl Fn(&Store) -> Option<T>)
where
    T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let is_record = serde_json::from_slice::<T>(bytes).is_ok();
    if is_record || bytes.len().is_multiple_of(EVERY) {
        run::with(place, bytes, |store| check_record(store, read(store)));
    }
}

/// Checks a record, if it could be read, and what the run makes of it.
fn check_record<T>(store: &Store, read: Option<T>)
where
    T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    if let Some(record) = read {
        let text = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<T>(&text).unwrap(), record);
    }
    let manifest = store.manifest().expect("the run's own plan");
    let status =
        nae_sweep::status::status(store, &manifest).expect("what cannot be read is not done");
    assert!(status.left_s >= 0.0, "{} s left", status.left_s);
    run::check_table(store);
}
