//! Writers that go on until they are killed, and say what they were told is on the device.

use std::path::Path;

use buildbook::atomic_swap::{Swap, commit_together, replace_file, replace_symlink};
use buildbook::fsio::Durability::Synced;
use buildbook::fsio::FileSystem;
use buildbook::history::{Entry, History, Retention};
use buildbook::layout::{Book, PlatformTree, Timestamp};
use buildbook::runlog::{Counts, Dag, Event, EventKind, EventStatus, RunLog};
use buildbook::status_index::{self, generate};

use crate::{at, entry, package};

/// All of them; two append to the same histories, and compact them.
pub(super) const ROLES: [&str; 8] =
    ["append-0", "append-1", "group", "files", "links", "folders", "rounds", "runs"];

/// The folders that are published together in each round.
pub(super) const ROUND: [&str; 4] = ["round-0", "round-1", "round-2", "round-3"];

/// What compaction takes for the present.
pub(super) const NOW: &str = "2026-06-01T00:00:00Z";
/// How many names of a kind take turns, so that names are made and replaced, and the disk does not fill up.
pub(super) const NAMES: u32 = 5;

/// The platform of the book on a disk.
pub(super) fn platform(root: &Path) -> PlatformTree {
    Book::at(root).platform(&"test-1".parse().unwrap())
}

/// What a file holds that was written as the `n`th: a page and a bit, so that it can be half there.
pub(super) fn contents(n: u32) -> String {
    format!("{n}\n").repeat(3000)
}

/// What [`contents`] holds this, if it is whole.
pub(super) fn number(contents: &str) -> Option<u32> {
    let n = contents.lines().next()?.parse().ok()?;
    (contents == self::contents(n)).then_some(n)
}

/// An entry of which compaction gives up the even ones.
pub(super) fn numbered(writer: &str, n: u32) -> Entry {
    let (ts, layer) = match n % 2 {
        0 => (at("2020-01-01T00:00:00Z"), "build-aaaaaaaaaaaa".to_owned()),
        _ => (at(NOW), format!("build-{n:012x}")),
    };
    Entry { error: Some(format!("{writer} {n}")), ..entry("2026-05-31-000000", ts, &layer, "build_failed") }
}

pub(super) fn write_for_ever(role: &str, root: &Path) {
    for n in 0.. {
        match role {
            "group" => group(root),
            "files" => file(root, n),
            "links" => link(root, n),
            "folders" => folder(root, n),
            "rounds" => round(root, n),
            "runs" => run(root, n),
            writer => append(root, writer, n),
        }
    }
}

/// Printed only when the operation has returned, and in one piece: the supervisor takes it at its word.
fn acknowledge(what: &str, name: &str, n: impl std::fmt::Display) {
    println!("ack: {what} {name} {n}");
}

fn append(root: &Path, writer: &str, n: u32) {
    let history = History::at(platform(root).packages());
    // First all new, then again and again.
    let name = format!("p.{}", n / 3 % NAMES);
    let package = package(&name);
    if n.is_multiple_of(7) {
        // Not synced and so not acknowledged, until one after it is.
        history.append(&package, &numbered(writer, n)).unwrap();
        return;
    }
    history.append_synced(&package, &numbered(writer, n)).unwrap();
    acknowledge("append", &name, format!("{writer} {n}"));
    if n % 20 == 19 {
        history.compact(&package, &Retention::days(30), at(NOW)).unwrap();
    }
}

/// Several threads that share the waiting. Each goes on when it was told of its own entry.
fn group(root: &Path) {
    const THREADS: u32 = 4;
    let history = History::at(platform(root).packages());
    let name = "group.1";
    let package = package(name);
    let group = history.group_appender(&package);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (history, package, group) = (&history, &package, &group);
            scope.spawn(move || {
                let writer = format!("group-{thread}");
                for n in 0.. {
                    group.append_synced(&numbered(&writer, n)).unwrap();
                    acknowledge("append", name, format!("{writer} {n}"));
                    if thread == 0 && n % 20 == 19 {
                        history.compact(package, &Retention::days(30), at(NOW)).unwrap();
                    }
                }
            });
        }
    });
}

fn file(root: &Path, n: u32) {
    let name = format!("file-{}", n / 2 % NAMES);
    replace_file(&root.join("files").join(&name), contents(n).as_bytes(), Synced).unwrap();
    acknowledge("file", &name, n);
}

fn link(root: &Path, n: u32) {
    let name = format!("link-{}", n / 2 % NAMES);
    replace_symlink(Path::new(&format!("to-{n}")), &root.join("links").join(&name), Synced).unwrap();
    acknowledge("link", &name, n);
}

fn folder(root: &Path, n: u32) {
    let name = format!("folder-{}", n / 2 % NAMES);
    // In a folder that the first publication makes.
    let swap = Swap::prepare(&root.join("published").join(&name).join("tree")).unwrap();
    fill(swap.staging(), n);
    swap.commit(Synced).unwrap();
    acknowledge("folder", &name, n);
}

fn fill(folder: &Path, n: u32) {
    std::fs::create_dir(folder.join("below")).unwrap();
    for file in super::check::FILES {
        std::fs::write(folder.join(file), contents(n)).unwrap();
    }
}

/// Many results made durable at once, as a batch of quick targets does it: the sync before the publication of these
/// is the one after the record of those before.
fn round(root: &Path, n: u32) {
    let file_system =
        FileSystem::of(root).unwrap().expect("the disk has a file system that can be synced whole");
    let prepare = |name: &&str| {
        let swap = Swap::prepare(&root.join("published").join(name).join("tree")).unwrap();
        fill(swap.staging(), n);
        swap.seal(&file_system).unwrap()
    };
    let sealed = ROUND.iter().map(prepare).collect();
    for committed in commit_together(&file_system, sealed).unwrap() {
        committed.unwrap();
    }
    ROUND.iter().for_each(|name| acknowledge("folder", name, n));
    if let Some(before) = n.checked_sub(1) {
        acknowledge("append", &recorded_in(before), format!("round {before}"));
    }
    let history = History::at(platform(root).packages());
    history.append(&package(&recorded_in(n)), &numbered("round", n)).unwrap();
}

/// The package in whose history a round is recorded.
pub(super) fn recorded_in(n: u32) -> String {
    format!("round.{}", n % NAMES)
}

fn run(root: &Path, n: u32) {
    let log = RunLog::at(Book::at(root).logs());
    let now = Timestamp::from_unix(at(NOW).as_unix() + i64::from(n)).unwrap();
    let run = log.start_run(now).unwrap();
    run.write_dag(&Dag { build_nodes: u64::from(n), ..Dag::default() }, now).unwrap();
    let event = Event::new(EventKind::Build, package("p.1"), "build-aaaaaaaaaaaa", EventStatus::Ok);
    run.log_build_result(&event, now).unwrap();
    let id = run.id().clone();
    run.finish_run(Counts { packages_built: u64::from(n), ..Counts::default() }, now).unwrap();
    acknowledge("run", id.as_str(), n);
    let history = History::at(platform(root).packages());
    let status = generate(&history, &id, None, now).unwrap().status;
    status_index::write(platform(root).path(), &status, Synced).unwrap();
    acknowledge("status", id.as_str(), n);
}
