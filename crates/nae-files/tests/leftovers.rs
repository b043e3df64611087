//! What killed runs leave, and what happens to it.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use nae_files::{PendingFile, ScratchFolder, remove_leftovers, write_atomically};
use nae_testing::folders::names;

/// As a killed process leaves them: files without a lock on them.
fn killed(folder: &Path) {
    std::fs::write(folder.join(".nae-dead.part"), b"half").unwrap();
    std::fs::write(folder.join(".nae-gone.lock"), b"").unwrap();
    std::fs::create_dir(folder.join(".nae-gone")).unwrap();
    std::fs::write(folder.join(".nae-gone/0.wav"), b"half").unwrap();
}

#[test]
fn the_next_file_written_into_a_folder_takes_leftovers_away() {
    let folder = tempfile::tempdir().unwrap();
    killed(folder.path());
    write_atomically(&folder.path().join("a"), b"whole").unwrap();
    assert_eq!(names(folder.path()), ["a"]);
}

#[cfg(unix)]
#[test]
fn a_link_that_is_called_like_a_leftover_leads_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let precious = folder.path().join("precious");
    std::fs::write(&precious, b"precious").unwrap();
    let link = folder.path().join(".nae-link.part");
    std::os::unix::fs::symlink(&precious, &link).unwrap();
    remove_leftovers(folder.path(), ".nae-").unwrap();
    assert_eq!(names(folder.path()), [".nae-link.part", "precious"]);
}

#[test]
fn what_the_living_work_on_and_what_is_not_ours_stays() {
    let folder = tempfile::tempdir().unwrap();
    let pending = PendingFile::create(&folder.path().join("a")).unwrap();
    let scratch = ScratchFolder::create_hidden_in(folder.path()).unwrap();
    std::fs::write(scratch.path().join("0.wav"), b"half").unwrap();
    for name in [".other.part", "song.part", "b.lock"] {
        std::fs::write(folder.path().join(name), b"theirs").unwrap();
    }
    let before = names(folder.path());
    killed(folder.path());
    remove_leftovers(folder.path(), ".nae-").unwrap();
    assert_eq!(names(folder.path()), before);
    assert!(scratch.path().join("0.wav").exists());
    pending.commit().unwrap();
    drop(scratch);
    assert_eq!(
        names(folder.path()),
        [".other.part", "a", "b.lock", "song.part"]
    );
}

#[test]
fn writers_and_those_who_clean_up_do_not_get_in_each_others_way() {
    const ROUNDS: usize = 200;
    let folder = tempfile::tempdir().unwrap();
    let writing = AtomicBool::new(true);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while writing.load(Ordering::SeqCst) {
                remove_leftovers(folder.path(), ".nae-").unwrap();
            }
        });
        for i in 0..ROUNDS {
            write_atomically(&folder.path().join(format!("{i:03}")), b"whole").unwrap();
            let scratch = ScratchFolder::create_hidden_in(folder.path()).unwrap();
            std::fs::write(scratch.path().join("draft"), b"draft").unwrap();
        }
        writing.store(false, Ordering::SeqCst);
    });
    let expected: Vec<String> = (0..ROUNDS).map(|i| format!("{i:03}")).collect();
    assert_eq!(names(folder.path()), expected);
}
