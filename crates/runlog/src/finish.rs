//! The end of a run.

use buildbook_atomic_swap::{replace_file, replace_symlink};
use buildbook_fsio::{Durability, sync_folder};
use buildbook_layout::{LogTree, RunId, Timestamp};

use crate::run::to_pretty_json;
use crate::{Counts, Error, Result, Run, RunLog, Summary};

/// So many seconds after the end of a run, others may have begun and ended before it switches `latest`.
const SWITCH_TAKES_AT_MOST: f64 = 600.0;

/// A run that could not be finished, handed back so that it can be tried again.
///
/// If there is a summary already, the run is finished; what was not done is to switch `latest`, or to make sure
/// that both survive a power cut.
#[derive(Debug, thiserror::Error)]
#[error("cannot finish the run {}", run.id())]
pub struct FinishFailed {
    /// The run, still locked.
    pub run: Run,
    /// Why it could not be finished.
    #[source]
    pub error: Error,
}

impl From<FinishFailed> for Error {
    fn from(failed: FinishFailed) -> Error {
        failed.error
    }
}

impl Run {
    /// Ends the run: writes `summary.json`, switches `latest` to the run, and gives the lock back.
    ///
    /// 1. `summary.json` is written beside its place, synced, renamed into it, and the folder of the run is
    ///    synced: from here on the run is finished.
    /// 2. The folder of all runs is synced.
    /// 3. `latest` is made beside its place and renamed into it, and its folder is synced.
    ///
    /// The process may die anywhere: `latest` names a finished run at every moment, this one or the one before.
    /// When this returns, both survive a power cut.
    ///
    /// Of several runs that last at the same time, `latest` names the one that began last among those that have
    /// finished, whichever ends last; at the same time of start, the one with the larger name. So the link
    /// is left alone when it names a finished run that began after this one. A run that began in what is the
    /// future to this one, as after a clock was set back, does not count; ten minutes after `now` are not the
    /// future yet, because time passes between the caller's look at the clock and the switch.
    ///
    /// # Errors
    ///
    /// [`FinishFailed`] hands the run back, also when the system does not let us read the run that `latest` names.
    pub fn finish_run(self, counts: Counts, now: Timestamp) -> std::result::Result<Summary, FinishFailed> {
        let summary = self.summarize(counts, now);
        match self.write_summary(&summary).and_then(|()| self.switch_latest(&summary)) {
            Ok(()) => {
                self.lock.release();
                Ok(summary)
            }
            Err(error) => Err(FinishFailed { run: self, error }),
        }
    }

    fn summarize(&self, counts: Counts, now: Timestamp) -> Summary {
        let Counts { targets_requested, packages_built, packages_failed, docs_generated, failures } = counts;
        Summary {
            run_id: self.id.clone(),
            start_time: self.start.as_unix_f64(),
            end_time: now.as_unix_f64(),
            duration: now.since(self.start).as_secs_f64(),
            targets_requested,
            packages_built,
            packages_failed,
            docs_generated,
            failures,
        }
    }

    fn write_summary(&self, summary: &Summary) -> Result<()> {
        replace_file(&self.tree.summary(), &to_pretty_json(summary), Durability::Synced)?;
        // A summary that is on the device is of no use if the name of its folder is not.
        sync_folder(&self.log.tree.runs())?;
        Ok(())
    }

    fn switch_latest(&self, summary: &Summary) -> Result<()> {
        // Whoever switches looks first, and nobody else does in between.
        let _turn = self.log.lock_latest()?;
        if let Some((id, newest)) = newest_finished(&self.log)?
            && stays_latest((&id, newest.start_time), (&self.id, summary.start_time), summary.end_time)
        {
            return Ok(());
        }
        let target = LogTree::latest_target(&self.id);
        replace_symlink(&target, &self.log.tree.latest(), Durability::Synced)?;
        Ok(())
    }
}

/// The run that `latest` names, if it names one that is finished. A link that does not is worth nothing, so
/// it makes no difference what is wrong with it. But when the system does not let us look, there may be a newer
/// run, and `latest` must not go back.
fn newest_finished(log: &RunLog) -> Result<Option<(RunId, Summary)>> {
    let found = log.latest().and_then(|latest| {
        let Some(id) = latest else { return Ok(None) };
        Ok(log.summary(&id)?.map(|summary| (id, summary)))
    });
    match found {
        Err(error @ Error::File(buildbook_fsio::Error::Io { .. })) => Err(error),
        Err(_) => Ok(None),
        Ok(found) => Ok(found),
    }
}

/// Whether `latest` stays with the run that it names when another one ends at `end`. Runs are compared by the
/// time of their start, in seconds of UTC, because names by the original are in local time.
fn stays_latest(named: (&RunId, f64), ending: (&RunId, f64), end: f64) -> bool {
    let ((named_id, named_start), (ending_id, ending_start)) = (named, ending);
    let is_newer = named_start > ending_start || (named_start == ending_start && named_id > ending_id);
    let is_possible = named_start <= end + SWITCH_TAKES_AT_MOST;
    is_newer && is_possible
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latest_stays_only_with_a_run_that_began_later() {
        let (a, b): (RunId, RunId) =
            ("2026-03-09-125444".parse().unwrap(), "2026-03-09-125444-002".parse().unwrap());
        let end = 100.0;
        let table = [
            ((&a, 20.0), (&b, 10.0), true, "began later"),
            ((&b, 10.0), (&a, 20.0), false, "began earlier, whatever its name"),
            ((&b, 10.0), (&a, 10.0), true, "began at the same time, second"),
            ((&a, 10.0), (&b, 10.0), false, "began at the same time, first"),
            ((&a, 10.0), (&a, 10.0), false, "is the same run"),
            ((&a, 101.0), (&b, 10.0), true, "began while this one was being finished"),
            ((&a, 1e9), (&b, 10.0), false, "began long after the end of this one"),
            ((&a, f64::NAN), (&b, 10.0), false, "began at no time"),
        ];
        for (named, ending, stays, what) in table {
            assert_eq!(stays_latest(named, ending, end), stays, "{what}");
        }
    }
}
