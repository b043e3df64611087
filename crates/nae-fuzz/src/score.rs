//! Records of cells: scores, trainings, joinings, failures.

use serde::Serialize;
use serde::de::DeserializeOwned;

use nae_sweep::{Failure, Joined, Outcome, Store, SweepError, Trained};

use crate::{message, run};

/// Cells of the run whose records are replaced.
const SCORED: &str = "580d34a01840e751247569abe9e8570340581280fe19fe8c46123d14bf95a3b2";
const TRAINED: &str = "3a8dc37176cdef8668549a7c6fffdf55a6170893cf2f018a4eaf84bfdea66783";
const JOINED: &str = "d9b8efe77ea7e2d36358ecea1235b027a86e42964ef7785e40f52c70ece3aaa1";

pub(crate) fn check(bytes: &[u8]) {
    run::with(&format!("scores/{SCORED}.json"), bytes, |store| {
        check_record::<Outcome>(store, store.outcome(SCORED));
    });
    run::with(&format!("models/{TRAINED}.json"), bytes, |store| {
        check_record::<Trained>(store, store.trained(TRAINED));
    });
    run::with(&format!("joints/{JOINED}.json"), bytes, |store| {
        check_record::<Joined>(store, store.joined(JOINED));
    });
    run::with(&format!("failed/{SCORED}.json"), bytes, |store| {
        if let Some(failure) = store.failure(SCORED) {
            check_record::<Failure>(store, Ok(failure));
        }
    });
}

/// Checks a record as it was read, and what the run makes of it.
fn check_record<T>(store: &Store, read: Result<T, SweepError>)
where
    T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    match read {
        Ok(record) => {
            let text = serde_json::to_string(&record).unwrap();
            assert_eq!(serde_json::from_str::<T>(&text).unwrap(), record);
        }
        Err(error) => message::check(&nae_files::printable(&error.to_string())),
    }
    let manifest = store.manifest().expect("the run's own plan");
    if let Err(error) = nae_sweep::status::status(store, &manifest) {
        message::check(&nae_files::printable(&error.to_string()));
    }
    run::check_table(store);
}
