//! Builders, cleaners and onlookers at the same time.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

use buildbook_build_lock::BuildLocks;
use buildbook_other_process::Other;

use crate::{holder, name, now};

const TURNS: usize = 150;

/// Takes and gives back one lock again and again. Whoever has it makes a file that must not be there yet, so
/// that two holders at once cannot go unnoticed, whichever processes they are in.
pub(crate) fn churn(folder: &Path) {
    let locks = BuildLocks::at(folder.join("locks"));
    let inside = folder.join("inside");
    for turn in 0..TURNS {
        let lock = locks.acquire(&name("a.1"), &holder()).unwrap();
        File::create_new(&inside).expect("two holders at once");
        std::fs::remove_file(&inside).unwrap();
        if turn % 2 == 0 { lock.release().unwrap() } else { drop(lock) }
    }
}

#[test]
fn cleaning_beside_builders_never_lets_two_in() {
    let folder = tempfile::tempdir().unwrap();
    let locks = BuildLocks::at(folder.path().join("locks"));
    let mut others = [Other::start("churn", folder.path()), Other::start("churn", folder.path())];
    others.iter_mut().for_each(Other::go_on);
    std::thread::scope(|scope| {
        let builders = [scope.spawn(|| churn(folder.path())), scope.spawn(|| churn(folder.path()))];
        while !builders.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            let cleaned = locks.cleanup_stale(Duration::ZERO, now()).unwrap();
            assert!(cleaned.problems.is_empty(), "{cleaned:?}");
            let active = locks.list_active().unwrap();
            assert!(active.locks.len() <= 1 && active.problems.is_empty(), "{active:?}");
        }
    });
    for other in others {
        other.finish();
    }
    locks.cleanup_stale(Duration::ZERO, now()).unwrap();
    assert_eq!(crate::names(locks.folder()), [""; 0]);
}

#[test]
fn a_lock_file_that_becomes_a_fifo_blocks_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let locks = BuildLocks::at(folder.path());
    let path = locks.path(&name("a.1"));
    std::thread::scope(|scope| {
        let swapper = scope.spawn(|| {
            for _ in 0..200 {
                let _ = std::fs::remove_file(&path);
                if let Err(error) = nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU) {
                    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::AlreadyExists);
                }
                let _ = std::fs::remove_file(&path);
                let _ = File::create_new(&path);
            }
        });
        while !swapper.is_finished() {
            // Any answer is fine, as long as there is one and the FIFO is not opened in earnest.
            let _ = locks.try_acquire(&name("a.1"), &holder());
            locks.list_active().unwrap();
            locks.cleanup_stale(Duration::ZERO, now()).unwrap();
        }
    });
    let _ = std::fs::remove_file(&path);
    assert!(locks.try_acquire(&name("a.1"), &holder()).unwrap().is_some());
}

#[test]
fn cleaning_turns_no_builder_away_from_a_file_that_stays() {
    let folder = tempfile::tempdir().unwrap();
    let locks = BuildLocks::at(folder.path());
    let path = locks.path(&name("a.1"));
    std::thread::scope(|scope| {
        let builder = scope.spawn(|| {
            for turn in 0..2000 {
                // A builder died over it a moment ago.
                crate::file_of_age(&path, 0);
                let lock = locks.try_acquire(&name("a.1"), &holder()).unwrap();
                assert!(lock.is_some(), "turned away at turn {turn}, and nobody builds");
            }
        });
        while !builder.is_finished() {
            let cleaned = locks.cleanup_stale(Duration::from_secs(60), now()).unwrap();
            assert!(cleaned.removed.is_empty(), "{cleaned:?}");
        }
        builder.join().unwrap();
    });
}
