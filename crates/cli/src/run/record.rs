//! Writing down how each target ended: its history, the run's events, the progress.

use std::time::Duration;

use buildbook::fsio::{FileSystem, op, open_file, sync_folder};
use buildbook::history::{Entry, History};
use buildbook::layout::{Category, Kind, PlatformTree, Timestamp};
use buildbook::runlog::{Event, EventKind, EventStatus, Run, Via};

use super::Verdict;
use super::progress::ProgressKeeper;
use crate::context::Context;
use crate::output::shortened;
use crate::plan::{Plan, Target};

/// The longest error text that a history keeps, in characters. The log has it all.
const ERROR_LIMIT: usize = 500;

/// How many entries are looked through for the newest of a build.
const RECENT: usize = 32;

/// Keeps the book of one run.
pub(super) struct Recorder<'a> {
    plan: &'a Plan,
    tree: &'a PlatformTree,
    run: &'a Run,
    history: History,
    progress: ProgressKeeper<'a>,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(
        context: &Context,
        tree: &'a PlatformTree,
        plan: &'a Plan,
        run: &'a Run,
    ) -> anyhow::Result<Recorder<'a>> {
        let progress = ProgressKeeper::start(context, plan, run)?;
        Ok(Recorder { plan, tree, run, history: History::at(tree.packages()), progress })
    }

    /// Adds the end of a target to its history, durably.
    pub(super) fn write_synced(&self, position: usize, verdict: &Verdict) -> anyhow::Result<()> {
        self.write_as(position, verdict, true)
    }

    /// As [`Recorder::write_synced`], but for what the next sync of a file system makes durable.
    pub(super) fn write(
        &self,
        position: usize,
        verdict: &Verdict,
        file_system: &FileSystem,
    ) -> anyhow::Result<()> {
        self.write_as(position, verdict, !self.is_reached(position, Some(file_system)))
    }

    fn write_as(&self, position: usize, verdict: &Verdict, synced: bool) -> anyhow::Result<()> {
        let target = &self.plan.targets[position];
        let entry = self.entry(target, verdict);
        let is_from_layer = matches!(verdict, Verdict::FromLayer);
        if is_from_layer && synced {
            // Whoever published it may have died before its name was durable.
            sync_folder(self.tree.path())?;
        }
        if is_from_layer && self.is_recorded(position, verdict)? {
            if synced {
                self.sync_history(target)?;
            }
        } else if synced {
            self.history.append_synced(&target.package, &entry)?;
        } else {
            self.history.append(&target.package, &entry)?;
        }
        Ok(())
    }

    /// Whether one sync of a file system takes in the history of a target.
    pub(super) fn is_reached(&self, position: usize, file_system: Option<&FileSystem>) -> bool {
        let path = self.tree.packages().history(&self.plan.targets[position].package);
        file_system.is_some_and(|file_system| file_system.reaches(&path))
    }

    /// Waits until layers that were found in place, and the entries that say so, are on the device, where no sync of a
    /// file system takes them in.
    pub(super) fn sync_each(&self, positions: &[usize]) -> anyhow::Result<()> {
        if !positions.is_empty() {
            sync_folder(self.tree.path())?;
        }
        positions.iter().try_for_each(|position| self.sync_history(&self.plan.targets[*position]))
    }

    fn sync_history(&self, target: &Target) -> anyhow::Result<()> {
        let packages = self.tree.packages();
        let path = packages.history(&target.package);
        // One that has gone meanwhile has nothing to lose.
        if let Some(file) = open_file(&path)? {
            op::sync_file(&file, &path)?;
            sync_folder(&packages.package(&target.package))?;
            sync_folder(packages.path())?;
        }
        Ok(())
    }

    /// Whether the newest entry on builds in a target's history says already how it ended. One that was taken from its
    /// layer adds nothing then: histories grow with what happens, not with the number of runs.
    pub(super) fn is_recorded(&self, position: usize, verdict: &Verdict) -> anyhow::Result<bool> {
        let target = &self.plan.targets[position];
        // Other programs write of the documentation of the same package; that says nothing of its build.
        let newest = self.history.newest(&target.package, RECENT)?.entries;
        let newest_build = newest.iter().find(|known| known.category.kind() == Kind::Build);
        Ok(newest_build.is_some_and(|known| {
            known.build_hash == target.hash.layer().as_str()
                && known.status == status(verdict)
                && known.category == category(verdict)
                && known.blessed == target.blessed
        }))
    }

    /// Tells everybody how targets ended. Their histories come first: they are what is kept for years.
    pub(super) fn tell(&self, events: &[Event]) -> anyhow::Result<()> {
        self.run.log_build_results(events, Timestamp::now())?;
        let good = events.iter().filter(|event| event.status == EventStatus::Ok).count();
        self.progress.targets_ended(good, events.len() - good);
        Ok(())
    }

    fn entry(&self, target: &Target, verdict: &Verdict) -> Entry {
        let root = self.root(verdict);
        Entry {
            ts: Timestamp::now().to_string(),
            run: self.run.id().to_string(),
            build_hash: target.hash.layer().to_string(),
            status: status(verdict).to_owned(),
            category: category(verdict),
            compiler: String::new(),
            blessed: target.blessed,
            error: self.error(verdict),
            failed_dep: root.map(|root| root.package.to_string()),
            failed_dep_hash: root.map(|root| root.hash.layer().to_string()),
            universe: None,
        }
    }

    /// The target whose failure kept another from being tried.
    fn root(&self, verdict: &Verdict) -> Option<&'a Target> {
        match verdict {
            Verdict::Blocked { root } => self.plan.targets.get(*root),
            _ => None,
        }
    }

    fn error(&self, verdict: &Verdict) -> Option<String> {
        match (verdict, self.root(verdict)) {
            (Verdict::Failed(cause), _) => cause.message.as_deref().map(|text| shortened(text, ERROR_LIMIT)),
            (_, Some(root)) => Some(format!("not built, because {} failed", root.package)),
            _ => None,
        }
    }

    /// What is to be told of a target that ended, so long after it was begun.
    pub(super) fn event(&self, position: usize, verdict: &Verdict, span: Duration) -> Event {
        let target = &self.plan.targets[position];
        let status = match verdict {
            Verdict::Blocked { .. } => EventStatus::Cascade,
            _ if verdict.is_good() => EventStatus::Ok,
            _ => EventStatus::Fail,
        };
        let mut event = Event::new(EventKind::Build, target.package.clone(), target.hash.as_str(), status);
        event.category = Some(category(verdict));
        event.error = self.error(verdict);
        match verdict {
            Verdict::Built | Verdict::FromLayer | Verdict::FromMemo => {
                let layer = self.tree.layer(&target.hash.layer());
                event.layer_dir = layer.path().to_string_lossy().into_owned();
                event.via = Some(match verdict {
                    Verdict::FromLayer => Via::Layer,
                    Verdict::FromMemo => Via::Memo,
                    _ => Via::Built,
                });
            }
            Verdict::Failed(cause) => event.line = cause.line,
            Verdict::Blocked { .. } => {
                event.failed_dep = self.root(verdict).map(|root| root.package.clone());
            }
            Verdict::Abandoned => {}
        }
        // Only what was really built says how long a build takes.
        event.seconds = matches!(verdict, Verdict::Built | Verdict::Failed(_)).then(|| span.as_secs_f64());
        event
    }

    /// The part of the book that pollers look at.
    pub(super) fn progress(&self) -> &ProgressKeeper<'a> {
        &self.progress
    }
}

/// The status of a verdict, as histories spell it.
fn status(verdict: &Verdict) -> &'static str {
    if verdict.is_good() { "success" } else { "failure" }
}

/// The category of a verdict, as histories spell it.
pub(super) fn category(verdict: &Verdict) -> Category {
    match verdict {
        Verdict::Built | Verdict::FromLayer | Verdict::FromMemo => Category::new(Category::SUCCESS),
        Verdict::Failed(cause) => Category::new(cause.category.clone()),
        Verdict::Blocked { .. } => Category::new(Category::DEPENDENCY_FAILURE),
        Verdict::Abandoned => Category::new("not_attempted"),
    }
}
