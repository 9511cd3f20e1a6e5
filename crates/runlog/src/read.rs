//! Reading the files of a run, ours and the original's.

use std::path::PathBuf;

use buildbook_fsio::read_file;
use buildbook_json::record;
use buildbook_layout::RunId;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::lines::read_lines;
use crate::{BadLine, Dag, Dated, DocDag, Error, Events, Logged, Node, Plan, Result, RunLog, Solve, Summary};

/// The largest file of one record that is read: a summary with half a million failures fits.
const LIMIT: u64 = 64 << 20;

/// Every node and what it needs, as far as the file can be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DagStructure {
    /// The nodes, in the order of the file.
    pub nodes: Vec<Node>,
    /// The lines that could not be understood. Of very many, the last one here says how many more there are.
    pub problems: Vec<BadLine>,
    /// Whether the file ends in the middle of a line; ours never do.
    pub cut_off: bool,
}

/// Each of these reads one file of one run, whoever wrote it and whether or not the run is over. Text that is
/// not UTF-8 is read as well as it can be, keys that are not known are passed over, of a key that is there twice
/// the first counts, and a whole number will do where a number with a fraction is expected. `None` means that the
/// file, or the run, is not there.
impl RunLog {
    /// Reads `plan.json`.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] when the file is not a plan, [`Error::File`] when it cannot be read.
    pub fn plan(&self, id: &RunId) -> Result<Option<Dated<Plan>>> {
        read_dated(self.tree.run(id).plan())
    }

    /// Reads `solve.json`.
    ///
    /// # Errors
    ///
    /// As [`RunLog::plan`].
    pub fn solve(&self, id: &RunId) -> Result<Option<Dated<Solve>>> {
        read_dated(self.tree.run(id).solve())
    }

    /// Reads `dag.json`.
    ///
    /// # Errors
    ///
    /// As [`RunLog::plan`].
    pub fn dag(&self, id: &RunId) -> Result<Option<Dated<Dag>>> {
        read_dated(self.tree.run(id).dag())
    }

    /// Reads `doc_dag.json`.
    ///
    /// # Errors
    ///
    /// As [`RunLog::plan`].
    pub fn doc_dag(&self, id: &RunId) -> Result<Option<Dated<DocDag>>> {
        read_dated(self.tree.run(id).doc_dag())
    }

    /// Reads `summary.json`.
    ///
    /// # Errors
    ///
    /// As [`RunLog::plan`].
    pub fn summary(&self, id: &RunId) -> Result<Option<Summary>> {
        read_record(self.tree.run(id).summary(), record)
    }

    /// Reads `dag_structure.jsonl`, line by line; no nodes when the file is not there.
    ///
    /// # Errors
    ///
    /// [`Error::File`] when the file cannot be read; bad lines are in [`DagStructure::problems`].
    pub fn dag_structure(&self, id: &RunId) -> Result<DagStructure> {
        let found = read_lines(&self.tree.run(id).dag_structure(), record)?;
        Ok(DagStructure { nodes: found.records, problems: found.problems, cut_off: found.cut_off })
    }

    /// Reads `build.jsonl`, line by line; no events when the file is not there.
    ///
    /// # Errors
    ///
    /// [`Error::File`] when the file cannot be read; bad lines are in [`Events::problems`].
    pub fn events(&self, id: &RunId) -> Result<Events> {
        // The time and the event are read one after the other: taking them apart while reading would keep all
        // keys in memory, those that are not known as well.
        let found = read_lines(&self.tree.run(id).events(), |text| {
            Ok(Logged { t: record::<Time>(text)?.t, event: record(text)? })
        })?;
        Ok(Events { events: found.records, problems: found.problems, cut_off: found.cut_off })
    }
}

/// The first part of [`Logged`].
#[derive(Deserialize)]
struct Time {
    #[serde(default)]
    t: String,
}

/// The first part of [`Dated`].
#[derive(Deserialize)]
struct Date {
    timestamp: String,
}

fn read_dated<T: DeserializeOwned>(path: PathBuf) -> Result<Option<Dated<T>>> {
    read_record(path, |text| Ok(Dated { timestamp: record::<Date>(text)?.timestamp, record: record(text)? }))
}

fn read_record<T>(path: PathBuf, parse: impl Fn(&str) -> buildbook_json::Result<T>) -> Result<Option<T>> {
    let Some(bytes) = read_file(&path, LIMIT)? else { return Ok(None) };
    match parse(&String::from_utf8_lossy(&bytes)) {
        Ok(record) => Ok(Some(record)),
        Err(source) => Err(Error::Corrupt { path, source }),
    }
}
