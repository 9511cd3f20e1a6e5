//! The progress of a batch, for pollers.

use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use buildbook::layout::Timestamp;
use buildbook::progress::{self, Phase, Progress};
use buildbook::runlog::Run;

use crate::context::Context;
use crate::plan::Plan;

/// The least time between two writes: a batch of quick targets is not to be slowed down by its own progress.
const PAUSE: Duration = Duration::from_millis(200);

/// How often it is written when nothing has changed, so that a poller can tell a long build from a dead writer.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Keeps `progress.json` up to date from a thread of its own.
pub(super) struct ProgressKeeper<'a> {
    run_dir: &'a Path,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    progress: Progress,
    dirty: bool,
    closed: bool,
}

impl<'a> ProgressKeeper<'a> {
    /// Writes the first progress, which shows whether the run's folder can be written at all.
    pub(super) fn start(context: &Context, plan: &Plan, run: &'a Run) -> anyhow::Result<ProgressKeeper<'a>> {
        let start = context.now.format_local(context.utc_offset);
        let names = plan.targets.iter().map(|target| target.package.to_string());
        let total = plan.targets.len() as u64;
        let mut progress = Progress::create(run.id().clone(), start, names)
            .set_phase(Phase::Building)
            .set_solutions(total, 0)
            .set_build_total(total);
        progress::write(run.run_dir(), &mut progress, Timestamp::now())?;
        let state = State { progress, dirty: false, closed: false };
        Ok(ProgressKeeper { run_dir: run.run_dir(), state: Mutex::new(state), changed: Condvar::new() })
    }

    pub(super) fn targets_ended(&self, good: usize, bad: usize) {
        let (good, bad) = (good as u64, bad as u64);
        let mut state = self.lock();
        // In place: it has the name of every target, and a copy for each would take the square of their number.
        state.progress.build_completed += good + bad;
        if bad > 0 {
            *state.progress.build_failed.get_or_insert(0) += bad;
        }
        let is_known = std::mem::replace(&mut state.dirty, true);
        drop(state);
        if !is_known {
            self.changed.notify_all();
        }
    }

    /// Writes what changed, and a heartbeat, until [`ProgressKeeper::close`]. A write that fails is no reason to
    /// stop a batch: the histories are what counts, and the next write may succeed.
    pub(super) fn keep(&self) {
        let mut written = Instant::now();
        let mut state = self.lock();
        while !state.closed {
            let since = written.elapsed();
            let due = if state.dirty { PAUSE } else { HEARTBEAT };
            if since < due {
                state =
                    self.changed.wait_timeout(state, due - since).unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            let _ = progress::write(self.run_dir, &mut state.progress, Timestamp::now());
            state.dirty = false;
            written = Instant::now();
        }
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Takes the file away: it describes a run in flight.
    pub(super) fn remove(&self) {
        // One that stays does no harm: it tells how old it is, and the run says that it has ended.
        let _ = progress::delete(self.run_dir);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
