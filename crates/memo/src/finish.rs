//! Ending a build.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use buildbook_guard::FileId;

use crate::memo::{Memo, Wait};
use crate::op::{OpId, Status};
use crate::report::{FailedTask, Report, Unfinished};
use crate::{Error, Feedback};

impl Memo {
    /// Brings the build to its end, and says how it ended.
    ///
    /// 1. It is stirred until nothing moves any more.
    /// 2. Files that operations wait for and nobody makes, and circles of operations, are given up: what waits for
    ///    them is aborted, and tasks are told. This may make new work: back to 1.
    /// 3. Future values that nobody set are abandoned, and who waits for them is told: back to 1.
    /// 4. Tasks that still wait, for something that the memo knows nothing of, are dropped.
    /// 5. The files from which something was made, or that were used more than once, are looked at once more: see
    ///    [`Report::changed`].
    ///
    /// More can be asked of the memo afterwards; a later report covers everything from the beginning.
    pub fn finish(&mut self) -> Report {
        let mut report = Report::default();
        loop {
            self.stir(Wait::Block);
            if !self.give_up_operations() && !self.inner().promises.abandon_open() && !self.give_up_tasks() {
                break;
            }
        }
        report.cancelled = self.inner().shared.groups.is_cancelled();
        if !report.cancelled {
            let threads = self.inner().settings.file_threads.get();
            let state = self.inner().state.borrow();
            let path_of = |file| state.path(file).to_owned();
            report.changed = self.inner().shared.contents.changed(threads, path_of);
        }
        self.keep_up();
        report.abandoned = self.inner().promises.abandoned();
        self.list(&mut report);
        report
    }

    /// Gives up what operations wait for in vain.
    fn give_up_operations(&self) -> bool {
        let is_cancelled = self.inner().shared.groups.is_cancelled();
        let mut state = self.inner().state.borrow_mut();
        let (files, circles): (Vec<FileId>, Vec<Vec<OpId>>) = state.stuck();
        for file in &files {
            let path: PathBuf = state.path(*file).to_owned();
            // In a build that was cancelled, who would have asked for the file may not have had its turn.
            let cause =
                if is_cancelled { Error::Cancelled } else { Error::NeverReady { path: path.clone() } };
            state.give_up(*file, cause);
            if !is_cancelled {
                state.never_ready.push(path);
            }
        }
        for members in &circles {
            state.break_circle(members);
            state.cycles.push(members.clone());
        }
        !files.is_empty() || !circles.is_empty()
    }

    /// Gives up tasks that wait for something else.
    fn give_up_tasks(&self) -> bool {
        let tasks = self.inner().state.borrow_mut().tasks.take_all();
        let is_any = !tasks.is_empty();
        for task in tasks {
            let created = task.created.to_string();
            let error = Error::Stuck { created: created.clone() };
            let _ = catch_unwind(AssertUnwindSafe(|| drop(task)));
            self.inner().state.borrow_mut().failed_tasks.push((created, error));
        }
        is_any
    }

    /// Leaves what was learned to later builds, and removes the staging area, unless others share them.
    fn keep_up(&mut self) {
        let shared = &self.inner().shared;
        if !shared.is_cache_shared {
            let remembered = shared.cache.remember(&shared.known);
            let ended = shared.cache.end_session();
            for error in [remembered.err(), ended.err()].into_iter().flatten() {
                self.inner().state.borrow_mut().tell(|| Feedback::Upkeep { error });
            }
        }
        self.stir(Wait::Not);
    }

    fn list(&self, report: &mut Report) {
        let state = self.inner().state.borrow();
        for id in state.ids() {
            let (list, error) = match state.status(id) {
                Status::Failed(Error::Cancelled) => (&mut report.aborted, Error::Cancelled),
                Status::Failed(error) => (&mut report.failed, error),
                Status::Aborted(error) => (&mut report.aborted, error),
                Status::Waiting | Status::Executed | Status::Revived => continue,
            };
            list.push(Unfinished { op: state.op(id), error });
        }
        report.missing_tools.clone_from(&state.missing_tools);
        report.never_ready.clone_from(&state.never_ready);
        report.cycles =
            state.cycles.iter().map(|members| members.iter().map(|id| state.op(*id)).collect()).collect();
        let failed = state.failed_tasks.iter();
        report.tasks = failed
            .map(|(created, error)| FailedTask { created: created.clone(), error: error.clone() })
            .collect();
    }
}
