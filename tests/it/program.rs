//! The program and the libraries on one book.

use std::path::{Path, PathBuf};
use std::process::Command;

use buildbook::history::History;
use buildbook::layout::{Book, LayerTree, PlatformTree};
use buildbook::runlog::{EventStatus, RunLog, Via};
use serde_json::{Value, json};

use crate::{at, package};

/// The program on a book. Cargo builds it together with the tests of the whole workspace, two folders up from the
/// tests. Whoever tests this package alone has the one that was built last, or none, and is told.
pub(crate) fn program(root: &Path) -> Option<Command> {
    let test = std::env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap().join("buildbook");
    if !path.is_file() {
        eprintln!("skipped: the program has not been built; `cargo test --workspace` builds it");
        return None;
    }
    let mut command = Command::new(path);
    command.env_remove("BUILDBOOK_ROOT").arg("--root").arg(root);
    Some(command)
}

/// A book on which the program has run a plan, if there is a program.
struct World {
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> World {
        World { folder: tempfile::tempdir().unwrap() }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("book")
    }

    fn tree(&self) -> PlatformTree {
        Book::at(self.root()).platform(&"test-1".parse().unwrap())
    }

    fn history(&self) -> History {
        History::at(self.tree().packages())
    }

    /// Runs the program and gives the document that it prints.
    fn ask(&self, arguments: &[&str]) -> Option<Value> {
        let output =
            program(&self.root())?.args(["--platform", "test-1", "--json"]).args(arguments).output().unwrap();
        let printed = serde_json::from_slice(&output.stdout);
        Some(printed.unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr))))
    }

    /// Runs a plan of one target.
    fn build(&self, script: &str) -> Option<Value> {
        let plan = self.folder.path().join("plan.json");
        let target = json!({ "package": "a.1", "command": ["sh", "-c", script], "blessed": true });
        std::fs::write(&plan, json!({ "targets": [target] }).to_string()).unwrap();
        self.ask(&["run", plan.to_str().unwrap()])
    }

    /// The folder of the only layer.
    fn layer(&self) -> LayerTree {
        let names = std::fs::read_dir(self.tree().path()).unwrap().map(|entry| entry.unwrap().file_name());
        let layers: Vec<_> = names.filter_map(|name| name.to_str()?.parse().ok()).collect();
        let [layer] = &layers[..] else { panic!("one layer: {layers:?}") };
        self.tree().layer(layer)
    }
}

/// C-C3: the original looks for the log under a name that it does not have, and calls every failure the same.
#[test]
fn a_failure_is_recorded_with_its_category_and_the_line_that_decided() {
    let world = World::new();
    let script = "echo building; echo 'E: Unable to locate package libfoo-dev'; exit 100";
    if world.build(script).is_none() {
        return;
    }
    let entry = world.history().read(&package("a.1")).unwrap().entries.remove(0);
    assert_eq!(entry.category.as_str(), "depext_unavailable");
    assert_eq!(entry.error.as_deref(), Some("E: Unable to locate package libfoo-dev"));
    let log = RunLog::at(Book::at(world.root()).logs());
    let run = log.latest().unwrap().unwrap();
    let event = log.events(&run).unwrap().events.remove(0).event;
    assert_eq!((event.status, event.line), (EventStatus::Fail, Some(2)));
    assert_eq!(event.category.as_ref().map(|category| category.as_str()), Some("depext_unavailable"));
    let failures = log.summary(&run).unwrap().unwrap().failures;
    assert_eq!(failures[0].error, "depext_unavailable");
}

/// C-X2: a folder has the first twelve digits of a hash; two hashes may share them.
#[test]
fn the_layer_of_another_hash_with_the_same_beginning_is_not_taken_for_good() {
    let world = World::new();
    if world.build("true").is_none() {
        return;
    }
    assert_eq!(world.build("true").unwrap()["totals"]["from_layer"], 1);
    let path = world.layer().metadata();
    let mut metadata: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let hash = metadata["build_hash"].as_str().unwrap().to_owned();
    let (shared, rest) = hash.split_at(12);
    metadata["build_hash"] = format!("{shared}{}", rest.chars().rev().collect::<String>()).into();
    std::fs::write(&path, metadata.to_string()).unwrap();
    assert_eq!(world.build("true").unwrap()["totals"]["built"], 1);
    assert_eq!(world.build("true").unwrap()["totals"]["from_layer"], 1);
}

/// Whoever built a layer, and whatever became of its entry: the book that uses it knows of it.
#[test]
fn a_good_layer_without_an_entry_gets_one() {
    let world = World::new();
    if world.build("true").is_none() {
        return;
    }
    std::fs::remove_dir_all(world.tree().packages().path()).unwrap();
    assert_eq!(world.build("true").unwrap()["totals"]["from_layer"], 1);
    let entries = world.history().read(&package("a.1")).unwrap().entries;
    assert_eq!(entries.len(), 1);
    let log = RunLog::at(Book::at(world.root()).logs());
    let run = log.latest().unwrap().unwrap();
    assert_eq!(entries[0].run, run.as_str());
    assert_eq!(log.events(&run).unwrap().events[0].event.via, Some(Via::Layer));
}

/// C-S9: the original takes an index that is there for the last word.
#[test]
fn an_index_that_is_older_than_the_newest_run_says_so() {
    let world = World::new();
    if world.build("true").is_none() {
        return;
    }
    assert_eq!(world.ask(&["status"]).unwrap()["newer_runs"], json!([]));
    let log = RunLog::at(Book::at(world.root()).logs());
    let newer = log.start_run(at("2099-01-01T00:00:00Z")).unwrap();
    assert_eq!(world.ask(&["status"]).unwrap()["newer_runs"], json!([newer.id().as_str()]));
}
