//! `fsck`: whether the book is sound, and what can be mended without losing anything.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use buildbook::atomic_swap::{Durability, find_leftovers, recover, replace_symlink};
use buildbook::build_lock::BuildLocks;
use buildbook::history::History;
use buildbook::layout::{LogTree, PackageId, PlatformTree, RunId};
use buildbook::runlog::{RunLog, RunState};
use buildbook::{progress, status_index};
use serde::Serialize;

use crate::args;
use crate::context::Context;
use crate::failure::{Failure, Outcome, Status};
use crate::output::{self, Table};

#[derive(Serialize)]
struct Document {
    findings: Vec<Finding>,
    checked: Checked,
}

#[derive(Serialize)]
struct Finding {
    level: Level,
    #[serde(serialize_with = "output::lossy")]
    path: PathBuf,
    what: String,
    repaired: bool,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Level {
    /// As it should be after a crash or an interruption. Nothing has to be done.
    Note,
    /// Something cannot be read, or leads nowhere.
    Fault,
}

#[derive(Default, Serialize)]
struct Checked {
    platforms: usize,
    packages: usize,
    entries: usize,
    runs: usize,
}

/// The checks of one book.
struct Check<'a> {
    context: &'a Context,
    repair: bool,
    /// While a run is in progress, what it has not finished is no leftover.
    busy: bool,
    document: Document,
}

/// What mends a fault.
type Repair<'a> = &'a dyn Fn() -> Result<(), Failure>;

pub(super) fn run(context: &Context, arguments: &args::Fsck) -> Outcome {
    let document = Document { findings: Vec::new(), checked: Checked::default() };
    let mut check = Check { context, repair: arguments.repair, busy: false, document };
    // The runs come first: they tell whether the rest is being written.
    check.runs()?;
    check.locks();
    check.html();
    for platform in context.platforms()? {
        check.document.checked.platforms += 1;
        check.platform(&context.book.platform(&platform))?;
    }
    let document = check.document;
    let open = document.findings.iter().any(|finding| finding.level == Level::Fault && !finding.repaired);
    if context.json {
        output::json(&document)?;
    } else {
        output::text(&document.to_string())?;
    }
    Ok(if open { Status::Failed } else { Status::Done })
}

impl Check<'_> {
    fn find(&mut self, level: Level, path: &Path, what: impl Into<String>, repaired: bool) {
        self.document.findings.push(Finding { level, path: path.to_owned(), what: what.into(), repaired });
    }

    /// As [`find`](Check::find), for what can be mended, if it is to be. Why it could not be is part of what is found.
    fn find_and_repair(&mut self, level: Level, path: &Path, what: &str, repair: Option<Repair<'_>>) {
        match repair.filter(|_| self.repair).map(|repair| repair()) {
            None => self.find(level, path, what, false),
            Some(Ok(())) => self.find(level, path, what, true),
            Some(Err(why)) => {
                self.find(level, path, format!("{what}; it could not be repaired: {why}"), false);
            }
        }
    }

    fn runs(&mut self) -> Result<(), Failure> {
        let tree = self.context.book.logs();
        let run_log = self.context.run_log();
        let found = run_log.runs()?;
        self.document.checked.runs = found.runs.len();
        self.busy = found.runs.iter().any(|run| run.state == RunState::InProgress);
        for problem in &found.problems {
            self.find(Level::Fault, &tree.runs(), output::explained(problem), false);
        }
        for run in &found.runs {
            self.run(&run_log, &tree, &run.id, run.state);
        }
        self.latest(&run_log, &tree);
        self.leftovers(tree.path());
        // Runs that were being pruned.
        self.leftovers(&tree.runs());
        Ok(())
    }

    /// What publishers of documentation left. As long as it is there, no universe is collected.
    fn html(&mut self) {
        let html = self.context.book.html();
        for folder in [html.path().to_owned(), html.universes(), html.blessed()] {
            self.leftovers(&folder);
        }
        let packages = match std::fs::read_dir(html.blessed()) {
            Ok(packages) => packages,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            Err(error) => return self.find(Level::Fault, &html.blessed(), error.to_string(), false),
        };
        for package in packages.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
            self.leftovers(&package.path());
        }
    }

    fn run(&mut self, run_log: &RunLog, tree: &LogTree, id: &RunId, state: RunState) {
        let run = tree.run(id);
        let reads = [
            run_log.summary(id).err().map(|error| (run.summary(), output::explained(&error))),
            run_log.plan(id).err().map(|error| (run.plan(), output::explained(&error))),
            run_log.dag(id).err().map(|error| (run.dag(), output::explained(&error))),
        ];
        for (path, what) in reads.into_iter().flatten() {
            self.find(Level::Fault, &path, what, false);
        }
        let structure = run_log.dag_structure(id);
        let is_cut_off = structure.as_ref().is_ok_and(|structure| structure.cut_off);
        if is_cut_off && state != RunState::InProgress {
            // What is needed by a run that has finished, `gc` has to know until there is a later one.
            let level = if state == RunState::Finished { Level::Fault } else { Level::Note };
            self.find(level, &run.dag_structure(), "its end is missing", false);
        }
        let files = [
            (run.events(), run_log.events(id).map(|events| events.problems)),
            (run.dag_structure(), structure.map(|structure| structure.problems)),
        ];
        for (path, problems) in files {
            match problems {
                Ok(problems) => {
                    for problem in &problems {
                        self.find(Level::Fault, &path, problem.to_string(), false);
                    }
                }
                Err(error) => self.find(Level::Fault, &path, output::explained(&error), false),
            }
        }
        if state != RunState::InProgress {
            self.leftovers(run.path());
            self.leftovers(&run.build_logs());
            self.leftovers(&run.doc_logs());
        }
        if state == RunState::Interrupted {
            if run.progress().exists() {
                let what = "the run was interrupted, and its progress stayed";
                let repair = || Ok(progress::delete(run.path())?);
                self.find_and_repair(Level::Note, run.path(), what, Some(&repair));
            } else {
                self.find(Level::Note, run.path(), "the run was interrupted", false);
            }
        }
    }

    /// `latest` must name a finished run.
    fn latest(&mut self, run_log: &RunLog, tree: &LogTree) {
        let fault = match run_log.latest() {
            Ok(None) => return,
            Ok(Some(id)) => match run_log.state(&id) {
                Ok(RunState::Finished) => return,
                Ok(state) => format!("it names run {id}, which is {state}"),
                Err(error) => output::explained(&error),
            },
            Err(error) => output::explained(&error),
        };
        let newest = run_log.runs().ok().and_then(|found| {
            found.runs.into_iter().rev().find(|run| run.state == RunState::Finished).map(|run| run.id)
        });
        let repair = newest.map(|id| {
            let target = LogTree::latest_target(&id);
            move || Ok(replace_symlink(&target, &tree.latest(), Durability::Synced)?)
        });
        let repair = repair.as_ref().map(|repair| repair as Repair<'_>);
        self.find_and_repair(Level::Fault, &tree.latest(), &fault, repair);
    }

    fn locks(&mut self) {
        let folder = self.context.book.locks();
        let locks = BuildLocks::at(&folder);
        match locks.list_active() {
            Ok(active) => {
                for problem in &active.problems {
                    self.find(Level::Fault, &folder, output::explained(problem), false);
                }
            }
            Err(error) => self.find(Level::Fault, &folder, output::explained(&error), false),
        }
        if self.repair {
            match locks.cleanup_stale(Duration::ZERO, self.context.now) {
                Ok(cleaned) => {
                    for path in &cleaned.removed {
                        self.find(Level::Note, path, "a lock file that nobody held", true);
                    }
                    for problem in &cleaned.problems {
                        self.find(Level::Fault, &folder, output::explained(problem), false);
                    }
                }
                Err(error) => self.find(Level::Fault, &folder, output::explained(&error), false),
            }
        }
    }

    fn platform(&mut self, tree: &PlatformTree) -> Result<(), Failure> {
        self.leftovers(tree.path());
        let history = History::at(tree.packages());
        let listed = history.packages()?;
        for problem in &listed.problems {
            self.find(Level::Fault, tree.packages().path(), output::explained(problem), false);
        }
        for package in &listed.packages {
            self.document.checked.packages += 1;
            let path = tree.packages().history(package);
            if self.repair {
                self.set_aside(&history, package, &path);
            }
            match history.read(package) {
                Ok(reading) => {
                    self.document.checked.entries += reading.entries.len();
                    for problem in &reading.problems {
                        self.find(Level::Fault, &path, problem.to_string(), false);
                    }
                }
                Err(error) => self.find(Level::Fault, &path, output::explained(&error), false),
            }
            self.leftovers(&tree.packages().package(package));
        }
        self.index(tree);
        Ok(())
    }

    /// What crashes left in a history is moved to a file beside it, byte for byte.
    fn set_aside(&mut self, history: &History, package: &PackageId, path: &Path) {
        match history.set_broken_lines_aside(package) {
            Ok(done) if done.lines == 0 => {}
            Ok(done) => {
                let lines = if done.lines == 1 { "line" } else { "lines" };
                let what = format!("{} broken {lines} moved to history.unreadable", done.lines);
                self.find(Level::Fault, path, what, true);
            }
            Err(error) => self.find(Level::Fault, path, output::explained(&error), false),
        }
    }

    fn index(&mut self, tree: &PlatformTree) {
        match status_index::read(tree.path()) {
            Ok(Some(_)) => {}
            Ok(None) => self.find(
                Level::Note,
                &tree.status(),
                "there is no index; `buildbook index` makes one",
                false,
            ),
            Err(error) => {
                // One of a newer program is left to it.
                let too_new = matches!(error, status_index::Error::TooNew { .. });
                let context = self.context;
                let repair = || make_index(context, tree);
                let repair = (!too_new).then_some(&repair as Repair<'_>);
                self.find_and_repair(Level::Fault, &tree.status(), &output::explained(&error), repair);
            }
        }
    }

    /// What writers that died left in a folder.
    fn leftovers(&mut self, folder: &Path) {
        let found = match find_leftovers(folder) {
            Ok(found) => found,
            Err(error) => return self.find(Level::Fault, folder, output::explained(&error), false),
        };
        if found.is_empty() {
            return;
        }
        if self.repair {
            match recover(folder) {
                Ok(recovery) => {
                    for path in recovery.removed.iter().chain(&recovery.finished).chain(&recovery.restored) {
                        self.find(Level::Note, path, "left by a writer that died", true);
                    }
                    for problem in &recovery.problems {
                        self.find(Level::Fault, folder, output::explained(problem), false);
                    }
                }
                Err(error) => self.find(Level::Fault, folder, output::explained(&error), false),
            }
        } else if !self.busy {
            for leftover in found {
                // A folder that was put aside and whose target is missing is data out of its place.
                let displaced =
                    !leftover.target.exists() && leftover.role == buildbook::atomic_swap::Role::Old;
                let level = if displaced { Level::Fault } else { Level::Note };
                self.find(level, &leftover.path, "left by a writer that died", false);
            }
        }
    }
}

fn make_index(context: &Context, tree: &PlatformTree) -> Result<(), Failure> {
    let history = History::at(tree.packages());
    let run = super::standing::newest_run(context)?;
    let generated = status_index::generate(&history, &run, None, context.now)?;
    Ok(status_index::write(tree.path(), &generated.status, Durability::Synced)?)
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(["LEVEL", "", "PATH", "FINDING"]);
        for finding in &self.findings {
            table.row([
                match finding.level {
                    Level::Note => "note".to_owned(),
                    Level::Fault => "FAULT".to_owned(),
                },
                if finding.repaired { "repaired".to_owned() } else { String::new() },
                finding.path.display().to_string(),
                finding.what.clone(),
            ]);
        }
        if !table.is_empty() {
            write!(f, "{table}")?;
        }
        let faults =
            self.findings.iter().filter(|finding| finding.level == Level::Fault && !finding.repaired).count();
        let Checked { platforms, packages, entries, runs } = &self.checked;
        writeln!(
            f,
            "{runs} runs, {platforms} platforms, {packages} packages, {entries} entries: {}",
            match faults {
                0 => "the book is sound".to_owned(),
                1 => "1 fault".to_owned(),
                faults => format!("{faults} faults"),
            }
        )
    }
}
