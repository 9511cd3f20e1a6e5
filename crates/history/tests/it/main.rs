//! What a history promises, shown on real files by real processes.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests build the situations that the library must survive"
)]

mod answers;
mod append;
mod child;
mod compact;
mod company;
mod crash;
mod golden;
mod kept;
mod packages;
mod read;
mod repeats;
mod resume;
mod set_aside;

use std::path::PathBuf;

use buildbook_history::{Entry, History};
use buildbook_layout::{Category, PackageId, PackagesTree, Timestamp};
use tempfile::TempDir;

/// A history of one package in a folder of its own.
struct World {
    folder: TempDir,
    history: History,
    package: PackageId,
}

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let history = History::at(PackagesTree::at(folder.path().join("packages")));
        World { folder, history, package: "astring.0.8.5".parse().unwrap() }
    }

    /// A history that has these bytes.
    fn with(bytes: impl AsRef<[u8]>) -> World {
        let world = World::new();
        world.put(bytes);
        world
    }

    fn put(&self, bytes: impl AsRef<[u8]>) {
        std::fs::create_dir_all(self.path().parent().unwrap()).unwrap();
        std::fs::write(self.path(), bytes).unwrap();
    }

    fn path(&self) -> PathBuf {
        self.history.tree().history(&self.package)
    }

    fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.path()).unwrap()
    }

    fn text(&self) -> String {
        String::from_utf8(self.bytes()).unwrap()
    }

    /// The errors of all entries, the newest first, which most tests use to tell entries apart.
    fn tags(&self) -> Vec<String> {
        self.history.read(&self.package).unwrap().entries.into_iter().map(tag).collect()
    }
}

fn tag(entry: Entry) -> String {
    entry.error.unwrap_or_default()
}

/// An entry that is told from others by its error text.
fn entry(tag: &str) -> Entry {
    Entry {
        ts: "2026-03-09T12:54:44Z".to_owned(),
        run: "2026-03-09-125400".to_owned(),
        build_hash: "build-a1b2c3d4e5f6".to_owned(),
        status: Entry::SUCCESS.to_owned(),
        category: Category::new(Category::SUCCESS),
        compiler: "5.3.0".to_owned(),
        blessed: false,
        error: Some(tag.to_owned()),
        failed_dep: None,
        failed_dep_hash: None,
        universe: None,
    }
}

fn line(entry: &Entry) -> String {
    serde_json::to_string(entry).unwrap() + "\n"
}

fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}
