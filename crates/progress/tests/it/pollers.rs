use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use buildbook_progress::{Progress, read, write};

use crate::at;

/// Snapshots of different lengths, whose counts agree with each other.
fn snapshot(number: u64) -> Progress {
    let targets = (0..number % 700).map(|target| format!("package-{target}.1.0"));
    let length = number % 700;
    Progress::create("2026-03-09-125444".parse().unwrap(), "2026-03-09T12:54:44", targets)
        .set_build_total(length)
        .set_completed(length, length)
}

#[test]
fn a_poller_never_sees_a_torn_or_missing_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let now = at("2026-03-09T12:55:00Z");
    write(folder.path(), &mut snapshot(0), now).unwrap();
    let done = AtomicBool::new(false);
    let (begun, first_read) = mpsc::channel();
    std::thread::scope(|scope| {
        let (folder, done) = (folder.path(), &done);
        let poller = scope.spawn(move || {
            let mut last = 0;
            while !done.load(Ordering::Relaxed) {
                let seen = read(folder).unwrap().expect("a snapshot was there before");
                assert_eq!(seen.targets.len() as u64, seen.build_total);
                assert_eq!(seen.build_completed, seen.doc_completed);
                assert!(seen.sequence >= last, "snapshots do not go back");
                last = seen.sequence;
                // Nobody listens after the first.
                let _ = begun.send(());
            }
        });
        first_read.recv().expect("it reads before anything is written");
        for sequence in 1..2000 {
            let mut next = snapshot(sequence * 37);
            next.sequence = sequence;
            write(folder, &mut next, now).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        poller.join().unwrap();
    });
}

#[test]
fn writers_at_the_same_time_do_not_share_a_temporary_file() {
    let folder = tempfile::tempdir().unwrap();
    let now = at("2026-03-09T12:55:00Z");
    std::thread::scope(|scope| {
        for writer in 0..4_u64 {
            let path = folder.path();
            scope.spawn(move || {
                for turn in 0..100 {
                    write(path, &mut snapshot(writer * 100 + turn), now).unwrap();
                    let seen = read(path).unwrap().unwrap();
                    assert_eq!(seen.targets.len() as u64, seen.build_total);
                }
            });
        }
    });
    let names: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["progress.json"], "nothing temporary stays");
}
