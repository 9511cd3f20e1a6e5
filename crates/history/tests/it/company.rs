//! Several threads and processes at once, and a compaction in a loop beside them.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use buildbook_fsio::{Lock, Probe, probe};
use buildbook_history::{Entry, History, Retention};
use buildbook_other_process::Other;

use crate::child::starts;
use crate::{World, entry, line, tag, time};

/// How many entries each writer appends.
pub(crate) const ENTRIES: u32 = 250;

/// An entry that is old enough to be removed, and is not, because every one is of a hash of its own.
pub(crate) fn numbered(writer: &str, number: u32) -> Entry {
    Entry { build_hash: format!("{writer}-{number}"), ts: "2020-01-01T00:00:00Z".into(), ..entry(writer) }
}

/// Every third entry of a filler is alike, so that each compaction has something to remove.
fn fill(history: &History, world: &World) {
    let filler = Entry { build_hash: "filler".into(), ..numbered("filler", 0) };
    history.append_all(&world.package, &[filler.clone(), filler.clone(), filler]).unwrap();
}

#[test]
fn processes_and_threads_lose_nothing_beside_a_compaction() {
    let world = World::new();
    fill(&world.history, &world);
    let processes = ["p0", "p1", "p2"];
    let threads = ["t0", "t1", "t2"];
    let done = AtomicBool::new(false);
    let compactions = std::thread::scope(|scope| {
        let compactor = scope.spawn(|| {
            let mut compactions = 0;
            while !done.load(Ordering::Relaxed) {
                fill(&world.history, &world);
                let compacted = world
                    .history
                    .compact(&world.package, &Retention::days(0), time("2026-01-01T00:00:00Z"))
                    .unwrap();
                assert_eq!(compacted.problems, []);
                compactions += u32::from(compacted.lines_after < compacted.lines_before);
            }
            compactions
        });
        let mut others: Vec<Other> = processes.iter().map(|name| starts("append", name, &world)).collect();
        others.iter_mut().for_each(Other::go_on);
        let writers = threads.map(|name| {
            let world = &world;
            scope.spawn(move || {
                for number in 0..ENTRIES {
                    world.history.append(&world.package, &numbered(name, number)).unwrap();
                }
            })
        });
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        others.into_iter().for_each(Other::finish);
        done.store(true, Ordering::Relaxed);
        compactor.join().unwrap()
    });
    assert!(compactions > 1, "the compaction was busy all the time");

    let reading = world.history.read(&world.package).unwrap();
    assert_eq!(reading.problems, []);
    let mut next: HashMap<String, u32> = HashMap::new();
    for entry in reading.entries.into_iter().rev().filter(|entry| entry.build_hash != "filler") {
        let number = entry.build_hash.rsplit_once('-').unwrap().1.parse::<u32>().unwrap();
        let expected = next.entry(tag(entry)).or_default();
        assert_eq!(number, *expected, "each writer's entries are all there, in its order");
        *expected += 1;
    }
    assert_eq!(next, processes.iter().chain(&threads).map(|name| ((*name).to_owned(), ENTRIES)).collect());
}

#[test]
fn two_compactions_at_once_do_not_collide() {
    let world = World::new();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..25 {
                    fill(&world.history, &world);
                    let retention = Retention::days(0);
                    world.history.compact(&world.package, &retention, time("2026-01-01T00:00:00Z")).unwrap();
                }
            });
        }
    });
    let reading = world.history.read(&world.package).unwrap();
    assert_eq!((reading.entries.len(), reading.problems.len()), (2, 0));
    assert_eq!(std::fs::read_dir(world.path().parent().unwrap()).unwrap().count(), 1);
}

/// A program that opened the file before it was replaced, and was waiting for its lock meanwhile, writes to
/// the old file.
#[test]
fn a_writer_that_does_not_look_at_the_name_again_loses_nothing() {
    let filler = line(&numbered("filler", 0));
    let world = World::with(filler.repeat(40_000));
    let mut originals: Vec<Other> = (0..3).map(|n| starts("original", &n.to_string(), &world)).collect();
    let compacted = std::thread::scope(|scope| {
        let compactor = scope.spawn(|| {
            world.history.compact(&world.package, &Retention::days(0), time("2026-01-01T00:00:00Z")).unwrap()
        });
        // All three have the file open. They ask for its lock when the compaction has it, which is for long.
        let start = Instant::now();
        while !matches!(probe(&world.path()).unwrap(), Probe::Held { .. }) {
            assert!(start.elapsed() < Duration::from_secs(60), "the compaction never locked the file");
            std::thread::yield_now();
        }
        originals.iter_mut().for_each(Other::go_on);
        compactor.join().unwrap()
    });
    assert_eq!((compacted.lines_before, compacted.lines_after), (40_000, 2));
    originals.into_iter().for_each(Other::finish);
    let mut tags = world.tags();
    tags.sort();
    assert_eq!(tags, ["0", "1", "2", "filler", "filler"]);
}

#[test]
fn a_writer_that_uses_lockf_is_waited_for() {
    let world = World::with(line(&numbered("filler", 0)).repeat(5));
    let held = Lock::acquire(&world.path()).unwrap();
    let mut original = starts("original", "x", &world);
    original.go_on();
    std::thread::scope(|scope| {
        let compactor = scope.spawn(|| {
            world.history.compact(&world.package, &Retention::days(0), time("2026-01-01T00:00:00Z")).unwrap()
        });
        let appender = scope.spawn(|| world.history.append(&world.package, &entry("ours")).unwrap());
        held.release();
        compactor.join().unwrap();
        appender.join().unwrap();
    });
    original.finish();
    let mut tags = world.tags();
    tags.sort();
    assert_eq!(tags, ["filler", "filler", "ours", "x"]);
}

/// The original compacts without the lock. What it puts in the place of the file that is about to be read must
/// not be cut up by the lengths of the lines that were there.
#[test]
fn a_file_that_is_replaced_without_the_lock_is_never_cut_up() {
    let world = World::with("");
    let next: Vec<PathBuf> = (0..2000).map(|n| world.folder.path().join(format!("next-{n}"))).collect();
    for (path, n) in next.iter().zip(0..) {
        std::fs::write(path, line(&numbered(&"x".repeat(n % 50), 0)).repeat(3)).unwrap();
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let now = time("2026-01-01T00:00:00Z");
            while !done.load(Ordering::Relaxed) {
                world.history.compact(&world.package, &Retention::days(0), now).unwrap();
            }
        });
        for path in &next {
            std::fs::rename(path, world.path()).unwrap();
            let text = world.text();
            let whole = text.lines().all(|line| serde_json::from_str::<Entry>(line).is_ok());
            // The scope waits for the other thread also when this one panics.
            done.store(!whole, Ordering::Relaxed);
            assert!(whole, "{text}");
        }
        done.store(true, Ordering::Relaxed);
    });
}
