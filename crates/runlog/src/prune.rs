//! Removing old runs with their logs.

use std::time::Duration;

use buildbook_atomic_swap::{Retired, retire};
use buildbook_fsio::{Probe, probe, sync_folder};
use buildbook_layout::{RunId, Timestamp};

use crate::{Error, Result, RunInfo, RunLog, RunState};

/// Which runs are kept. A run goes only if every limit that is set lets it go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunRetention {
    /// The newest so many runs are kept.
    pub keep_newest: Option<usize>,
    /// Runs that began less than this long ago are kept. The name of a run says when it began, and so does the
    /// summary, which knows better if the name is in local time; the later of the two counts.
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
            is_over
                && latest.as_ref() != Some(&run.id)
                && retention.min_age.is_none_or(|age| self.began_before(run, now.minus(age)))
        };
        Ok(runs.into_iter().take(newest).filter(may_go).map(|run| run.id).collect())
    }

    /// Whether a run began before a time, by its name and by its summary. Only the original names runs in local
    /// time, and of its runs only finished ones are known to be over.
    fn began_before(&self, run: &RunInfo, limit: Timestamp) -> bool {
        run.id.started() <= limit
            && match self.summary(&run.id) {
                Ok(Some(summary)) => summary.started().is_none_or(|started| started <= limit),
                _ => true,
            }
    }

    /// Removes the runs that a retention lets go, with their logs. Each disappears in one step, and before
    /// anything in it is removed this is on the device: after the death of the process or a power cut, a run is
    /// whole or has no name, and what has none goes with [`RunLog::recover`].
    ///
    /// # Errors
    ///
    /// As [`RunLog::prunable`]; what concerns one run is in [`Pruned::problems`].
    pub fn prune(&self, retention: &RunRetention, now: Timestamp) -> Result<Pruned> {
        let mut pruned = Pruned::default();
        let mut out_of_sight: Vec<(RunId, Retired)> = Vec::new();
        if !self.tree().runs().is_dir() {
            return Ok(pruned);
        }
        // `latest` is not switched while this lock is held.
        let no_switch = self.lock_latest()?;
        for id in self.prunable(retention, now)? {
            match self.take_out_of_sight(&id) {
                Ok(Some(retired)) => out_of_sight.push((id, retired)),
                Ok(None) => {}
                Err(error) => pruned.problems.push(error),
            }
        }
        drop(no_switch);
        if out_of_sight.is_empty() {
            return Ok(pruned);
        }
        if let Err(error) = sync_folder(&self.tree().runs()) {
            pruned.problems.push(error.into());
            return Ok(pruned);
        }
        for (id, retired) in out_of_sight {
            match retired.remove() {
                Ok(()) => pruned.removed.push(id),
                Err(error) => pruned.problems.push(error.into()),
            }
        }
        Ok(pruned)
    }

    /// `None` when its writer is alive after all, or it has gone.
    fn take_out_of_sight(&self, id: &RunId) -> Result<Option<Retired>> {
        let run = self.tree().run(id);
        // A look is enough, and unlike taking the lock it does not make a dead run seem alive: only the start of a
        // run takes its lock, so that a writer which is gone does not come back.
        match probe(&run.writer_lock())? {
            Probe::Held { .. } => Ok(None),
            _ => Ok(retire(run.path())?),
        }
    }
}
