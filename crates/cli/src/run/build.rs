//! Seeing one target through: lock, look for its layer, run its command, publish its layer.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use buildbook::atomic_swap::{Durability, Swap};
use buildbook::batch_util::{self, Exit};
use buildbook::build_lock::{BuildLock, BuildLocks, Holder, LockName};
use buildbook::fsio;
use buildbook::layout::{LayerTree, PlatformTree, Timestamp};
use buildbook::runlog::Run;

use super::display::Display;
use super::execute::{Ended, Order, Supervisor};
use super::{Cause, Verdict, layer};
use crate::plan::{Plan, Target};

/// What all targets of a batch share.
pub(super) struct Batch<'a> {
    pub(super) plan: &'a Plan,
    pub(super) tree: &'a PlatformTree,
    pub(super) locks: BuildLocks,
    pub(super) run: &'a Run,
    pub(super) supervisor: &'a Supervisor,
    pub(super) display: &'a Display,
}

impl Batch<'_> {
    /// Builds a target whose dependencies are good. An error means that the book could not be kept; a command
    /// that fails is a verdict.
    pub(super) fn build(&self, position: usize) -> anyhow::Result<Verdict> {
        let target = &self.plan.targets[position];
        let Some(mut lock) = self.lock(target)? else { return Ok(Verdict::Abandoned) };
        let verdict = self.build_locked(position, target, &mut lock);
        let released = lock.release();
        let verdict = verdict?;
        released?;
        Ok(verdict)
    }

    /// Waits for the lock of a target, which another batch may hold; `None` when the user gives up.
    fn lock(&self, target: &Target) -> anyhow::Result<Option<BuildLock>> {
        let name = LockName::build(&target.package);
        let holder = Holder {
            start: Timestamp::now(),
            layer: Some(target.hash.layer()),
            temp_log_path: None,
            run: Some(self.run.id().clone()),
        };
        let mut patience = Duration::ZERO;
        loop {
            if let Some(lock) = self.locks.acquire_within(&name, &holder, patience)? {
                return Ok(Some(lock));
            }
            if self.supervisor.is_interrupted() {
                return Ok(None);
            }
            if patience.is_zero() {
                self.display.note(&format!("waiting for {}: another batch is building it", target.package));
            }
            patience = Duration::from_millis(500);
        }
    }

    fn build_locked(
        &self,
        position: usize,
        target: &Target,
        lock: &mut BuildLock,
    ) -> anyhow::Result<Verdict> {
        if layer::is_good(self.tree, target) && layer::touch(self.tree, target)? {
            let log = self.tree.layer(&target.hash.layer()).log();
            self.run.link_build_log(&target.package, &log)?;
            return Ok(Verdict::FromLayer);
        }
        self.display.started(position);
        let layer = self.tree.layer(&target.hash.layer());
        let swap = Swap::prepare(layer.path())?;
        let staging = LayerTree::at(swap.staging());
        fsio::op::create_folder(&staging.files())?;
        lock.set_temp_log_path(&staging.log())?;
        let started = Instant::now();
        let ended = self.execute(target, &staging)?;
        let seconds = started.elapsed();
        match ended {
            Ended::Interrupted => {
                swap.rollback()?;
                Ok(Verdict::Abandoned)
            }
            Ended::Exit(exit) if is_success(exit) => {
                layer::describe(&staging, self.plan, target, seconds, Timestamp::now())?;
                swap.commit(Durability::Synced).map_err(|failed| failed.error)?;
                // Nobody writes to a published log again, so the run can share it.
                self.run.link_build_log(&target.package, &layer.log())?;
                Ok(Verdict::Built)
            }
            Ended::Exit(exit) => {
                let cause = classify(&staging, exit)?;
                self.run.add_build_log(&target.package, &staging.log())?;
                swap.rollback()?;
                Ok(Verdict::Failed(cause))
            }
        }
    }

    fn execute(&self, target: &Target, staging: &LayerTree) -> anyhow::Result<Ended> {
        let path = staging.log();
        let log = fsio::op::open_or_create(&path)?;
        let files = staging.files();
        let order = Order {
            command: &target.command,
            folder: &files,
            env: self.environment(target),
            log: log.try_clone().with_context(|| format!("cannot write {}", path.display()))?,
            timeout: target.timeout,
        };
        match self.supervisor.run(order) {
            Ok(ended) => Ok(ended),
            Err(error) => {
                // What a shell would say, and the status that it would give.
                let program = target.command.first().map_or("", String::as_str);
                fsio::op::write_all(&log, &path, format!("cannot start {program:?}: {error}\n").as_bytes())?;
                Ok(Ended::Exit(Exit::Code(127)))
            }
        }
    }

    /// The variables of the plan, and those that tell a command about its batch: its package, the run, and the
    /// folders of what its dependencies made, in the order of the plan, separated by colons.
    fn environment<'t>(&self, target: &'t Target) -> Vec<(&'t str, String)> {
        let folders: Vec<String> = target
            .deps
            .iter()
            .filter_map(|dep| self.plan.targets.get(*dep))
            .map(|dep| self.tree.layer(&dep.hash.layer()).files().to_string_lossy().into_owned())
            .collect();
        let mut env = vec![
            ("BUILDBOOK_PACKAGE", target.package.to_string()),
            ("BUILDBOOK_RUN", self.run.id().to_string()),
            ("BUILDBOOK_DEPS", folders.join(":")),
        ];
        env.extend(target.env.iter().map(|(name, value)| (name.as_str(), value.clone())));
        env
    }
}

fn is_success(exit: Exit) -> bool {
    matches!(exit, Exit::Success | Exit::Code(0))
}

fn classify(staging: &LayerTree, exit: Exit) -> anyhow::Result<Cause> {
    let path = staging.log();
    let verdict = match fsio::open_file(&path)? {
        Some(log) => batch_util::classify_reader(log, exit)
            .with_context(|| format!("cannot read {}", path.display()))?,
        None => batch_util::classify_build("", exit),
    };
    Ok(Cause {
        category: verdict.category.clone(),
        message: verdict.message().map(str::to_owned).or_else(|| how_it_ended(exit)),
        line: verdict.line.as_ref().map(|line| line.number),
    })
}

/// For a log that says nothing.
fn how_it_ended(exit: Exit) -> Option<String> {
    match exit {
        Exit::Code(code) => Some(format!("the command ended with status {code} and printed nothing")),
        Exit::Signal(signal) => Some(format!("the command was ended by signal {signal}")),
        Exit::TimedOut => Some("the command was ended because its time was up".to_owned()),
        _ => None,
    }
}
