//! Removing old runs with their logs.

use std::time::Duration;

use buildbook_atomic_swap::{Retired, retire};
use buildbook_fsio::{FolderLock, Taken};
use buildbook_layout::{RunId, Timestamp};

use crate::{Error, Result, RunInfo, RunLog, RunState};

/// Which runs are kept. A run goes only if every limit that is set lets it go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunRetention {
    /// The newest so many runs are kept.
    pub keep_newest: Option<usize>,
    /// Runs that began less than this long ago are kept.
    pub min_age: Option<Duration>,
}

/// What pruning removed.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Pruned {
    /// The runs that are gone, oldest first.
    pub removed: Vec<RunId>,
    /// Runs that could not be removed. The others were.
    pub problems: Vec<Error>,
}

impl RunLog {
    /// The runs that a retention lets go, oldest first. Nothing is changed.
    ///
    /// Whatever the limits, the run that `latest` names stays, and so does a run that is in progress or of which
    /// nobody knows whether it is. Without any limit set, every run stays.
    ///
    /// # Errors
    ///
    /// As [`RunLog::runs`] and [`RunLog::latest`]: as long as it is not known which run is the latest, none goes.
    pub fn prunable(&self, retention: &RunRetention, now: Timestamp) -> Result<Vec<RunId>> {
        if *retention == RunRetention::default() {
            return Ok(Vec::new());
        }
        let latest = self.latest()?;
        let runs = self.runs()?.runs;
        let newest = runs.len().saturating_sub(retention.keep_newest.unwrap_or(0));
        let may_go = |run: &RunInfo| {
            let is_over = matches!(run.state, RunState::Finished | RunState::Interrupted);
            let is_old = retention.min_age.is_none_or(|age| run.id.started() <= now.minus(age));
            is_over && is_old && latest.as_ref() != Some(&run.id)
        };
        Ok(runs.into_iter().take(newest).filter(may_go).map(|run| run.id).collect())
    }

    /// Removes the runs that a retention lets go, with their logs. Each disappears in one step; if the process
    /// dies, what is left of it has no name and goes with [`RunLog::recover`].
    ///
    /// # Errors
    ///
    /// As [`RunLog::prunable`]; what concerns one run is in [`Pruned::problems`].
    pub fn prune(&self, retention: &RunRetention, now: Timestamp) -> Result<Pruned> {
        let mut pruned = Pruned::default();
        let mut out_of_sight: Vec<(RunId, Retired)> = Vec::new();
        if !self.tree().path().is_dir() {
            return Ok(pruned);
        }
        // `latest` is not switched while this lock is held.
        let no_switch = FolderLock::acquire(self.tree().path())?;
        for id in self.prunable(retention, now)? {
            match self.take_out_of_sight(&id) {
                Ok(Some(retired)) => out_of_sight.push((id, retired)),
                Ok(None) => {}
                Err(error) => pruned.problems.push(error),
            }
        }
        drop(no_switch);
        for (id, retired) in out_of_sight {
            match retired.remove() {
                Ok(()) => pruned.removed.push(id),
                Err(error) => pruned.problems.push(error.into()),
            }
        }
        Ok(pruned)
    }

    /// `None` when somebody writes to the run after all, or it has gone.
    fn take_out_of_sight(&self, id: &RunId) -> Result<Option<Retired>> {
        let run = self.tree().run(id);
        match buildbook_fsio::Lock::try_acquire_existing(&run.writer_lock())? {
            Taken::Held => Ok(None),
            _lock => Ok(retire(run.path())?),
        }
    }
}
