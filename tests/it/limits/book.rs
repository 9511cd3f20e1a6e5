//! A book with something of everything in it, with what a program holds open while it works, and with its readers.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use buildbook::atomic_swap::{Swap, replace_symlink};
use buildbook::build_lock::{BuildLock, BuildLocks, Holder, LockName};
use buildbook::fsio::{Appender, Durability::Cached};
use buildbook::gc::{LayerPlan, Policy, Roots, UniversePlan};
use buildbook::gc::{plan_layers, plan_universes, survey_layers, survey_universes};
use buildbook::history::{Entry, History};
use buildbook::layout::{Book, PlatformTree, Timestamp};
use buildbook::progress::{self, Progress};
use buildbook::runlog::{Counts, Run, RunLog};
use buildbook::status_index::{self, Status, generate};
use walkdir::WalkDir;

use super::Failure;
use crate::{at, entry, package};

/// When everything in the book happens.
pub(super) fn now() -> Timestamp {
    at("2026-03-09T12:54:44Z")
}

/// An entry that does not fit into what is left of a page, so that it needs room.
pub(super) fn long_entry(layer: &str) -> Entry {
    Entry { error: Some("no room ".repeat(1000)), ..entry("2026-03-09-125444", now(), layer, "build_failed") }
}

pub(super) struct OpenBook {
    pub(super) root: PathBuf,
    pub(super) tree: PlatformTree,
    pub(super) history: History,
    pub(super) log: RunLog,
    pub(super) locks: BuildLocks,
    /// `None` once it is finished.
    pub(super) run: RefCell<Option<Run>>,
    pub(super) held: RefCell<Option<BuildLock>>,
    pub(super) appender: RefCell<Appender>,
    pub(super) swap: RefCell<Option<Swap>>,
    pub(super) status: Status,
    pub(super) progress: RefCell<Progress>,
    pub(super) plan: LayerPlan,
    pub(super) universes: UniversePlan,
}

impl OpenBook {
    pub(super) fn create(root: &Path) -> OpenBook {
        let book = Book::at(root);
        let tree = book.platform(&"test-1".parse().unwrap());
        let history = History::at(tree.packages());
        for n in 0..5 {
            let old = entry("2020-03-09-125444", at("2020-03-09T12:54:44Z"), "build-aaaaaaaaaaaa", "success");
            history.append(&package("a.1"), &old).unwrap();
            history.append(&package("a.1"), &long_entry(&format!("build-{n:012}"))).unwrap();
        }
        let log = RunLog::at(book.logs());
        for day in ["2026-03-07", "2026-03-08"] {
            let start = at(&format!("{day}T12:54:44Z"));
            log.start_run(start).unwrap().finish_run(Counts::default(), start).unwrap();
        }
        let run = log.start_run(now()).unwrap();
        let mut progress = Progress::create(run.id().clone(), "", Vec::<String>::new());
        progress::write(run.run_dir(), &mut progress, now()).unwrap();
        let status = generate(&history, run.id(), None, now()).unwrap().status;
        status_index::write(tree.path(), &status, Cached).unwrap();

        for layer in ["build-bbbbbbbbbbbb", "build-cccccccccccc"] {
            fs::create_dir(tree.path().join(layer)).unwrap();
            fs::write(tree.path().join(layer).join("layer.json"), r#"{"exit_status":0}"#).unwrap();
        }
        let policy = Policy { min_age: Duration::ZERO, ..Policy::default() };
        let mut roots = Roots::new();
        roots.insert("build-cccccccccccc");
        let plan = plan_layers(survey_layers(&tree).unwrap(), &roots, &policy, at("2100-01-01T00:00:00Z"));

        let (needed, unneeded) = ("a".repeat(32), "b".repeat(32));
        for universe in [&needed, &unneeded] {
            fs::create_dir_all(book.html().universes().join(universe)).unwrap();
        }
        let published = book.html().package(&package("a.1")).unwrap();
        fs::create_dir_all(&published).unwrap();
        fs::write(published.join("universes.json"), format!(r#"{{"universes":["{needed}"]}}"#)).unwrap();
        let survey = survey_universes(&book.html()).unwrap();
        let universes = plan_universes(survey, &policy, at("2100-01-01T00:00:00Z"));
        assert_eq!(universes.removals().count(), 1);

        let own = root.join("own");
        fs::create_dir(&own).unwrap();
        fs::write(own.join("file"), "old").unwrap();
        replace_symlink(Path::new("old"), &own.join("link"), Cached).unwrap();
        for (name, contents) in [("folder", "old"), ("goes", "old")] {
            fs::create_dir(own.join(name)).unwrap();
            fs::write(own.join(name).join("file"), contents).unwrap();
        }
        fs::write(own.join("log"), "it failed\n".repeat(900)).unwrap();
        let swap = Swap::prepare(&own.join("folder")).unwrap();
        fs::write(swap.staging().join("file"), "new").unwrap();

        let locks = BuildLocks::at(book.locks());
        let held = locks.acquire(&LockName::build(&package("held.1")), &Holder::since(now())).unwrap();
        fs::write(book.locks().join("build-stale.1.lock"), "").unwrap();
        fs::write(own.join("lines"), "a line\n".repeat(10_000)).unwrap();
        let appender = RefCell::new(Appender::open(&own.join("lines")).unwrap());
        OpenBook {
            root: root.to_owned(),
            tree,
            history,
            log,
            locks,
            run: Some(run).into(),
            held: Some(held).into(),
            appender,
            swap: Some(swap).into(),
            status,
            progress: progress.into(),
            plan,
            universes,
        }
    }

    pub(super) fn own(&self, name: &str) -> PathBuf {
        self.root.join("own").join(name)
    }

    /// What every reader answers.
    pub(super) fn answers(&self) -> Result<Vec<String>, Failure> {
        let mut answers = Vec::new();
        for package in self.history.packages()?.packages {
            let entries = self.history.read(&package)?.entries.len();
            if entries == 0 {
                // Made for an entry that could not be written.
                continue;
            }
            answers.push(format!("{package}: {entries}"));
            answers.push(format!("{:?}", self.history.read_latest(&package)?));
            answers.push(format!("{:?}", self.history.read_blessed(&package)?));
            answers.push(format!("{:?}", self.history.newest(&package, 2)?));
        }
        for run in self.log.runs()?.runs {
            answers.push(format!("{} {}", run.id, run.state.as_str()));
            answers.push(format!("{:?}", self.log.events(&run.id)?.events.len()));
            answers.push(format!("{:?} {:?}", self.log.summary(&run.id)?, self.log.plan(&run.id)?));
            answers.push(format!("{:?}", progress::read(self.log.tree().run(&run.id).path())?));
        }
        answers.push(format!("{:?}", self.log.latest()?));
        answers.push(format!("{:?}", status_index::read(self.tree.path())?));
        let locks = self.locks.list_active()?;
        answers.extend(locks.problems.iter().map(|problem| format!("{problem:?}")));
        let survey = survey_layers(&self.tree)?;
        let plan = plan_layers(survey, &Roots::new(), &Policy::default(), now());
        answers.extend(plan.problems.iter().map(|problem| format!("{problem:?}")));
        answers.extend(plan.items.iter().map(|item| format!("{} {}", item.name, item.decision)));
        let plan = plan_universes(survey_universes(&Book::at(&self.root).html())?, &Policy::default(), now());
        answers.extend(plan.items.iter().map(|item| format!("{} {}", item.name, item.decision)));
        Ok(answers)
    }

    /// The contents of all files under names that somebody looks for. What is hidden is a writer's own, a lock file is
    /// nobody's contents, and a file without any is nothing by half.
    pub(super) fn visible(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let is_hidden = |entry: &walkdir::DirEntry| entry.file_name().as_encoded_bytes().starts_with(b".");
        let walk = WalkDir::new(&self.root).into_iter().filter_entry(|entry| !is_hidden(entry));
        let mut files = BTreeMap::new();
        for entry in walk.map(|entry| entry.unwrap()) {
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == "lock") {
                continue;
            }
            let contents = match entry.file_type() {
                kind if kind.is_file() => fs::read(path).unwrap(),
                kind if kind.is_symlink() => {
                    fs::read_link(path).unwrap().into_os_string().into_encoded_bytes()
                }
                _ => continue,
            };
            if !contents.is_empty() {
                files.insert(path.to_owned(), contents);
            }
        }
        files
    }
}
