//! What a run promises to those who write it and to those who read it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "tests build the situations that the library must survive"
)]

mod apart;
mod child;
mod crash;
mod events;
mod finish;
mod golden;
mod latest;
mod logs;
mod prune;
mod record;
mod select;
mod start;
mod state;
mod unreadable;

use std::path::Path;

use buildbook_layout::{LogTree, PackageId, RunId, RunTree, Timestamp};
use buildbook_runlog::{Counts, Event, EventKind, EventStatus, Run, RunLog};

/// An empty folder and the runs in it.
fn empty() -> (tempfile::TempDir, RunLog) {
    let folder = tempfile::tempdir().unwrap();
    let log = RunLog::at(LogTree::at(folder.path().join("logs")));
    (folder, log)
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn start() -> Timestamp {
    at("2026-03-09T12:54:44Z")
}

fn end() -> Timestamp {
    at("2026-03-09T13:00:00.5Z")
}

fn package(name: &str) -> PackageId {
    name.parse().unwrap()
}

fn id(name: &str) -> RunId {
    name.parse().unwrap()
}

fn event(package: &str, hash: &str) -> Event {
    Event::new(EventKind::Build, package.parse().unwrap(), hash, EventStatus::Ok)
}

fn finish(run: Run) -> RunId {
    run.finish_run(Counts::default(), end()).unwrap().run_id
}

fn tree(log: &RunLog, id: &RunId) -> RunTree {
    log.tree().run(id)
}

/// The names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
