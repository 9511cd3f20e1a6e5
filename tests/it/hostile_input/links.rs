//! Symbolic links where a file, a folder or a temporary name is expected.
//!
//! A link in the place of a file, a lock, a layer or a temporary name is never followed. A link in the place of a
//! folder of the book is: an operator keeps a platform or a package on another disk that way.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use buildbook::atomic_swap::{find_leftovers, recover};
use buildbook::build_lock::{BuildLocks, Holder, LockName};
use buildbook::gc::{self, Policy, Roots};
use buildbook::history::{History, Retention};
use buildbook::layout::{Book, PlatformTree};
use buildbook::progress::{self, Phase, Progress};
use buildbook::runlog::{Counts, Event, EventKind, EventStatus, Plan, RunLog, RunRetention};
use buildbook::status_index::{self, Durability};
use buildbook_tests::Snapshot;

use crate::{at, entry, package};

/// A book, and beside it what nobody may touch.
struct World {
    folder: tempfile::TempDir,
    outside: Snapshot,
}

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let outside = folder.path().join("outside");
        std::fs::create_dir_all(outside.join("folder")).unwrap();
        // Whoever read or appended would not notice that it is not a history.
        std::fs::write(outside.join("file"), "precious\n").unwrap();
        std::fs::write(outside.join("folder/layer.json"), "{}\n").unwrap();
        std::fs::create_dir_all(folder.path().join("book/test-1")).unwrap();
        let outside = Snapshot::take(&outside).unwrap();
        World { folder, outside }
    }

    fn book(&self) -> Book {
        Book::at(self.folder.path().join("book"))
    }

    fn tree(&self) -> PlatformTree {
        self.book().platform(&"test-1".parse().unwrap())
    }

    fn history(&self) -> History {
        History::at(self.tree().packages())
    }

    /// Makes links to the file or the folder outside, and to something that is not there.
    fn plant(&self, link: impl Into<PathBuf>, to: &str) -> PathBuf {
        let link = link.into();
        std::fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(self.folder.path().join("outside").join(to), &link).unwrap();
        link
    }

    fn assert_outside_is_untouched(&self) {
        let now = Snapshot::take(&self.folder.path().join("outside")).unwrap();
        assert_eq!(self.outside.differences(&now), Vec::<String>::new());
    }
}

const TARGETS: [&str; 3] = ["file", "folder", "nothing"];

fn is_link(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink())
}

#[test]
fn a_link_in_the_place_of_a_history_is_neither_read_nor_written() {
    for to in TARGETS {
        let world = World::new();
        let (history, package) = (world.history(), package("a.1"));
        let link = world.plant(world.tree().packages().history(&package), to);
        let result = entry("2026-03-09-125444", at("2026-03-09T12:54:44Z"), "build-0123456789ab", "success");
        for error in [
            history.append(&package, &result).unwrap_err(),
            history.append_synced(&package, &result).unwrap_err(),
            history.read(&package).unwrap_err(),
            history.newest(&package, 1).unwrap_err(),
            history.compact(&package, &Retention::days(0), at("2030-01-01T00:00:00Z")).unwrap_err(),
        ] {
            assert!(error.to_string().contains("not a regular file"), "{to}: {error}");
        }
        assert!(is_link(&link));
        world.assert_outside_is_untouched();
    }
}

/// What is replaced in one step loses the link, and what it led to stays as it is.
#[test]
fn a_link_in_the_place_of_a_document_is_replaced_or_refused_and_never_followed() {
    for to in TARGETS {
        let world = World::new();
        let tree = world.tree();
        world.plant(tree.status(), to);
        let run = "2026-03-09-125444".parse().unwrap();
        let now = at("2026-03-09T12:54:44Z");
        let status = status_index::generate(&world.history(), &run, None, now).unwrap().status;
        assert!(status_index::read(tree.path()).is_err(), "{to}");
        assert!(status_index::write(tree.path(), &status, Durability::Cached).is_err(), "{to}");

        let log = RunLog::at(world.book().logs());
        let run = log.start_run(now).unwrap();
        let files = run.tree().clone();
        let (package, source) = (package("a.1"), world.folder.path().join("log"));
        std::fs::write(&source, "a log\n").unwrap();
        for place in [
            files.progress(),
            files.plan(),
            files.summary(),
            files.build_log(&package),
            files.doc_log(&package),
        ] {
            world.plant(place, to);
        }
        world.plant(world.book().logs().latest(), to);
        let mut snapshot = Progress::create(run.id().clone(), "", ["a.1"]).set_phase(Phase::Building);
        assert!(progress::read(files.path()).is_err(), "{to}");
        progress::write(files.path(), &mut snapshot, now).unwrap();
        run.write_plan(&Plan::default(), now).unwrap();
        assert!(run.add_build_log(&package, &source).unwrap());
        assert!(run.link_doc_log(&package, &source).unwrap());
        assert!(log.summary(run.id()).is_err(), "{to}");
        assert!(log.latest().is_err(), "{to}");

        world.plant(files.events(), to);
        let event = Event::new(EventKind::Build, package.clone(), "hash", EventStatus::Ok);
        assert!(run.log_build_result(&event, now).is_err(), "{to}");
        assert!(log.events(run.id()).is_err(), "{to}");
        // A layer's log is not followed either: its maker could name any file of the farm.
        let layer_log = world.plant(world.folder.path().join("layer.log"), to);
        assert!(run.add_doc_log(&package, &layer_log).is_err(), "{to}");

        run.finish_run(Counts::default(), now).unwrap();
        assert_eq!(log.latest().unwrap().unwrap().as_str(), "2026-03-09-125444");
        for place in [
            files.progress(),
            files.plan(),
            files.summary(),
            files.build_log(&package),
            files.doc_log(&package),
        ] {
            assert!(!is_link(&place), "{to}: {}", place.display());
        }
        world.assert_outside_is_untouched();
    }
}

#[test]
fn a_link_in_the_place_of_a_lock_locks_nothing_and_is_left() {
    for to in TARGETS {
        let world = World::new();
        let locks = BuildLocks::at(world.book().locks());
        let name = LockName::build(&package("a.1"));
        let link = world.plant(locks.path(&name), to);
        let holder = Holder::since(at("2026-03-09T12:54:44Z"));
        assert!(locks.acquire(&name, &holder).is_err(), "{to}");
        assert!(locks.try_acquire(&name, &holder).is_err(), "{to}");
        let active = locks.list_active().unwrap();
        assert_eq!((active.locks.len(), active.problems.len()), (0, 1), "{to}");
        let cleaned = locks.cleanup_stale(Duration::ZERO, at("2030-01-01T00:00:00Z")).unwrap();
        assert_eq!((cleaned.removed.len(), cleaned.problems.len()), (0, 1), "{to}");
        assert!(is_link(&link));

        // A run whose writer's lock leads elsewhere has no writer that could be asked.
        let run = world.book().logs().run(&"2026-03-09-125444".parse().unwrap());
        world.plant(run.writer_lock(), to);
        let log = RunLog::at(world.book().logs());
        assert_eq!(log.runs().unwrap().problems.len(), 1, "{to}");
        world.assert_outside_is_untouched();
    }
}

#[test]
fn a_collection_removes_nothing_through_a_link() {
    for to in TARGETS {
        let world = World::new();
        let (tree, html) = (world.tree(), world.book().html());
        let universe = "0123456789abcdef0123456789abcdef";
        let version = html.blessed().join("a/1");
        std::fs::create_dir_all(&version).unwrap();
        std::fs::write(version.join("universes.json"), r#"{"universes":[]}"#).unwrap();
        world.plant(tree.path().join("build-0123456789ab"), to);
        world.plant(tree.path().join(".build-0123456789ab.trash-bb0123456789"), to);
        world.plant(html.universes().join(universe), to);
        world.plant(html.universes().join(format!(".{universe}.trash-bb0123456789")), to);
        let inside = tree.path().join("build-000000000001");
        world.plant(inside.join("fs/link"), to);
        let policy = Policy { min_age: Duration::ZERO, ..Policy::default() };
        let far = at("2100-01-01T00:00:00Z");
        gc::gc_layers(&tree, &Roots::new(), &policy, far).unwrap();
        gc::gc_universes(&html, &policy, far).unwrap();
        assert!(!inside.exists(), "{to}: what is ours goes");
        world.assert_outside_is_untouched();

        std::fs::create_dir(tree.path().join("build-000000000002")).unwrap();
        let _ = std::fs::remove_file(tree.path().join("gc.lock"));
        world.plant(tree.path().join("gc.lock"), to);
        assert!(gc::gc_layers(&tree, &Roots::new(), &policy, far).is_err(), "{to}: its lock leads elsewhere");
        assert!(tree.path().join("build-000000000002").is_dir());
        world.assert_outside_is_untouched();
    }
}

/// Names of ours cannot be guessed before they are made, but anybody can make one that looks like it.
#[test]
fn recovery_and_pruning_follow_no_link() {
    for to in TARGETS {
        let world = World::new();
        let tree = world.tree();
        for role in ["tmp", "new", "old", "trash"] {
            world.plant(tree.path().join(format!(".status.json.{role}-bb0123456789")), to);
            world.plant(tree.path().join(format!(".build-0123456789ab.{role}-bbabcdefghij")), to);
        }
        let _ = recover(tree.path());
        let _ = find_leftovers(tree.path()).unwrap();
        world.assert_outside_is_untouched();

        let logs = world.book().logs();
        world.plant(logs.run(&"2020-01-01-000000".parse().unwrap()).path(), to);
        world.plant(logs.runs().join(".2020-01-02-000000.trash-bb0123456789"), to);
        let log = RunLog::at(logs);
        let retention = RunRetention { keep_newest: Some(0), min_age: None };
        let _ = log.prune(&retention, at("2100-01-01T00:00:00Z")).unwrap();
        let _ = log.recover().unwrap();
        world.assert_outside_is_untouched();
    }
}

/// The limit of all this: whoever may put links into the folders of a book may also write its files.
#[test]
fn a_link_in_the_place_of_a_package_s_folder_is_the_operator_s_and_is_followed() {
    let world = World::new();
    let (history, package) = (world.history(), package("a.1"));
    let elsewhere = world.folder.path().join("another-disk/a.1");
    std::fs::create_dir_all(&elsewhere).unwrap();
    std::fs::create_dir_all(world.tree().packages().path()).unwrap();
    let link = world.tree().packages().package(&package);
    symlink(&elsewhere, &link).unwrap();
    let result = entry("2026-03-09-125444", at("2026-03-09T12:54:44Z"), "build-0123456789ab", "success");
    history.append_synced(&package, &result).unwrap();
    history.append(&package, &result).unwrap();
    history.append(&package, &result).unwrap();
    assert_eq!(
        history.compact(&package, &Retention::days(0), at("2030-01-01T00:00:00Z")).unwrap().lines_after,
        2
    );
    assert_eq!(history.packages().unwrap().packages, std::slice::from_ref(&package));
    assert_eq!(history.read(&package).unwrap().entries.len(), 2);
    let names: Vec<_> =
        std::fs::read_dir(&elsewhere).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["history.jsonl"], "and nothing else is left there");
    assert!(is_link(&link));

    // A link that leads nowhere is not made into a folder elsewhere.
    let other = world.tree().packages().package(&crate::package("b.1"));
    symlink(world.folder.path().join("another-disk/b.1"), &other).unwrap();
    assert!(history.append(&crate::package("b.1"), &result).is_err());
    assert!(!world.folder.path().join("another-disk/b.1").exists());
}
