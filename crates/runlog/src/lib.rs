//! A build run from start to summary.
//!
//! [`RunLog`] names the folder that has all runs; it is a plain value, and there may be several. A
//! [`Run`] is one that is being written: [`RunLog::start_run`] gives it a folder of its own, and
//! [`Run::finish_run`] ends it with a [`Summary`] and switches the link `latest` to it. In between, the run
//! keeps what was asked for ([`Plan`], [`Solve`], [`Dag`], [`DocDag`], [`Node`]), what happened, a line each
//! ([`Event`]), and the logs. Anybody may read all of it at any time: files that are replaced are
//! replaced in one step, and the events are whole lines.
//!
//! | file | when | what survives |
//! |---|---|---|
//! | `writer.lock` | from the start on | the kernel lock tells whether the writer lives |
//! | `plan.json`, `solve.json`, `dag.json`, `doc_dag.json`, `dag_structure.jsonl` | as they are known | replaced in one step, not synced |
//! | `build.jsonl` | a line per result | each line is there when the call returns, not synced |
//! | `build/<package>.log`, `docs/<package>.log`, `docs/<package>.<layer>.log` | as they are added | replaced in one step, not synced |
//! | `summary.json`, and `latest` beside the runs | at the end | replaced in one step and synced |
//!
//! Not synced means that the death of the process loses nothing, and that a power cut may lose the last
//! seconds. Once a summary is written, the run exists in spite of power cuts.
//!
//! The formats are those of the original, and its runs are read like our own; what it does not write is
//! said at the fields. Times without a zone are local, as dashboards expect them: [`RunLog::with_utc_offset`]
//! says what local means.
//!
//! # What this crate does not do
//!
//! It counts nothing and decides nothing: counts, categories and errors are what the caller says. It removes
//! no run unasked: [`RunLog::prune`] does, within a [`RunRetention`]. How far a run is at this moment is in
//! `progress.json`, which belongs to `buildbook-progress`.
//!
//! # Example
//!
//! ```
//! use buildbook_layout::{LogTree, Timestamp};
//! use buildbook_runlog::{Counts, Event, EventKind, EventStatus, RunLog, RunState};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let log = RunLog::at(LogTree::at(folder.path()));
//! let start = Timestamp::parse("2026-03-09T12:54:44Z")?;
//! let run = log.start_run(start)?;
//! assert_eq!(run.id().as_str(), "2026-03-09-125444");
//!
//! let package = "astring.0.8.5".parse()?;
//! std::fs::write(folder.path().join("layer.log"), "all good\n")?;
//! assert!(run.add_build_log(&package, &folder.path().join("layer.log"))?);
//! let hash = "0123456789abcdef0123456789abcdef";
//! run.log_build_result(&Event::new(EventKind::Build, package, hash, EventStatus::Ok), start)?;
//! assert_eq!(log.state(run.id())?, RunState::InProgress);
//!
//! let counts = Counts { targets_requested: 1, packages_built: 1, ..Counts::default() };
//! let summary = run.finish_run(counts, Timestamp::parse("2026-03-09T12:55:14Z")?)?;
//! assert_eq!(summary.duration, 30.0);
//!
//! let latest = log.resolve("latest")?;
//! assert_eq!(log.state(&latest)?, RunState::Finished);
//! assert_eq!(log.summary(&latest)?, Some(summary));
//! assert_eq!(log.events(&latest)?.results().len(), 1);
//! # Ok(())
//! # }
//! ```

mod error;
mod event;
mod finish;
mod lines;
mod list;
mod logs;
mod prune;
mod read;
mod record;
mod run;
mod select;
mod start;
mod words;

pub use error::Error;
pub use event::{Event, Events, Logged};
pub use finish::FinishFailed;
pub use lines::BadLine;
pub use list::{RunInfo, RunState, Runs};
pub use prune::{Pruned, RunRetention};
pub use read::DagStructure;
pub use record::{Counts, Dag, Dated, DocDag, Failure, Node, Plan, Repo, Solve, Summary};
pub use run::Run;
pub use start::RunLog;
pub use words::{EventKind, EventStatus, Via};

/// The result of an operation on runs.
pub type Result<T> = std::result::Result<T, Error>;
