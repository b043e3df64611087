//! Records of cells: scores, trainings, joinings, failures.

use serde::Serialize;
use serde::de::DeserializeOwned;

use nae_sweep::Store;

use crate::run;

/// Cells of the run whose records are replaced.
const SCORED: &str = "580d34a01840e751247569abe9e8570340581280fe19fe8c46123d14bf95a3b2";
const TRAINED: &str = "3a8dc37176cdef8668549a7c6fffdf55a6170893cf2f018a4eaf84bfdea66783";
const JOINED: &str = "d9b8efe77ea7e2d36358ecea1235b027a86e42964ef7785e40f52c70ece3aaa1";

pub(crate) fn check(bytes: &[u8]) {
    run::with(&format!("scores/{SCORED}.json"), bytes, |store| {
        check_record(store, store.outcome(SCORED).whole());
    });
    run::with(&format!("models/{TRAINED}.json"), bytes, |store| {
        check_record(store, store.trained(TRAINED).whole());
    });
    run::with(&format!("joints/{JOINED}.json"), bytes, |store| {
        check_record(store, store.joined(JOINED).whole());
    });
    run::with(&format!("failed/{SCORED}.json"), bytes, |store| {
        check_record(store, store.failure(SCORED));
    });
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
