//! Readers that look while others write and die.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result, ensure};
use buildbook::history::{History, Reason};
use buildbook::layout::Book;
use buildbook::runlog::{RunLog, RunState};
use buildbook::{progress, status_index};

use super::crew::Crew;
use super::marks::{self, PACKAGES, package};

/// What a reader does over and over; it tells how much it has read.
type Look = fn(&Crew, &Book) -> Result<u64>;

/// The readers that go on while processes are killed.
pub(super) const ALL: [Look; 2] = [histories, everything_else];

/// Looks until it is told to stop, or until something is not as it must be.
pub(super) fn look(crew: &Crew, look: Look, stop: &AtomicBool) {
    let book = super::book(crew.root());
    while !stop.load(Ordering::Relaxed) {
        match look(crew, &book) {
            Ok(reads) => crew.ledger().figures.reads += reads,
            Err(error) => return crew.ledger().complain(format!("a reader: {error:#}")),
        }
        std::thread::yield_now();
    }
}

/// What was acknowledged before a reading began is in it.
pub(super) fn histories(crew: &Crew, book: &Book) -> Result<u64> {
    let history = History::at(marks::tree(book).packages());
    for index in 0..PACKAGES {
        let (acknowledged, chaff) = {
            let ledger = crew.ledger();
            (ledger.entries_of(index), ledger.chaff.clone())
        };
        let found =
            marks::examine(&history.read(&package(index))?).with_context(|| package(index).to_string())?;
        for (writer, count) in acknowledged {
            let seen = found.kept.get(&writer).copied().unwrap_or(0);
            ensure!(
                seen >= count,
                "{}: of writer {writer}, {count} entries were acknowledged and {seen} are there",
                package(index)
            );
        }
        for ((_, slot), mark) in chaff.into_iter().filter(|((package, _), _)| *package == index) {
            ensure!(
                found.chaff.get(&slot) >= Some(&mark),
                "{}: the newest entry of slot {slot} is {:?}, not {mark:?}",
                package(index),
                found.chaff.get(&slot)
            );
        }
        let newest = history.newest(&package(index), 20)?;
        let torn = |problem: &buildbook::history::Problem| problem.reason == Reason::CutOff;
        ensure!(newest.problems.iter().all(torn), "from the end: {:?}", newest.problems);
        history.read_blessed(&package(index))?;
    }
    Ok(3 * PACKAGES as u64)
}

fn everything_else(crew: &Crew, book: &Book) -> Result<u64> {
    Ok(status(crew, book)? + sites(crew, book)? + runs(crew, book)?)
}

pub(super) fn status(crew: &Crew, book: &Book) -> Result<u64> {
    let before = crew.ledger().status;
    let found = status_index::inspect(marks::tree(book).path())?;
    let mark = match &found {
        Some(found) => {
            ensure!(found.problems.is_empty(), "status: {:?}", found.problems);
            Some(marks::examine_status(&found.status)?)
        }
        None => None,
    };
    ensure!(mark >= before, "status {before:?} was acknowledged, and it is {mark:?}");
    Ok(1)
}

pub(super) fn sites(crew: &Crew, book: &Book) -> Result<u64> {
    let (sites, shared) = {
        let ledger = crew.ledger();
        (ledger.sites.clone(), ledger.shared_site)
    };
    let mut reads = 0;
    for (slot, before) in sites {
        if let Some(mark) = marks::examine_folder(&super::site(book, slot))? {
            ensure!(mark >= before, "site {slot}: {before:?} was acknowledged, and it is {mark:?}");
            reads += 1;
        }
    }
    if shared && marks::examine_folder(&super::shared_site(book))?.is_some() {
        reads += 1;
    }
    Ok(reads)
}

pub(super) fn runs(crew: &Crew, book: &Book) -> Result<u64> {
    let log = RunLog::at(book.logs());
    let (any_finished, watched) = {
        let ledger = crew.ledger();
        (ledger.runs.values().any(|run| run.finished), ledger.in_progress.clone())
    };
    match log.latest()? {
        Some(id) => {
            ensure!(log.state(&id)? == RunState::Finished, "latest names run {id}, which is not finished");
            let summary = log.summary(&id)?.context("a finished run has a summary")?;
            ensure!(summary.run_id == id, "the summary of run {id} is of run {}", summary.run_id);
        }
        None => ensure!(!any_finished, "there is no latest"),
    }
    for id in &watched {
        if let Some(found) = progress::read(log.tree().run(id).path())? {
            ensure!(
                found.run_id == *id && found.build_total == found.targets.len() as u64,
                "the progress of run {id} is not of one piece"
            );
        }
        log.plan(id)?.with_context(|| format!("run {id} had a plan before its progress"))?;
        let acknowledged = crew.ledger().runs.get(id).map_or(0, |run| run.events);
        let events = log.events(id)?;
        ensure!(events.problems.is_empty(), "the events of run {id}: {:?}", events.problems);
        ensure!(events.events.len() as u64 >= acknowledged, "run {id} has lost events");
    }
    Ok(2 + watched.len() as u64)
}
