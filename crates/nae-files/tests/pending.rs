//! The register is one for the whole process, so this test has a process of its own.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::io::Write;

use nae_files::{FileLock, PendingFile, ScratchFolder, remove_pending, write_atomically};
use nae_testing::folders::names;

#[test]
fn all_that_is_unfinished_is_removed_and_what_is_in_place_stays() {
    let folder = tempfile::tempdir().unwrap();
    let done = folder.path().join("done");
    write_atomically(&done, b"whole").unwrap();
    let target = folder.path().join("target");
    let pending = PendingFile::create(&target).unwrap();
    pending.file().write_all(b"half").unwrap();
    let scratch = ScratchFolder::create_hidden_in(folder.path()).unwrap();
    std::fs::write(scratch.path().join("draft"), b"draft").unwrap();
    let claim = FileLock::take(&folder.path().join("claim.lock")).unwrap();
    assert!(claim.is_some());
    // one that was given back, and may be another's by now
    drop(FileLock::take(&folder.path().join("other.lock")).unwrap());
    std::fs::write(folder.path().join("other.lock"), b"").unwrap();
    // the scratch folder has a lock file beside it
    assert_eq!(names(folder.path()).len(), 6);

    remove_pending();
    assert_eq!(names(folder.path()), ["done", "other.lock"]);
    std::fs::remove_file(folder.path().join("other.lock")).unwrap();
    assert!(pending.commit().is_err(), "its content is gone");
    assert!(!target.exists());
    drop(scratch);

    // what begins after this is whole again
    write_atomically(&target, b"whole").unwrap();
    assert_eq!(names(folder.path()), ["done", "target"]);
}
