//! What a batch says at its end.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use buildbook::layout::{PackageId, RunId};
use buildbook::status_index::{Change, Generated};
use serde::Serialize;

use super::record::category;
use super::{Cause, Verdict};
use crate::output::{duration, shortened};
use crate::plan::Plan;

/// The result of a run. As JSON it is the document that `run --json` prints.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    run: RunId,
    complete: bool,
    seconds: f64,
    totals: Totals,
    /// How many targets ended in each category; the numbers add up to the number of targets.
    categories: BTreeMap<String, usize>,
    failures: Vec<Failed>,
    /// What changed since the last indexed run, in packages of this plan and others.
    changes: Vec<Change>,
    new_packages: Vec<PackageId>,
    problems: Vec<String>,
}

/// Every target is in exactly one of these.
#[derive(Debug, Default, Serialize)]
struct Totals {
    targets: usize,
    built: usize,
    from_layer: usize,
    from_memo: usize,
    failed: usize,
    blocked: usize,
    not_attempted: usize,
}

/// A target whose own command failed: the root of what it blocks.
#[derive(Debug, Serialize)]
struct Failed {
    package: PackageId,
    #[serde(flatten)]
    cause: Cause,
    blocks: Vec<PackageId>,
}

impl Report {
    pub(super) fn new(
        plan: &Plan,
        run: RunId,
        verdicts: Vec<Verdict>,
        generated: Generated,
        span: Duration,
    ) -> Report {
        let mut totals = Totals { targets: plan.targets.len(), ..Totals::default() };
        let mut categories = BTreeMap::new();
        let mut failures = BTreeMap::new();
        for (position, verdict) in verdicts.iter().enumerate() {
            *match verdict {
                Verdict::Built => &mut totals.built,
                Verdict::FromLayer => &mut totals.from_layer,
                Verdict::FromMemo => &mut totals.from_memo,
                Verdict::Failed(_) => &mut totals.failed,
                Verdict::Blocked { .. } => &mut totals.blocked,
                Verdict::Abandoned => &mut totals.not_attempted,
            } += 1;
            *categories.entry(category(verdict).to_string()).or_default() += 1;
            if let Verdict::Failed(cause) = verdict {
                let package = plan.targets[position].package.clone();
                failures.insert(position, Failed { package, cause: cause.clone(), blocks: Vec::new() });
            }
        }
        for (position, verdict) in verdicts.iter().enumerate() {
            if let Verdict::Blocked { root } = verdict
                && let Some(failed) = failures.get_mut(root)
            {
                failed.blocks.push(plan.targets[position].package.clone());
            }
        }
        Report {
            run,
            complete: totals.not_attempted == 0,
            seconds: span.as_secs_f64(),
            totals,
            categories,
            failures: failures.into_values().collect(),
            changes: generated.status.changes,
            new_packages: generated.status.new_packages,
            problems: crate::commands::explained(&generated.problems),
        }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    pub(super) fn is_good(&self) -> bool {
        self.good() == self.totals.targets
    }

    pub(super) fn targets(&self) -> usize {
        self.totals.targets
    }

    pub(super) fn good(&self) -> usize {
        self.totals.built + self.totals.from_layer + self.totals.from_memo
    }

    pub(super) fn bad(&self) -> usize {
        self.totals.failed + self.totals.blocked
    }

    pub(super) fn problems(&self) -> &[String] {
        &self.problems
    }

    /// Every package without a good end and its category, roots first, each followed by what it blocks.
    pub(super) fn failed_packages(&self) -> impl Iterator<Item = (&PackageId, &str)> {
        self.failures.iter().flat_map(|failed| {
            let blocked = failed.blocks.iter().map(|package| (package, "dependency_failure"));
            std::iter::once((&failed.package, failed.cause.category.as_str())).chain(blocked)
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let totals = &self.totals;
        let span = duration(Duration::try_from_secs_f64(self.seconds).unwrap_or_default());
        let word = if self.complete { "run" } else { "INTERRUPTED run" };
        writeln!(f, "{word} {}: {} targets in {span}", self.run, totals.targets)?;
        let parts = [
            (totals.built, "built"),
            (totals.from_layer, "from their layer"),
            (totals.from_memo, "from the memo"),
            (totals.failed, "failed"),
            (totals.blocked, "blocked by a failure"),
            (totals.not_attempted, "not attempted"),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, what)| format!("{number} {what}"))
            .collect();
        writeln!(f, "  {}", parts.join(", "))?;
        self.write_failures(f)?;
        self.write_changes(f)?;
        if !self.complete {
            writeln!(f, "\nthe same command goes on where this one stopped")?;
        }
        Ok(())
    }
}

impl Report {
    fn write_failures(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.failures.is_empty() {
            return Ok(());
        }
        writeln!(f, "\nfailures, by root cause")?;
        for failed in &self.failures {
            writeln!(f, "  {}  {}", failed.package, failed.cause.category)?;
            if let Some(message) = &failed.cause.message {
                let message = shortened(&crate::output::one_line(message), 200);
                match failed.cause.line {
                    Some(line) => writeln!(f, "    line {line}: {message}")?,
                    None => writeln!(f, "    {message}")?,
                }
            }
            if !failed.blocks.is_empty() {
                let names: Vec<&str> = failed.blocks.iter().take(10).map(PackageId::as_str).collect();
                let more = match failed.blocks.len().saturating_sub(names.len()) {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                writeln!(f, "    blocks {}{more}", names.join(", "))?;
            }
        }
        Ok(())
    }

    fn write_changes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.changes.is_empty() && self.new_packages.is_empty() {
            return writeln!(f, "\nno change");
        }
        if !self.changes.is_empty() {
            writeln!(f, "\nchanges")?;
            write!(f, "{}", crate::commands::change_table(&self.changes))?;
        }
        if !self.new_packages.is_empty() {
            writeln!(f, "\n{} packages are new in the book", self.new_packages.len())?;
        }
        Ok(())
    }
}
