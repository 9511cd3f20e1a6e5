//! Seeing one target through: lock, look for its layer, run its command, publish its layer.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Seek as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use buildbook::atomic_swap::{self, CommitFailed, Committed, Durability, Swap, replace_file};
use buildbook::batch_util::{self, Exit, category};
use buildbook::build_lock::{BuildLock, BuildLocks, Holder, LockName};
use buildbook::fsio;
use buildbook::layout::{LayerTree, PlatformTree, Timestamp};
use buildbook::runlog::Run;

use super::display::Display;
use super::execute::{Ended, Order, Supervisor};
use super::finish::End;
use super::memo::{Memos, Question};
use super::{Cause, Verdict, layer, outputs};
use crate::output;
use crate::plan::{Plan, Target};

/// The longest variable that is handed to a command, in bytes. Linux takes 128 KiB, its name included.
const LONGEST_VARIABLE: usize = 120_000;

/// What all targets of a batch share.
pub(super) struct Batch<'a> {
    pub(super) plan: &'a Plan,
    pub(super) tree: &'a PlatformTree,
    pub(super) locks: BuildLocks,
    pub(super) run: &'a Run,
    pub(super) supervisor: &'a Supervisor,
    pub(super) display: &'a Display,
    /// The search path of the program.
    pub(super) path: Option<OsString>,
    /// Where what commands make is kept beyond this book, if anywhere.
    pub(super) memos: Option<Memos>,
}

impl Batch<'_> {
    /// Builds a target whose dependencies are good. An error means that the book could not be kept; a command
    /// that fails is a verdict. The lock is to be held until the verdict is recorded: a batch that waits for it
    /// takes the layer then, and must find its entry.
    pub(super) fn build(&self, position: usize) -> anyhow::Result<(End, Option<BuildLock>)> {
        let target = &self.plan.targets[position];
        let Some(mut lock) = self.lock(target)? else { return Ok((End::Verdict(Verdict::Abandoned), None)) };
        let end = self.build_locked(position, target, &mut lock)?;
        Ok((end, Some(lock)))
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

    fn build_locked(&self, position: usize, target: &Target, lock: &mut BuildLock) -> anyhow::Result<End> {
        if layer::is_good(self.tree, target) && layer::touch(self.tree, target)? {
            let log = self.tree.layer(&target.hash.layer()).log();
            self.run.link_build_log(&target.package, &log)?;
            return Ok(End::Verdict(Verdict::FromLayer));
        }
        self.display.started(position);
        let layer = self.tree.layer(&target.hash.layer());
        let swap = Swap::prepare(layer.path())?;
        let staging = LayerTree::at(swap.staging());
        fsio::op::create_folder(&staging.files())?;
        let started = Instant::now();
        let tell = |text: &str| self.display.note(&output::one_line(&format!("{}: {text}", target.package)));
        let mut question = self.question(target, &tell);
        if let Some(question) = &mut question
            && question.revive(&staging, &tell)?
        {
            return self.describe(position, target, swap, started.elapsed(), Verdict::FromMemo);
        }
        lock.set_temp_log_path(&staging.log())?;
        let path = staging.log();
        let log = fsio::op::open_or_create(&path)?;
        let inputs = match outputs::look_at_inputs(target) {
            Ok(inputs) => inputs,
            Err(reason) => return self.refuse(target, swap, &log, reason),
        };
        let started = Instant::now();
        let ended = self.execute(target, &staging, &log)?;
        let span = started.elapsed();
        put_in_order(&staging)?;
        match ended {
            Ended::Interrupted => {
                self.discard(swap);
                Ok(End::Verdict(Verdict::Abandoned))
            }
            Ended::Exit(exit) if is_success(exit) => {
                let kept = if target.outputs.is_empty() {
                    Ok(())
                } else {
                    outputs::keep(&staging.files(), &target.outputs)
                };
                if let Err(reason) = kept.and_then(|()| outputs::check_inputs(target, &inputs)) {
                    return self.refuse(target, swap, &log, reason);
                }
                if let Some(question) = question {
                    question.keep(&staging, &tell);
                }
                self.describe(position, target, swap, span, Verdict::Built)
            }
            Ended::Exit(exit) => {
                let cause = classify(log, exit).with_context(|| format!("cannot read {}", path.display()))?;
                self.run.add_build_log(&target.package, &path)?;
                self.discard(swap);
                Ok(End::Verdict(Verdict::Failed(cause)))
            }
        }
    }

    /// What is asked of the memo about a target, if anything.
    fn question(&self, target: &Target, tell: &dyn Fn(&str)) -> Option<Question<'_>> {
        let memos = self.memos.as_ref()?;
        memos.question(self.plan, self.tree, target).unwrap_or_else(|reason| {
            tell(&format!("not asked of the memo: {reason}"));
            None
        })
    }

    /// A target whose inputs or outputs are not what it declares.
    fn refuse(&self, target: &Target, swap: Swap, log: &File, reason: String) -> anyhow::Result<End> {
        let path = LayerTree::at(swap.staging()).log();
        fsio::op::write_all(log, &path, format!("buildbook: {reason}\n").as_bytes())?;
        self.run.add_build_log(&target.package, &path)?;
        self.discard(swap);
        let category = category::BUILD_FAILURE.to_owned();
        Ok(End::Verdict(Verdict::Failed(Cause { category, message: Some(reason), line: None })))
    }

    fn execute(&self, target: &Target, staging: &LayerTree, log: &File) -> anyhow::Result<Ended> {
        let path = staging.log();
        let files = staging.files();
        let order = Order {
            command: &target.command,
            folder: &files,
            is_env_clear: !target.outputs.is_empty(),
            env: self.environment(target, staging)?,
            log: log.try_clone().with_context(|| format!("cannot write {}", path.display()))?,
            timeout: target.timeout,
        };
        match self.supervisor.run(order) {
            Ok(ended) => Ok(ended),
            Err(error) => {
                // What a shell would say, and the status that it would give.
                let program = target.command.first().map_or("", String::as_str);
                fsio::op::write_all(log, &path, format!("cannot start {program:?}: {error}\n").as_bytes())?;
                Ok(Ended::Exit(Exit::Code(127)))
            }
        }
    }

    /// The variables of the plan, and those that tell a command about its batch: its package, the run, and the
    /// folders of what its dependencies made, in the order of the plan. They are separated by colons; where that
    /// cannot be, they are lines of a file.
    ///
    /// One that declares its outputs sees nothing beyond these but the search path, and is not told about the run: its
    /// result may be taken for that of another one.
    fn environment<'t>(
        &self,
        target: &'t Target,
        staging: &LayerTree,
    ) -> anyhow::Result<Vec<(&'t str, Option<OsString>)>> {
        let deps = target.deps.iter().filter_map(|dep| self.plan.targets.get(*dep));
        let folders: Vec<OsString> =
            deps.map(|dep| self.tree.layer(&dep.hash.layer()).files().into_os_string()).collect();
        let mut list = folders.join(OsStr::new(":"));
        let colons = folders.iter().any(|folder| folder.as_encoded_bytes().contains(&b':'));
        let (list, file) = if colons || list.len() > LONGEST_VARIABLE {
            let path = staging.path().join(layer::DEPS);
            list = folders.join(OsStr::new("\n"));
            list.push("\n");
            replace_file(&path, list.as_encoded_bytes(), Durability::Cached)?;
            (None, Some(path.into_os_string()))
        } else {
            (Some(list), None)
        };
        let mut env = vec![
            ("BUILDBOOK_PACKAGE", Some(target.package.as_str().into())),
            ("BUILDBOOK_DEPS", list),
            ("BUILDBOOK_DEPS_FILE", file),
        ];
        if target.outputs.is_empty() {
            env.push(("BUILDBOOK_RUN", Some(self.run.id().as_str().into())));
        } else {
            env.push(("PATH", self.path.clone()));
        }
        if !target.inputs.is_empty() {
            env.push(("BUILDBOOK_SOURCE", Some(self.plan.folder.clone().into_os_string())));
        }
        env.extend(target.env.iter().map(|(name, value)| (name.as_str(), Some(value.into()))));
        Ok(env)
    }

    /// Makes what a command left, now or earlier, ready to be published.
    fn describe(
        &self,
        position: usize,
        target: &Target,
        swap: Swap,
        span: Duration,
        verdict: Verdict,
    ) -> anyhow::Result<End> {
        let staging = LayerTree::at(swap.staging());
        if let Err(error) = layer::describe(&staging, self.plan, target, span, Timestamp::now()) {
            return Ok(End::Verdict(self.not_published(position, CommitFailed { swap: Some(swap), error })?));
        }
        // Nobody writes to the log of a layer again, so the run can share it.
        self.run.link_build_log(&target.package, &staging.log())?;
        Ok(End::Made(swap, verdict))
    }

    /// What the attempt to publish a layer says about its target: what it was said to be, if it is published.
    pub(super) fn published(
        &self,
        position: usize,
        verdict: Verdict,
        result: Result<Committed, CommitFailed>,
    ) -> anyhow::Result<Verdict> {
        match result {
            Ok(_) => Ok(verdict),
            Err(failed) => self.not_published(position, failed),
        }
    }

    /// What a command made so that it cannot be kept is a failure of the target: one package must not end the batch
    /// of all.
    pub(super) fn not_published(&self, position: usize, failed: CommitFailed) -> anyhow::Result<Verdict> {
        let CommitFailed { swap, error } = failed;
        let Some(swap) = swap.filter(|swap| is_of_the_command(&error, swap.staging())) else {
            return Err(error.into());
        };
        let package = &self.plan.targets[position].package;
        self.run.add_build_log(package, &LayerTree::at(swap.staging()).log())?;
        self.discard(swap);
        let message = format!("what the command left cannot be kept: {:#}", anyhow::Error::from(error));
        let category = category::BUILD_FAILURE.to_owned();
        Ok(Verdict::Failed(Cause { category, message: Some(message), line: None }))
    }

    /// Removes what was prepared. What cannot be removed now has no name in the book, and the next batch tries again.
    fn discard(&self, swap: Swap) {
        if let Err(error) = swap.rollback() {
            self.display.note(&output::one_line(&format!("left behind: {:#}", anyhow::Error::from(error))));
        }
    }
}

/// Sees to it that what a command did to the folder around its own keeps nobody from going on.
fn put_in_order(staging: &LayerTree) -> anyhow::Result<()> {
    // One that is gone shows when it is to be published.
    let _ = std::fs::set_permissions(staging.path(), std::fs::Permissions::from_mode(0o755));
    match std::fs::symlink_metadata(staging.log()) {
        Ok(metadata) if !metadata.is_file() => Ok(fsio::remove_tree(&staging.log())?),
        _ => Ok(()),
    }
}

/// Whether the reason is in the folder that a command filled, and not in the disk that it is on.
fn is_of_the_command(error: &atomic_swap::Error, staging: &Path) -> bool {
    let place = match error {
        atomic_swap::Error::StagingGone { .. } => return true,
        atomic_swap::Error::File(source) => source.path(),
        atomic_swap::Error::Contents { path, .. } => path,
        _ => return false,
    };
    let kinds = [io::ErrorKind::PermissionDenied, io::ErrorKind::NotFound, io::ErrorKind::NotADirectory];
    place.starts_with(staging) && error.kind().is_none_or(|kind| kinds.contains(&kind))
}

fn is_success(exit: Exit) -> bool {
    matches!(exit, Exit::Success | Exit::Code(0))
}

/// Reads the log that was handed out, whatever the command did to its name.
fn classify(mut log: File, exit: Exit) -> io::Result<Cause> {
    log.rewind()?;
    let verdict = batch_util::classify_reader(log, exit)?;
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
