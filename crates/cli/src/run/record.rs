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
    pub(super) fn write_synced(&self, position: usize, verdict: &Verdict) -> anyhow::Result<Entry> {
        self.write_as(position, verdict, true)
    }

    /// As [`Recorder::write_synced`], but for what the next sync of a file system makes durable.
    pub(super) fn write(
        &self,
        position: usize,
        verdict: &Verdict,
        file_system: &FileSystem,
    ) -> anyhow::Result<Entry> {
        let path = self.tree.packages().history(&self.plan.targets[position].package);
        self.write_as(position, verdict, !file_system.reaches(&path))
    }

    fn write_as(&self, position: usize, verdict: &Verdict, synced: bool) -> anyhow::Result<Entry> {
        let target = &self.plan.targets[position];
        let entry = self.entry(target, verdict, Timestamp::now());
        let is_from_layer = matches!(verdict, Verdict::FromLayer);
        if is_from_layer && synced {
            // Whoever published it may have died before its name was durable.
            sync_folder(self.tree.path())?;
        }
        if is_from_layer && self.is_known(target, &entry)? {
            if synced {
                self.sync_history(target)?;
            }
        } else if synced {
            self.history.append_synced(&target.package, &entry)?;
        } else {
            self.history.append(&target.package, &entry)?;
        }
        Ok(entry)
    }

    /// Waits until layers that were found in place, and the entries that say so, are on the device. Another batch made
    /// them so, which may have died before it synced them, or be about to.
    pub(super) fn make_durable(
        &self,
        positions: impl Iterator<Item = usize>,
        file_system: Option<&FileSystem>,
    ) -> anyhow::Result<()> {
        let targets = positions.map(|position| &self.plan.targets[position]);
        let packages = self.tree.packages();
        let is_reached = |target: &&Target| {
            file_system.is_some_and(|file_system| file_system.reaches(&packages.history(&target.package)))
        };
        let (together, by_themselves): (Vec<_>, Vec<_>) = targets.partition(is_reached);
        if let (Some(file_system), false) = (file_system, together.is_empty()) {
            file_system.sync()?;
        }
        if !by_themselves.is_empty() {
            sync_folder(self.tree.path())?;
        }
        by_themselves.into_iter().try_for_each(|target| self.sync_history(target))
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

    /// Whether the history of a target says already how it ended.
    pub(super) fn is_recorded(&self, position: usize, verdict: &Verdict) -> anyhow::Result<bool> {
        let target = &self.plan.targets[position];
        self.is_known(target, &self.entry(target, verdict, Timestamp::now()))
    }

    /// As [`Recorder::tell`] for targets that ended in the same way, in no time, and are in their histories.
    pub(super) fn tell_all(
        &self,
        positions: impl Iterator<Item = usize>,
        verdict: &Verdict,
    ) -> anyhow::Result<()> {
        let now = Timestamp::now();
        let events: Vec<Event> = positions
            .map(|position| {
                let target = &self.plan.targets[position];
                self.event(target, verdict, &self.entry(target, verdict, now), Duration::ZERO)
            })
            .collect();
        self.run.log_build_results(&events, now)?;
        self.progress.targets_ended(events.len(), verdict.is_good());
        Ok(())
    }

    /// Tells everybody how a target ended. Its history comes first: it is what is kept for years.
    pub(super) fn tell(
        &self,
        position: usize,
        verdict: &Verdict,
        entry: &Entry,
        span: Duration,
    ) -> anyhow::Result<()> {
        let target = &self.plan.targets[position];
        self.run.log_build_result(&self.event(target, verdict, entry, span), Timestamp::now())?;
        self.progress.targets_ended(1, verdict.is_good());
        Ok(())
    }

    /// A target that was taken from its layer adds nothing to its history if that ends with the same result:
    /// histories grow with what happens, not with the number of runs.
    fn is_known(&self, target: &Target, entry: &Entry) -> anyhow::Result<bool> {
        // Other programs write of the documentation of the same package; that says nothing of its build.
        let newest = self.history.newest(&target.package, RECENT)?.entries;
        let newest_build = newest.iter().find(|known| known.category.kind() == Kind::Build);
        Ok(newest_build.is_some_and(|known| {
            known.build_hash == entry.build_hash
                && known.status == entry.status
                && known.category == entry.category
                && known.blessed == entry.blessed
        }))
    }

    fn entry(&self, target: &Target, verdict: &Verdict, now: Timestamp) -> Entry {
        let root = match verdict {
            Verdict::Blocked { root } => self.plan.targets.get(*root),
            _ => None,
        };
        let error = match (verdict, root) {
            (Verdict::Failed(cause), _) => cause.message.as_deref().map(|text| shortened(text, ERROR_LIMIT)),
            (_, Some(root)) => Some(format!("not built, because {} failed", root.package)),
            _ => None,
        };
        Entry {
            ts: now.to_string(),
            run: self.run.id().to_string(),
            build_hash: target.hash.layer().to_string(),
            status: if verdict.is_good() { "success" } else { "failure" }.to_owned(),
            category: category(verdict),
            compiler: String::new(),
            blessed: target.blessed,
            error,
            failed_dep: root.map(|root| root.package.to_string()),
            failed_dep_hash: root.map(|root| root.hash.layer().to_string()),
            universe: None,
        }
    }

    fn event(&self, target: &Target, verdict: &Verdict, entry: &Entry, span: Duration) -> Event {
        let status = match verdict {
            Verdict::Blocked { .. } => EventStatus::Cascade,
            _ if verdict.is_good() => EventStatus::Ok,
            _ => EventStatus::Fail,
        };
        let mut event = Event::new(EventKind::Build, target.package.clone(), target.hash.as_str(), status);
        event.category = Some(entry.category.clone());
        event.error = entry.error.clone();
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
            Verdict::Blocked { root } => {
                event.failed_dep = self.plan.targets.get(*root).map(|root| root.package.clone());
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

/// The category of a verdict, as histories spell it.
pub(super) fn category(verdict: &Verdict) -> Category {
    match verdict {
        Verdict::Built | Verdict::FromLayer | Verdict::FromMemo => Category::new(Category::SUCCESS),
        Verdict::Failed(cause) => Category::new(cause.category.clone()),
        Verdict::Blocked { .. } => Category::new(Category::DEPENDENCY_FAILURE),
        Verdict::Abandoned => Category::new("not_attempted"),
    }
}
