//! Every operation that writes, and what it needs.

use std::path::Path;
use std::time::Duration;

use buildbook::atomic_swap::{self, Swap, replace_file, replace_symlink, retire};
use buildbook::build_lock::{Holder, LockName};
use buildbook::fsio::Durability::{Cached, Synced};
use buildbook::gc::{execute_layers, execute_universes, touch_layer};
use buildbook::history::Retention;
use buildbook::progress;
use buildbook::runlog::{
    Counts, Dag, DocDag, Event, EventKind, EventStatus, Node, Plan, Run, RunRetention, Solve,
};
use buildbook::status_index;

use super::Failure;
use super::book::{OpenBook, long_entry, now};
use crate::{at, package};

/// What an operation cannot do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Needs {
    /// Room for contents.
    pub(super) bytes: bool,
    /// Room for another file, folder or link.
    pub(super) name: bool,
    /// A file that grows for ever.
    pub(super) long_file: bool,
    /// To open something.
    pub(super) descriptor: bool,
    /// The right to change what has a name.
    pub(super) right: bool,
}

const RIGHT: Needs = Needs { bytes: false, name: false, long_file: false, descriptor: true, right: true };
const NAME: Needs = Needs { name: true, ..RIGHT };
const FILE: Needs = Needs { bytes: true, ..NAME };
const LINE: Needs = Needs { bytes: true, long_file: true, ..RIGHT };
/// What is open already needs no right any more.
const OPEN_LINE: Needs = Needs { descriptor: false, right: false, ..LINE };

type Operation = fn(&OpenBook) -> Result<(), Failure>;

pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) needs: Needs,
    pub(super) operation: Operation,
}

const fn row(name: &'static str, needs: Needs, operation: Operation) -> Row {
    Row { name, needs, operation }
}

/// In an order in which each can be done, also twice.
pub(super) const ROWS: &[Row] = &[
    row("history: append", LINE, |book| {
        Ok(book.history.append(&package("a.1"), &long_entry("build-dddddddddddd")).map(drop)?)
    }),
    row("history: append, synced", LINE, |book| {
        Ok(book.history.append_synced(&package("a.1"), &long_entry("build-dddddddddddd")).map(drop)?)
    }),
    row("history: append several", LINE, |book| {
        Ok(book.history.append_all(&package("a.1"), &[long_entry("a"), long_entry("b")]).map(drop)?)
    }),
    row("history: append to a new one", FILE, |book| {
        Ok(book.history.append(&package("new.1"), &long_entry("build-dddddddddddd")).map(drop)?)
    }),
    row("history: compact", FILE, |book| {
        Ok(book.history.compact(&package("a.1"), &Retention::days(30), now()).map(drop)?)
    }),
    row("fsio: append", OPEN_LINE, |book| {
        let line = format!("{}\n", "x".repeat(9000));
        Ok(book.appender.borrow_mut().append(line.as_bytes(), Cached).map(drop)?)
    }),
    row("atomic-swap: replace a file", FILE, |book| {
        Ok(replace_file(&book.own("file"), &[b'n'; 9000], Synced)?)
    }),
    row("atomic-swap: replace a link", Needs { descriptor: false, ..NAME }, |book| {
        Ok(replace_symlink(Path::new("new"), &book.own("link"), Cached)?)
    }),
    row("atomic-swap: prepare a folder", NAME, |book| Ok(Swap::prepare(&book.own("another"))?.rollback()?)),
    row("atomic-swap: publish a folder", RIGHT, |book| {
        let Some(swap) = book.swap.take() else { return Ok(()) };
        swap.commit(Synced).map(drop).map_err(|failed| {
            book.swap.replace(failed.swap);
            failed.error.into()
        })
    }),
    row("atomic-swap: retire", Needs { descriptor: false, ..RIGHT }, |book| {
        // What is out of sight is recovery's business, which comes last.
        Ok(retire(&book.own("goes")).map(drop)?)
    }),
    row("runlog: start a run", FILE, |book| Ok(book.log.start_run(at("2026-03-10T12:54:44Z")).map(drop)?)),
    row("runlog: write the plan", FILE, |book| in_run(book, |run| run.write_plan(&Plan::default(), now()))),
    row("runlog: write the solution", FILE, |book| {
        in_run(book, |run| run.write_solve(&Solve::default(), now()))
    }),
    row("runlog: write the graph", FILE, |book| in_run(book, |run| run.write_dag(&Dag::default(), now()))),
    row("runlog: write the graph of documents", FILE, |book| {
        in_run(book, |run| run.write_doc_dag(&DocDag::default(), now()))
    }),
    row("runlog: write the structure of the graph", FILE, |book| {
        in_run(book, |run| {
            let node = Node { hash: "a".to_owned(), pkg: package("a.1"), deps: Vec::new() };
            run.write_dag_structure(&[node])
        })
    }),
    row("runlog: log a result", FILE, |book| {
        let hash = "build-".to_owned() + &"a".repeat(9000);
        let event = Event::new(EventKind::Build, package("a.1"), hash, EventStatus::Fail);
        in_run(book, |run| run.log_build_result(&event, now()))
    }),
    row("runlog: add a log", FILE, |book| {
        in_run(book, |run| run.add_build_log(&package("a.1"), &book.own("log")).map(drop))
    }),
    row("runlog: link a log", Needs { descriptor: false, ..NAME }, |book| {
        in_run(book, |run| run.link_doc_log(&package("a.1"), &book.own("log")).map(drop))
    }),
    row("progress: write", FILE, |book| {
        let run = book.run.borrow();
        let Some(run) = run.as_ref() else { return Ok(()) };
        Ok(progress::write(run.run_dir(), &mut book.progress.borrow_mut(), now())?)
    }),
    row("status-index: write", FILE, |book| Ok(status_index::write(book.tree.path(), &book.status, Synced)?)),
    row("build-lock: acquire", FILE, |book| {
        Ok(book.locks.acquire(&LockName::build(&package("b.1")), &Holder::since(now()))?.release()?)
    }),
    row("build-lock: say which layer", Needs { descriptor: false, right: false, ..RIGHT }, |book| {
        let mut held = book.held.borrow_mut();
        let Some(lock) = held.as_mut() else { return Ok(()) };
        Ok(lock.set_layer(&"build-cccccccccccc".parse()?)?)
    }),
    row("build-lock: remove a stale one", RIGHT, |book| {
        let cleaned = book.locks.cleanup_stale(Duration::ZERO, at("2100-01-01T00:00:00Z"))?;
        cleaned.problems.into_iter().next().map_or(Ok(()), |problem| Err(problem.into()))
    }),
    row("gc: touch a layer", NAME, |book| {
        let there = touch_layer(&book.tree, &"build-cccccccccccc".parse()?, now())?;
        assert!(there);
        Ok(())
    }),
    row("gc: collect", NAME, |book| {
        let result = execute_layers(&book.plan)?;
        result.problems.into_iter().next().map_or(Ok(()), |problem| Err(problem.into()))
    }),
    row("gc: collect universes", NAME, |book| {
        let result = execute_universes(&book.universes)?;
        result.problems.into_iter().next().map_or(Ok(()), |problem| Err(problem.into()))
    }),
    row("progress: delete", Needs { descriptor: false, ..RIGHT }, |book| {
        let run = book.run.borrow();
        Ok(run.as_ref().map_or(Ok(()), |run| progress::delete(run.run_dir()))?)
    }),
    row("runlog: finish a run", FILE, |book| {
        let Some(run) = book.run.take() else { return Ok(()) };
        run.finish_run(Counts::default(), now()).map(drop).map_err(|failed| {
            book.run.replace(Some(failed.run));
            failed.error.into()
        })
    }),
    row("runlog: prune", RIGHT, |book| {
        let retention = RunRetention { keep_newest: Some(0), min_age: None };
        let pruned = book.log.prune(&retention, at("2100-01-01T00:00:00Z"))?;
        pruned.problems.into_iter().next().map_or(Ok(()), |problem| Err(problem.into()))
    }),
    row("build-lock: release", Needs { descriptor: false, ..RIGHT }, |book| {
        book.held.take().map_or(Ok(()), |held| Ok(held.release()?))
    }),
    row("atomic-swap: recover", Needs { right: false, ..RIGHT }, |book| {
        let recovery = atomic_swap::recover(&book.root.join("own"))?;
        recovery.problems.into_iter().next().map_or(Ok(()), |problem| Err(problem.into()))
    }),
];

fn in_run(book: &OpenBook, work: impl FnOnce(&Run) -> buildbook::runlog::Result<()>) -> Result<(), Failure> {
    Ok(book.run.borrow().as_ref().map_or(Ok(()), work)?)
}
