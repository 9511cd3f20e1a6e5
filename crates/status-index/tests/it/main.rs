//! What the index promises, shown on real files.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests build the situations that the library must survive"
)]

mod changes;
mod file;
mod generate;
mod golden;
mod incremental;
mod oracle;

use buildbook_history::{Entry, History};
use buildbook_layout::{Category, PackagesTree, RunId, Timestamp};
use buildbook_status_index::{Change, Generated, Status};
use tempfile::TempDir;

/// The histories of a platform, and its folder.
struct World {
    _folder: TempDir,
    history: History,
}

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let history = History::at(PackagesTree::at(folder.path().join("packages")));
        World { _folder: folder, history }
    }

    /// Records a result: package, number of the run, hash, category, and whether it is blessed.
    fn record(&self, package: &str, number: u32, hash: &str, category: &str, blessed: bool) {
        self.history
            .append(&package.parse().unwrap(), &entry(run(number).as_str(), hash, category, blessed))
            .unwrap();
    }

    fn generate(&self, number: u32, previous: Option<&Status>) -> Generated {
        buildbook_status_index::generate(&self.history, &run(number), previous, now()).unwrap()
    }

    fn changes(&self, number: u32, previous: Option<&Status>) -> Vec<String> {
        self.generate(number, previous).status.changes.iter().map(short).collect()
    }
}

fn now() -> Timestamp {
    Timestamp::parse("2026-06-01T00:00:00Z").unwrap()
}

fn run(number: u32) -> RunId {
    format!("2026-01-01-00{:02}{:02}", number / 60, number % 60).parse().unwrap()
}

fn entry(run: &str, hash: &str, category: &str, blessed: bool) -> Entry {
    Entry {
        ts: format!("2026-01-01T00:00:{:02}Z", run.bytes().last().unwrap_or(b'0') % 60),
        run: run.to_owned(),
        build_hash: hash.to_owned(),
        status: if category.ends_with("success") { Entry::SUCCESS } else { Entry::FAILURE }.to_owned(),
        category: Category::new(category),
        compiler: String::new(),
        blessed,
        error: None,
        failed_dep: None,
        failed_dep_hash: None,
        universe: None,
    }
}

/// A change in one line.
fn short(change: &Change) -> String {
    format!(
        "{} {}{} {} -> {}: {}",
        change.package,
        change.build_hash,
        if change.blessed { "!" } else { "" },
        change.from_status,
        change.to_status,
        change.what.map_or("?", |what| what.as_str())
    )
}

fn totals(totals: &buildbook_status_index::Totals) -> Vec<(&str, u64)> {
    totals.iter().map(|(category, count)| (category.as_str(), *count)).collect()
}
