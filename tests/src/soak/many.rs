//! Many at once: no kills, but as much contention as there can be.
#![expect(clippy::disallowed_methods, reason = "the signal has no contents")]

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use buildbook::history::History;
use buildbook::layout::Book;
use buildbook::runlog::{RunLog, RunState};

use super::crew::{Crew, Worker};
use super::marks::{self, PACKAGES, package};
use super::task::{Role, Task};
use super::{Figures, Start, go, read};

/// How long a case took, and what was done in it.
#[derive(Debug)]
pub struct Done {
    /// What was done.
    pub figures: Figures,
    /// How long it took.
    pub took: Duration,
}

/// Processes that each append so many times to the same histories, while one compacts and four threads read.
///
/// # Errors
///
/// What was lost, out of order or torn.
pub fn appends(root: &Path, start: &Start, processes: usize, each: u64) -> Result<Done> {
    let case = Case::new(root, start)?;
    case.beside(&[Role::Compact], read::histories, 4, |crew| {
        all_of(crew, Role::Append, processes, each)?;
        a_compaction(crew)
    })?;
    let (crew, book) = (&case.crew, super::book(root));
    read::histories(crew, &book)?;
    let history = History::at(marks::tree(&book).packages());
    for index in 0..PACKAGES {
        let found = marks::examine(&history.read(&package(index))?)?;
        ensure!(
            found.kept == crew.ledger().entries_of(index),
            "{} has other entries than it was said",
            package(index)
        );
        ensure!(
            found.torn == 0,
            "nobody was killed, and {} lines of {} are torn",
            found.torn,
            package(index)
        );
    }
    Ok(case.done())
}

/// Processes with so many threads each, all of which start a run in the same second at the same moment, and finish
/// it. All names differ, and `latest` names the last of them.
///
/// # Errors
///
/// What was not as it must be.
pub fn starts(root: &Path, start: &Start, processes: usize, threads: u64) -> Result<Done> {
    let case = Case::new(root, start)?;
    let starters = (0..processes).map(|slot| case.hire(Role::Start, slot, Some(threads)));
    let starters = starters.collect::<Result<Vec<Worker>>>()?;
    fs::write(go(root), "")?;
    starters.into_iter().try_for_each(Worker::wait)?;
    let log = RunLog::at(super::book(root).logs());
    let found = log.runs()?;
    let count = processes * usize::try_from(threads)?;
    ensure!(found.problems.is_empty() && found.runs.len() == count, "{count} were started: {found:?}");
    ensure!(found.runs.iter().all(|run| run.state == RunState::Finished), "all were finished: {found:?}");
    let names: Vec<_> = found.runs.iter().map(|run| run.id.clone()).collect();
    ensure!(
        names.iter().eq(case.crew.ledger().runs.keys()),
        "other runs were named than are there: {names:?}"
    );
    ensure!(log.latest()?.as_ref() == names.last(), "latest names {:?}", log.latest()?);
    Ok(case.done())
}

/// Processes that publish the same folder so many times each, while threads read all of it as fast as they can.
///
/// # Errors
///
/// A folder that was missing, or not one whole version.
pub fn swaps(root: &Path, start: &Start, publishers: usize, each: u64, readers: usize) -> Result<Done> {
    let case = Case::new(root, start)?;
    case.beside(&[], read::sites, readers, |crew| all_of(crew, Role::Publish, publishers, each))?;
    ensure!(
        marks::examine_folder(&super::shared_site(&super::book(root)))?.is_some(),
        "somebody publishes still"
    );
    Ok(case.done())
}

/// Processes that build layers or use those that are there, so many times each, while two others collect what was
/// not used for a moment.
///
/// # Errors
///
/// A layer that went while it was used, or that is not whole.
pub fn collections(root: &Path, start: &Start, builders: usize, each: u64) -> Result<Done> {
    let case = Case::new(root, start)?;
    case.beside(&[Role::Collect, Role::Collect], read::histories, 0, |crew| {
        all_of(crew, Role::Build, builders, each)
    })?;
    let tree = marks::tree(&super::book(root));
    marks::examine_parents(root, &tree)?;
    Ok(case.done())
}

struct Case<'a> {
    crew: Crew<'a>,
    begin: Instant,
}

impl<'a> Case<'a> {
    fn new(root: &Path, start: &'a Start<'a>) -> Result<Case<'a>> {
        fs::create_dir_all(marks::tree(&super::book(root)).path())?;
        Ok(Case { crew: Crew::new(root, start), begin: Instant::now() })
    }

    fn hire(&self, role: Role, slot: usize, steps: Option<u64>) -> Result<Worker> {
        hire(&self.crew, role, slot, steps)
    }

    /// Does something while workers and readers go on until it is done.
    fn beside(
        &self,
        roles: &[Role],
        look: fn(&Crew, &Book) -> Result<u64>,
        readers: usize,
        act: impl FnOnce(&Crew) -> Result<()>,
    ) -> Result<()> {
        let stop = AtomicBool::new(false);
        let crew = &self.crew;
        std::thread::scope(|scope| {
            for _ in 0..readers {
                scope.spawn(|| read::look(crew, look, &stop));
            }
            let done = self.act_beside(roles, act);
            stop.store(true, Ordering::Relaxed);
            done
        })?;
        let ledger = crew.ledger();
        ensure!(ledger.bad.is_empty(), "{}", ledger.bad.join("\n"));
        Ok(())
    }

    fn act_beside(&self, roles: &[Role], act: impl FnOnce(&Crew) -> Result<()>) -> Result<()> {
        let others =
            roles.iter().enumerate().map(|(place, role)| self.hire(*role, 1000 + place, Some(u64::MAX)));
        let others = others.collect::<Result<Vec<Worker>>>()?;
        act(&self.crew)?;
        for other in others {
            let role = other.task.role;
            ensure!(other.kill()?, "the worker {role:?} ended by itself");
        }
        Ok(())
    }

    fn done(self) -> Done {
        let figures = self.crew.ledger().figures.clone();
        Done { figures, took: self.begin.elapsed() }
    }
}

/// Waits for the first compaction: on a busy machine, the appends may all be done before it has its turn.
fn a_compaction(crew: &Crew) -> Result<()> {
    let begin = Instant::now();
    while crew.ledger().figures.compactions == 0 {
        ensure!(begin.elapsed() < Duration::from_secs(60), "nothing was compacted in a minute");
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

fn all_of(crew: &Crew, role: Role, processes: usize, steps: u64) -> Result<()> {
    let workers = (0..processes).map(|slot| hire(crew, role, slot, Some(steps)));
    workers.collect::<Result<Vec<Worker>>>()?.into_iter().try_for_each(Worker::wait)
}

fn hire(crew: &Crew, role: Role, slot: usize, steps: Option<u64>) -> Result<Worker> {
    crew.hire(Task { role, slot, writer: slot as u64 + 1, seed: slot as u64, steps })
}
