//! A FIFO, a socket, a folder or a device in the place of a file: looked at, it must not block; opened, it could do
//! anything.

use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use buildbook::build_lock::{BuildLocks, Holder, LockName};
use buildbook::fsio::{Lock, append_lines, probe, read_note};
use buildbook::history::{History, Retention};
use buildbook::layout::{Book, LogTree, PlatformTree};
use buildbook::runlog::RunLog;
use buildbook::{gc, progress, status_index};
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use nix::unistd::mkfifo;

use crate::{at, entry, package};

/// Puts something that is no file at a path; says what it is.
type Plant = fn(&Path) -> Option<&'static str>;

const PLANTS: [Plant; 4] = [
    |path| mkfifo(path, Mode::from_bits_truncate(0o666)).map(|()| "a FIFO").ok(),
    |path| std::fs::create_dir(path).map(|()| "a folder").ok(),
    |path| UnixListener::bind(path).map(|_| "a socket").ok(),
    |path| {
        // What is written to it is lost, what is read from it has no end.
        match mknod(path, SFlag::S_IFCHR, Mode::from_bits_truncate(0o666), makedev(1, 5)) {
            Ok(()) => Some("a device"),
            Err(error) => {
                eprintln!("skipped: a device cannot be made: {error}");
                None
            }
        }
    },
];

/// The same in a folder of its own for each kind of thing.
fn with_each(test: impl Fn(&Path, Plant)) {
    for plant in PLANTS {
        let folder = tempfile::tempdir().unwrap();
        if plant(&folder.path().join("probe")).is_some() {
            let start = Instant::now();
            test(folder.path(), plant);
            assert!(start.elapsed() < Duration::from_secs(60), "it has blocked");
        }
    }
}

fn planted(path: impl Into<PathBuf>, plant: Plant) -> (PathBuf, &'static str) {
    let path = path.into();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let what = plant(&path).unwrap();
    (path, what)
}

#[test]
fn what_is_no_file_is_no_lock() {
    with_each(|folder, plant| {
        let locks = BuildLocks::at(folder.join("locks"));
        let name = LockName::build(&package("a.1"));
        let (path, what) = planted(locks.path(&name), plant);
        let holder = Holder::since(at("2026-03-09T12:54:44Z"));
        assert!(locks.acquire(&name, &holder).is_err(), "{what}");
        assert!(locks.try_acquire(&name, &holder).is_err(), "{what}");
        assert!(locks.acquire_within(&name, &holder, Duration::from_secs(5)).is_err(), "{what}");
        assert_eq!(locks.list_active().unwrap().problems.len(), 1, "{what}");
        let cleaned = locks.cleanup_stale(Duration::ZERO, at("2030-01-01T00:00:00Z")).unwrap();
        assert_eq!((cleaned.removed.len(), cleaned.problems.len()), (0, 1), "{what}");
        assert!(Lock::try_acquire_existing(&path).is_err() && probe(&path).is_err(), "{what}");
        assert!(read_note(&path, 100).is_err(), "{what}");
        assert!(path.symlink_metadata().is_ok(), "{what} was removed");
    });
}

#[test]
fn what_is_no_file_is_no_history() {
    with_each(|folder, plant| {
        let tree = PlatformTree::at(folder);
        let (history, package) = (History::at(tree.packages()), package("a.1"));
        let (path, what) = planted(tree.packages().history(&package), plant);
        let result = entry("2026-03-09-125444", at("2026-03-09T12:54:44Z"), "build-0123456789ab", "success");
        assert!(history.append(&package, &result).is_err(), "{what}");
        assert!(history.read(&package).is_err(), "{what}");
        assert!(history.newest(&package, 1).is_err(), "{what}");
        assert!(
            history.compact(&package, &Retention::days(0), at("2030-01-01T00:00:00Z")).is_err(),
            "{what}"
        );
        assert!(append_lines(&path, b"x\n", buildbook::fsio::Durability::Cached).is_err(), "{what}");
        // The others are counted.
        history.append(&crate::package("b.1"), &result).unwrap();
        let run = "2026-03-09-125444".parse().unwrap();
        let generated = status_index::generate(&history, &run, None, at("2026-03-09T12:54:44Z")).unwrap();
        assert_eq!((generated.standings.len(), generated.problems.len()), (1, 1), "{what}");
    });
}

#[test]
fn what_is_no_file_is_no_document() {
    with_each(|folder, plant| {
        let tree = PlatformTree::at(folder.join("test-1"));
        let (_, what) = planted(tree.status(), plant);
        assert!(status_index::read(tree.path()).is_err(), "{what}");
        let log = RunLog::at(LogTree::at(folder.join("logs")));
        let id = "2026-03-09-125444".parse().unwrap();
        let run = log.tree().run(&id);
        for place in
            [run.progress(), run.plan(), run.summary(), run.events(), run.dag_structure(), run.writer_lock()]
        {
            planted(place, plant);
        }
        assert!(progress::read(run.path()).is_err(), "{what}");
        assert!(log.plan(&id).is_err() && log.summary(&id).is_err(), "{what}");
        assert!(log.events(&id).is_err() && log.dag_structure(&id).is_err(), "{what}");
        assert_eq!(log.runs().unwrap().problems.len(), 1, "{what}");

        let book = Book::at(folder);
        planted(tree.path().join("build-0123456789ab/layer.json"), plant);
        planted(book.html().blessed().join("a/1/universes.json"), plant);
        let survey = gc::survey_layers(&tree).unwrap();
        assert_eq!(survey.problems.len(), 1, "{what}");
        assert!(gc::collect_referenced_universes(&book.html()).is_err(), "{what}");
    });
}
