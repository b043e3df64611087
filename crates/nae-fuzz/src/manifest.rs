//! Plans of runs.

use nae_sweep::{Manifest, Store};

use crate::{message, run};

pub(crate) fn check(bytes: &[u8]) {
    run::with("manifest.json", bytes, |store| match store.manifest() {
        Ok(manifest) => check_plan(store, &manifest),
        Err(error) => message::check(&nae_files::printable(&error.to_string())),
    });
}

/// Checks a plan that was accepted.
fn check_plan(store: &Store, manifest: &Manifest) {
    let text = serde_json::to_string(manifest).unwrap();
    assert_eq!(&serde_json::from_str::<Manifest>(&text).unwrap(), manifest);
    for variant in &manifest.variants {
        variant.config.validate().expect("in range");
    }
    for cell in &manifest.trainings {
        assert!(!manifest.training_label(cell).is_empty());
        assert!(manifest.training_s(cell) >= 0.0);
    }
    for cell in &manifest.joinings {
        assert!(!manifest.joining_label(cell).is_empty());
        assert!(manifest.joining_s(cell) >= 0.0);
    }
    for cell in &manifest.separations {
        assert!(!manifest.separation_label(cell).is_empty());
        assert!(manifest.separation_s(cell) >= 0.0);
        assert_eq!(manifest.members(cell.pair).len(), cell.models.len());
    }
    match nae_sweep::status::status(store, manifest) {
        Ok(status) => {
            assert!(status.open() <= status.trainings + status.joinings + status.separations);
            assert!(status.left_s >= 0.0, "{} s left", status.left_s);
        }
        Err(error) => message::check(&nae_files::printable(&error.to_string())),
    }
    run::check_table(store);
}
