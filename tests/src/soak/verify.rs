//! What must be true of a book when all its workers are dead.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use buildbook::atomic_swap::{find_leftovers, recover};
use buildbook::build_lock::{BuildLocks, list_active_layers};
use buildbook::fsio::{Lock, Probe, probe};
use buildbook::history::History;
use buildbook::layout::{Book, Timestamp};
use buildbook::runlog::{RunLog, RunState};
use serde_json::Value;
use walkdir::WalkDir;

use super::crew::Crew;
use super::marks::{self, BATCH, PACKAGES, package};
use super::read;

/// Looks at everything twice: as the dead left it, and after recovery.
pub(super) fn verify(crew: &Crew, program: Option<&Path>) -> Result<()> {
    let book = super::book(crew.root());
    let torn = entries(crew, &book)?;
    crew.ledger().figures.torn += torn;
    let orphans = everything(crew, &book).context("before recovery")?;
    crew.ledger().figures.orphans += orphans;
    locks_are_free(&book)?;
    if let Some(program) = program {
        fsck(program, &book)?;
    }
    for folder in super::folders(&book)? {
        let recovery = recover(&folder)?;
        ensure!(recovery.problems.is_empty() && recovery.busy.is_empty(), "{recovery:?}");
    }
    let recovery = RunLog::at(book.logs()).recover()?;
    ensure!(recovery.problems.is_empty() && recovery.busy.is_empty(), "{recovery:?}");
    let cleaned = BuildLocks::at(book.locks()).cleanup_stale(Duration::ZERO, Timestamp::now())?;
    ensure!(cleaned.kept.is_empty() && cleaned.problems.is_empty(), "{cleaned:?}");
    entries(crew, &book)?;
    everything(crew, &book).context("after recovery")?;
    nothing_is_left(&book)
}

/// Every acknowledged entry is there, and of each writer at most one append that was not acknowledged.
fn entries(crew: &Crew, book: &Book) -> Result<u64> {
    read::histories(crew, book)?;
    let history = History::at(marks::tree(book).packages());
    let mut torn = 0;
    for index in 0..PACKAGES {
        let found = marks::examine(&history.read(&package(index))?)?;
        let acknowledged = crew.ledger().entries_of(index);
        for (writer, count) in found.kept {
            let said = acknowledged.get(&writer).copied().unwrap_or(0);
            ensure!(count <= said + BATCH, "writer {writer} said {said} entries, and {count} are there");
        }
        torn += found.torn;
    }
    Ok(torn)
}

/// Gives the number of layers that have lost what they were built upon, and were made too slowly to judge.
fn everything(crew: &Crew, book: &Book) -> Result<u64> {
    read::status(crew, book)?;
    read::sites(crew, book)?;
    read::runs(crew, book)?;
    let log = RunLog::at(book.logs());
    let said = crew.ledger().runs.clone();
    for (id, facts) in &said {
        let state = log.state(id)?;
        ensure!(!facts.finished || state == RunState::Finished, "run {id} was finished, and is {state}");
        // One that said no more may have died after its summary.
        ensure!(state != RunState::InProgress && state != RunState::Unknown, "run {id} is {state}");
        let events = log.events(id)?;
        ensure!(events.problems.is_empty(), "the events of run {id}: {:?}", events.problems);
        let there = events.events.len() as u64;
        ensure!(
            there == facts.events || there == facts.events + 1,
            "run {id} had {} events, and {there} are there",
            facts.events
        );
    }
    marks::examine_parents(crew.root(), &marks::tree(book))
}

fn locks_are_free(book: &Book) -> Result<()> {
    let active = BuildLocks::at(book.locks()).list_active()?;
    ensure!(active.locks.is_empty() && active.problems.is_empty(), "{active:?}");
    let active = list_active_layers(marks::tree(book).path())?;
    ensure!(active.locks.is_empty() && active.problems.is_empty(), "{active:?}");
    for entry in WalkDir::new(book.path()) {
        let entry = entry?;
        if entry.file_type().is_file() {
            let found = probe(entry.path())?;
            ensure!(found == Probe::Free, "{} is locked: {found:?}", entry.path().display());
        }
    }
    for index in 0..PACKAGES {
        let path = marks::tree(book).packages().history(&package(index));
        if path.exists() {
            ensure!(Lock::try_acquire(&path)?.is_some(), "{} cannot be locked", path.display());
        }
    }
    Ok(())
}

fn nothing_is_left(book: &Book) -> Result<()> {
    for entry in WalkDir::new(book.path()) {
        let entry = entry?;
        if entry.file_type().is_dir() {
            let found = find_leftovers(entry.path())?;
            ensure!(found.is_empty(), "left after recovery: {found:?}");
        }
    }
    Ok(())
}

/// The program finds nothing but what kills leave, mends it, and is content then.
fn fsck(program: &Path, book: &Book) -> Result<()> {
    for finding in ask(program, book, &[])?.1 {
        let torn = finding["what"].as_str().unwrap_or_default().ends_with("it is cut off");
        ensure!(finding["level"] == "note" || torn, "fsck finds {finding}");
    }
    let (sound, findings) = ask(program, book, &["--repair"])?;
    ensure!(sound, "fsck --repair leaves {findings:?}");
    let (sound, findings) = ask(program, book, &[])?;
    ensure!(sound, "after fsck --repair, fsck finds {findings:?}");
    for finding in findings {
        let interrupted = finding["what"].as_str().unwrap_or_default().starts_with("the run was interrupted");
        let no_index = finding["what"].as_str().unwrap_or_default().starts_with("there is no index");
        ensure!(interrupted || no_index, "after fsck --repair, fsck finds {finding}");
    }
    Ok(())
}

/// Whether the book is sound, and what was found.
fn ask(program: &Path, book: &Book, options: &[&str]) -> Result<(bool, Vec<Value>)> {
    let mut command = Command::new(program);
    command.arg("--root").arg(book.path()).args(["--platform", "test-1", "--json", "fsck"]).args(options);
    let output = command.output().with_context(|| format!("cannot start {}", program.display()))?;
    let words = || String::from_utf8_lossy(&output.stderr).into_owned();
    let mut document: Value = serde_json::from_slice(&output.stdout).with_context(words)?;
    let Value::Array(findings) = document["findings"].take() else { bail!("fsck prints no findings") };
    Ok((output.status.success(), findings))
}
