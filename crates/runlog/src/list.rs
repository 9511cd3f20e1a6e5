//! Which runs there are, and what became of them.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use buildbook_atomic_swap::{Recovery, recover};
use buildbook_fsio::{Probe, leads_nowhere, probe, read_note};
use buildbook_layout::{RunId, RunTree};
use serde::{Deserialize, Serialize};

use crate::{Error, Result, RunLog};

/// What became of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RunState {
    /// It has a summary.
    Finished,
    /// It has none yet, and its writer holds the lock.
    InProgress,
    /// It will have none: its writer is gone.
    Interrupted,
    /// It has neither a summary nor a lock that was ever held: it is by the original, which does not tell
    /// a run in progress from one that died, or it died in its first moment, or it begins right now.
    Unknown,
}

impl RunState {
    /// The state in words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            RunState::Finished => "finished",
            RunState::InProgress => "in progress",
            RunState::Interrupted => "interrupted",
            RunState::Unknown => "unknown",
        }
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A run, as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInfo {
    /// Its name.
    pub id: RunId,
    /// What became of it.
    pub state: RunState,
}

/// The runs of a folder.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Runs {
    /// The runs, oldest first.
    pub runs: Vec<RunInfo>,
    /// What is among the runs and is none, by name; then runs whose state could not be told, oldest first: they
    /// are listed as [`RunState::Unknown`].
    pub problems: Vec<Error>,
}

impl RunLog {
    /// Lists the runs, oldest first. A folder that is missing has none; one behind a link that leads nowhere cannot be
    /// read. Nothing is changed, and the locks are only looked at.
    ///
    /// # Errors
    ///
    /// [`Error::File`] when the folder cannot be read; what concerns one run is in [`Runs::problems`].
    pub fn runs(&self) -> Result<Runs> {
        let (ids, problems) = self.list()?;
        let mut found = Runs { runs: Vec::with_capacity(ids.len()), problems };
        for id in ids {
            let state = self.state(&id).unwrap_or_else(|error| {
                found.problems.push(error);
                RunState::Unknown
            });
            found.runs.push(RunInfo { id, state });
        }
        Ok(found)
    }

    /// What became of one run. The state is that of the moment; a run in progress can finish any time, but
    /// one that is finished or interrupted stays so.
    ///
    /// # Errors
    ///
    /// [`Error::File`] when its files cannot be looked at.
    pub fn state(&self, id: &RunId) -> Result<RunState> {
        let tree = self.tree.run(id);
        // The summary is looked for last: a writer that gives its lock back has written it before.
        let writer = writer_state(&tree);
        if is_file(&tree.summary())? { Ok(RunState::Finished) } else { writer }
    }

    /// Removes what writers that died left of files they were replacing: beside `latest`, in the runs
    /// that were interrupted or are of unknown state, and of runs that were being pruned. Runs themselves stay,
    /// and so does everything that a writer who is alive works on.
    ///
    /// # Errors
    ///
    /// [`Error::File`] when the folder of the runs cannot be read; what concerns one leftover or one folder
    /// is in [`Recovery::problems`].
    pub fn recover(&self) -> Result<Recovery> {
        let mut folders = vec![self.tree.path().to_owned(), self.tree.runs()];
        for run in self.runs()?.runs {
            if matches!(run.state, RunState::Interrupted | RunState::Unknown) {
                let tree = self.tree.run(&run.id);
                folders.extend([tree.path().to_owned(), tree.build_logs(), tree.doc_logs()]);
            }
        }
        let mut all = Recovery::default();
        for folder in folders {
            match recover(&folder) {
                Ok(mut one) => {
                    all.finished.append(&mut one.finished);
                    all.restored.append(&mut one.restored);
                    all.removed.append(&mut one.removed);
                    all.busy.append(&mut one.busy);
                    all.problems.append(&mut one.problems);
                }
                Err(error) => all.problems.push(error),
            }
        }
        Ok(all)
    }

    /// The names of the runs and what is not a run, both sorted.
    pub(crate) fn list(&self) -> Result<(Vec<RunId>, Vec<Error>)> {
        let folder = self.tree.runs();
        let unreadable =
            |source| buildbook_fsio::Error::Io { operation: "read the folder", path: folder.clone(), source };
        let entries = match fs::read_dir(&folder) {
            Err(error)
                if error.kind() == io::ErrorKind::NotFound
                    && ![self.tree.path(), folder.as_path()].into_iter().any(leads_nowhere) =>
            {
                return Ok(Default::default());
            }
            entries => entries.map_err(unreadable)?,
        };
        let (mut ids, mut odd) = (Vec::new(), Vec::new());
        for entry in entries {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name();
            // What begins with a dot is on its way in or out.
            if name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            match name.to_str().and_then(|name| name.parse().ok()) {
                Some(id) if is_folder => ids.push(id),
                _ => odd.push(entry.path()),
            }
        }
        ids.sort();
        odd.sort();
        Ok((ids, odd.into_iter().map(|path| Error::NotARun { path }).collect()))
    }
}

/// What the lock tells. The note is read first: only a writer that has the lock writes it, so if there is one
/// and the lock is free afterwards, its writer is gone.
fn writer_state(tree: &RunTree) -> Result<RunState> {
    let note = read_note(&tree.writer_lock(), 1)?;
    let was_held = note.is_some_and(|note| !note.is_empty());
    Ok(match probe(&tree.writer_lock())? {
        Probe::Held { .. } => RunState::InProgress,
        Probe::Free if was_held => RunState::Interrupted,
        _ => RunState::Unknown,
    })
}

fn is_file(path: &Path) -> Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(metadata.is_file()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => {
            Err(buildbook_fsio::Error::Io { operation: "look at", path: path.to_owned(), source }.into())
        }
    }
}
