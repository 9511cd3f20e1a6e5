//! A run that is being written.

use std::path::Path;

use buildbook_atomic_swap::{replace_file, replace_file_with};
use buildbook_fsio::{Durability, Lock, MAX_LINE_BYTES, append_lines};
use buildbook_layout::{RunId, RunTree, Timestamp};
use serde::Serialize;

use crate::{Dag, Dated, DocDag, Error, Event, Logged, Node, Plan, Result, RunLog, Solve};

/// A run that is being written. Threads may share it by reference.
///
/// It keeps the run's `writer.lock` locked. Dropped without [`Run::finish_run`], it leaves a run without a
/// summary, whose state is [`Interrupted`](crate::RunState::Interrupted), exactly as if the process had died.
#[derive(Debug)]
#[must_use = "the run is taken for interrupted when this value is dropped without `finish_run`"]
pub struct Run {
    pub(crate) log: RunLog,
    pub(crate) id: RunId,
    pub(crate) tree: RunTree,
    pub(crate) start: Timestamp,
    pub(crate) lock: Lock,
}

impl Run {
    /// The name of the run.
    #[doc(alias = "get_id")]
    #[must_use]
    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// The folder of the run.
    #[doc(alias = "get_run_dir")]
    #[must_use]
    pub fn run_dir(&self) -> &Path {
        self.tree.path()
    }

    /// Where the files of the run are.
    #[must_use]
    pub fn tree(&self) -> &RunTree {
        &self.tree
    }

    /// When the run began.
    #[doc(alias = "get_start_time")]
    #[must_use]
    pub fn start_time(&self) -> Timestamp {
        self.start
    }

    /// Writes what was asked for, `plan.json`, or replaces it.
    ///
    /// This and the other functions that write a record replace the file in one step; the death of the process
    /// loses nothing once they return, a power cut may.
    ///
    /// # Errors
    ///
    /// [`Error::Replace`], as for the other records; what stood there stands there still.
    pub fn write_plan(&self, plan: &Plan, now: Timestamp) -> Result<()> {
        self.write_dated(&self.tree.plan(), plan, now)
    }

    /// Writes how many targets could be solved, `solve.json`. See [`Run::write_plan`].
    ///
    /// # Errors
    ///
    /// As [`Run::write_plan`].
    pub fn write_solve(&self, solve: &Solve, now: Timestamp) -> Result<()> {
        self.write_dated(&self.tree.solve(), solve, now)
    }

    /// Writes how many builds there are, `dag.json`. See [`Run::write_plan`].
    ///
    /// # Errors
    ///
    /// As [`Run::write_plan`].
    pub fn write_dag(&self, dag: &Dag, now: Timestamp) -> Result<()> {
        self.write_dated(&self.tree.dag(), dag, now)
    }

    /// Writes how many nodes there are with documentation, `doc_dag.json`. See [`Run::write_plan`].
    ///
    /// # Errors
    ///
    /// As [`Run::write_plan`].
    pub fn write_doc_dag(&self, dag: &DocDag, now: Timestamp) -> Result<()> {
        self.write_dated(&self.tree.doc_dag(), dag, now)
    }

    /// Writes every node and what it needs, `dag_structure.jsonl`. See [`Run::write_plan`].
    ///
    /// # Errors
    ///
    /// As [`Run::write_plan`].
    pub fn write_dag_structure(&self, nodes: &[Node]) -> Result<()> {
        replace_file_with(&self.tree.dag_structure(), Durability::Cached, |file| {
            for node in nodes {
                serde_json::to_writer(&mut *file, node)?;
                file.write_all(b"\n")?;
            }
            Ok(())
        })?;
        Ok(())
    }

    /// Adds a line to the run's own `build.jsonl`.
    ///
    /// When it returns, readers see the line, whole, and the death of the process does not lose it; a power
    /// cut may. Threads may call it at the same time. A line that an earlier death cut off is closed first.
    ///
    /// # Errors
    ///
    /// [`Error::EventTooLong`] when readers would not accept the line; [`Error::File`] with the system's answer.
    /// When the disk is full, nothing of the line stays, and later calls work again.
    pub fn log_build_result(&self, event: &Event, now: Timestamp) -> Result<()> {
        self.log_build_results(std::slice::from_ref(event), now)
    }

    /// Adds a line for each event, in one write. See [`Run::log_build_result`]. Without events nothing is done.
    ///
    /// # Errors
    ///
    /// As [`Run::log_build_result`]; none of the lines is in the file then.
    pub fn log_build_results(&self, events: &[Event], now: Timestamp) -> Result<()> {
        let path = self.tree.events();
        let t = self.log.format_time(now);
        let mut lines = Vec::new();
        for event in events {
            let start = lines.len();
            serde_json::to_writer(&mut lines, &Logged { t: t.clone(), event: event.clone() }).expect(JSON);
            let bytes = lines.len() - start;
            if bytes > MAX_LINE_BYTES {
                return Err(Error::EventTooLong { path, bytes, limit: MAX_LINE_BYTES });
            }
            lines.push(b'\n');
        }
        if !lines.is_empty() {
            append_lines(&path, &lines, Durability::Cached)?;
        }
        Ok(())
    }

    fn write_dated(&self, path: &Path, record: &impl Serialize, now: Timestamp) -> Result<()> {
        let dated = Dated { timestamp: self.log.format_time(now), record };
        replace_file(path, &to_pretty_json(&dated), Durability::Cached)?;
        Ok(())
    }
}

/// Why no record fails to be written to memory.
const JSON: &str = "records of words and numbers have a JSON form";

/// Spread over lines, and without one at the end, as the original writes files of one record.
pub(crate) fn to_pretty_json(record: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec_pretty(record).expect(JSON)
}
