//! Every book that something happened to, read by every reader of the libraries.

use std::collections::BTreeMap;
use std::path::Path;

use buildbook::atomic_swap::recover;
use buildbook::build_lock::{BuildLocks, list_active_layers};
use buildbook::gc::{self, Policy, Roots};
use buildbook::history::History;
use buildbook::layout::{Book, HtmlTree, Platform, PlatformTree};
use buildbook::runlog::{RunLog, RunState};
use buildbook::{progress, status_index};
use buildbook_tests::{Case, Part, Snapshot, case, cases};

use crate::{at, package};

/// The words of what each reader could not use, by the part of the book.
type Complaints = BTreeMap<Part, Vec<String>>;

fn complain(complaints: &mut Complaints, part: Part, words: impl ToString) {
    complaints.entry(part).or_default().push(words.to_string());
}

fn platform() -> Platform {
    "debian-12-x86_64".parse().unwrap()
}

/// How many entries each package has.
fn read_histories(tree: &PlatformTree, complaints: &mut Complaints) -> BTreeMap<String, usize> {
    let history = History::at(tree.packages());
    let mut entries = BTreeMap::new();
    let found = match history.packages() {
        Ok(found) => found,
        Err(error) => {
            complain(complaints, Part::Histories, error);
            return entries;
        }
    };
    found.problems.iter().for_each(|problem| complain(complaints, Part::Histories, problem));
    for package in found.packages {
        match history.read(&package) {
            Ok(reading) => {
                reading.problems.iter().for_each(|problem| complain(complaints, Part::Histories, problem));
                entries.insert(package.to_string(), reading.entries.len());
            }
            Err(error) => complain(complaints, Part::Histories, error),
        }
    }
    entries
}

fn read_runs(book: &Book, complaints: &mut Complaints) {
    let log = RunLog::at(book.logs());
    let found = log.runs().unwrap();
    found.problems.iter().for_each(|problem| complain(complaints, Part::Runs, problem));
    let mut note = |answer: Result<(), String>| {
        if let Err(words) = answer {
            complain(complaints, Part::Runs, words);
        }
    };
    fn refused<T>(answer: Result<T, impl std::error::Error>) -> Result<(), String> {
        answer.map(drop).map_err(|error| error.to_string())
    }
    note(refused(log.latest()));
    for run in &found.runs {
        note(refused(log.plan(&run.id)));
        note(refused(log.solve(&run.id)));
        note(refused(log.dag(&run.id)));
        note(refused(log.doc_dag(&run.id)));
        note(refused(log.summary(&run.id)));
        for problem in log.events(&run.id).unwrap().problems {
            note(Err(problem.to_string()));
        }
        for problem in log.dag_structure(&run.id).unwrap().problems {
            note(Err(problem.to_string()));
        }
    }
    for run in found.runs {
        if let Err(error) = progress::read(log.tree().run(&run.id).path()) {
            complain(complaints, Part::Progress, error);
        }
    }
}

fn read_locks(book: &Book, tree: &PlatformTree, complaints: &mut Complaints) {
    let builds = BuildLocks::at(book.locks()).list_active().unwrap();
    builds.problems.iter().for_each(|problem| complain(complaints, Part::Locks, problem));
    let layers = list_active_layers(tree.path()).unwrap();
    layers.problems.iter().for_each(|problem| complain(complaints, Part::Locks, problem));
    assert!(builds.locks.is_empty() && layers.locks.is_empty(), "nobody holds anything");
}

fn read_what_could_go(tree: &PlatformTree, html: &HtmlTree, complaints: &mut Complaints) {
    let (layers, universes) = gc::plan_all(tree, html, &Roots::new(), &Policy::default(), Case::now());
    match layers {
        Ok(plan) => plan.problems.iter().for_each(|problem| complain(complaints, Part::Layers, problem)),
        Err(error) => complain(complaints, Part::Layers, error),
    }
    match universes {
        Ok(plan) => plan.problems.iter().for_each(|problem| complain(complaints, Part::Html, problem)),
        Err(error) => complain(complaints, Part::Html, error),
    }
}

/// Reads everything, and gives the entries of each package and all that was said.
fn read(root: &Path) -> (BTreeMap<String, usize>, Complaints) {
    let book = Book::at(root);
    let tree = book.platform(&platform());
    let mut complaints = Complaints::new();
    let entries = read_histories(&tree, &mut complaints);
    read_runs(&book, &mut complaints);
    match status_index::inspect(tree.path()) {
        Ok(found) => {
            for problem in found.into_iter().flat_map(|found| found.problems) {
                complain(&mut complaints, Part::Status, problem);
            }
        }
        Err(error) => complain(&mut complaints, Part::Status, error),
    }
    read_locks(&book, &tree, &mut complaints);
    read_what_could_go(&tree, &book.html(), &mut complaints);
    (entries, complaints)
}

#[test]
fn every_case_is_read_as_it_promises_and_nothing_is_changed() {
    for case in cases() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("book");
        case.generate(&root).unwrap();
        let before = Snapshot::take(&root).unwrap();
        let (entries, complaints) = read(&root);
        for (package, least) in case.entries {
            let found = entries.get(*package);
            assert!(found >= Some(least), "{}: {package} has {found:?} entries: {complaints:?}", case.name);
        }
        for part in case.problems {
            assert!(complaints.contains_key(part), "{}: nothing is said about {part:?}", case.name);
        }
        if case.name == "sound" {
            assert!(complaints.is_empty(), "{complaints:?}");
        }
        let after = Snapshot::take(&root).unwrap();
        assert_eq!(
            before.differences(&after),
            Vec::<String>::new(),
            "{}: reading changed something",
            case.name
        );
    }
}

/// An index over a harmed book leaves out what cannot be read, and counts the rest.
#[test]
fn every_case_has_an_index() {
    for case in cases() {
        let folder = tempfile::tempdir().unwrap();
        case.generate(folder.path()).unwrap();
        let tree = Book::at(folder.path()).platform(&platform());
        let run = "2026-03-02-060000".parse().unwrap();
        let generated = status_index::generate(&History::at(tree.packages()), &run, None, Case::now());
        match generated {
            Ok(generated) => {
                let counted =
                    |name: &str| generated.standings.iter().any(|standing| standing.package.as_str() == name);
                for (package, least) in case.entries.iter().filter(|(_, least)| *least > 0) {
                    assert!(
                        counted(package),
                        "{}: {package}, which has {least} entries, is not counted",
                        case.name
                    );
                }
                assert!(generated.status.changes.is_sorted_by_key(|change| change.package.clone()));
            }
            Err(error) => assert_eq!(case.name, "packages_is_a_file", "{error}"),
        }
    }
}

fn generated(name: &str) -> (tempfile::TempDir, Book) {
    let folder = tempfile::tempdir().unwrap();
    case(name).unwrap().generate(folder.path()).unwrap();
    let book = Book::at(folder.path());
    (folder, book)
}

#[test]
fn runs_that_were_cut_off_are_listed_beside_those_that_ended() {
    let states = |name: &str| -> Vec<(String, RunState)> {
        let (_folder, book) = generated(name);
        let runs = RunLog::at(book.logs()).runs().unwrap().runs;
        runs.into_iter().map(|run| (run.id.to_string(), run.state)).collect()
    };
    let ended = ("2026-03-02-060000".to_owned(), RunState::Finished);
    for (name, state) in [
        ("run_without_summary", RunState::Unknown),
        ("empty_run", RunState::Unknown),
        ("torn_events", RunState::Unknown),
    ] {
        assert_eq!(states(name), [ended.clone(), ("2026-03-03-050000".to_owned(), state)], "{name}");
    }
    let names: Vec<String> = states("two_runs_in_one_second").into_iter().map(|(id, _)| id).collect();
    assert_eq!(names, ["2026-03-02-060000", "2026-03-02-060000-2", "2026-03-02-060000-010"]);
    let (_folder, book) = generated("torn_events");
    let events = RunLog::at(book.logs()).events(&"2026-03-03-050000".parse().unwrap()).unwrap();
    assert_eq!((events.events.len(), events.cut_off), (1, true));
}

/// The file of another program stays as it is, whatever its name sounds like; leftovers of ours go.
#[test]
fn recovery_removes_our_leftovers_and_nothing_else() {
    let tidy = |book: &Book| {
        let tree = book.platform(&platform());
        let mut folders =
            vec![tree.path().to_owned(), book.html().blessed().join("anvil"), book.html().universes()];
        folders.push(tree.packages().path().to_owned());
        folders.push(tree.packages().package(&package("basalt.0.9")));
        for folder in folders {
            let recovery = recover(&folder).unwrap();
            assert!(recovery.problems.is_empty() && recovery.busy.is_empty(), "{recovery:?}");
        }
        let recovery = RunLog::at(book.logs()).recover().unwrap();
        assert!(recovery.problems.is_empty(), "{recovery:?}");
        // A run that has a summary has no writer who could have left something.
        recover(book.logs().run(&"2026-03-02-060000".parse().unwrap()).path()).unwrap();
    };
    let (foreign, book) = generated("foreign_files");
    let before = Snapshot::take(foreign.path()).unwrap();
    tidy(&book);
    let differences = before.differences(&Snapshot::take(foreign.path()).unwrap());
    assert_eq!(differences, Vec::<String>::new());

    let (leftovers, book) = generated("leftovers");
    let (sound, _) = generated("sound");
    let (entries, complaints) = read(leftovers.path());
    assert_eq!(entries, read(sound.path()).0, "readers take no leftover for anything");
    // Until it is known what becomes of a publication, no universe can go.
    assert_eq!(complaints.keys().collect::<Vec<_>>(), [&Part::Html], "{complaints:?}");
    tidy(&book);
    let names = |folder: &Path| -> Vec<String> {
        let found = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter();
        let names =
            found.map(|entry| entry.unwrap().path().strip_prefix(folder).unwrap().display().to_string());
        // The original's name for a temporary file is not ours to remove.
        names.filter(|name| !name.ends_with("/history.jsonl.tmp")).collect()
    };
    assert_eq!(names(leftovers.path()), names(sound.path()));
}

/// C-A1: the original's recovery removed both copies. With its names, nobody knows which one is whole.
#[test]
fn a_publication_that_was_cut_off_loses_no_copy_and_no_universe() {
    let policy = Policy { min_age: std::time::Duration::ZERO, ..Policy::default() };
    let universe = "22222222222222222222222222222222";
    for (name, recovered) in [("half_finished_swap", true), ("half_finished_swap_v1", false)] {
        let (folder, book) = generated(name);
        let html = book.html();
        assert!(gc::gc_universes(&html, &policy, at("2100-01-01T00:00:00Z")).is_err(), "{name}");
        assert!(html.universes().join(universe).is_dir(), "{name}");
        let before = Snapshot::take(folder.path()).unwrap();
        let anvil = html.blessed().join("anvil");
        let recovery = recover(&anvil).unwrap();
        if recovered {
            assert_eq!(recovery.finished, [anvil.join("1.2.0")]);
            let page = std::fs::read_to_string(anvil.join("1.2.0/doc/index.html")).unwrap();
            assert_eq!(page, "<title>anvil, rebuilt</title>\n");
            let referenced = gc::collect_referenced_universes(&html).unwrap();
            assert_eq!(referenced.iter().map(ToString::to_string).collect::<Vec<_>>(), [universe]);
        } else {
            assert!(recovery.is_clean());
            let differences = before.differences(&Snapshot::take(folder.path()).unwrap());
            assert_eq!(differences, Vec::<String>::new());
        }
    }
}
