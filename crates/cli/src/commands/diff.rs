//! `diff A B`: what changed between two runs.

use std::collections::BTreeMap;
use std::fmt;

use buildbook::layout::{Kind, PackageId, RunId};
use buildbook::runlog::{Event, EventKind, EventStatus, Logged, RunLog, RunState};
use serde::Serialize;

use crate::args;
use crate::context::{self, Context};
use crate::failure::{Failure, Outcome, Status};
use crate::output::{self, Table};

#[derive(Serialize)]
struct Document {
    before: RunId,
    after: RunId,
    /// What did not stay as it was.
    changes: Vec<Row>,
    /// How many packages there are of each sort; the numbers add up to the packages of both runs together.
    totals: BTreeMap<Sort, usize>,
    problems: Vec<String>,
}

#[derive(Serialize)]
struct Row {
    package: PackageId,
    kind: Kind,
    change: Sort,
    /// Null where the package is in one run only.
    from: Option<String>,
    to: Option<String>,
    /// Whether the inputs were the same: then the difference is not one of the package.
    same_inputs: bool,
    /// What blocks it, if something does.
    failed_dep: Option<PackageId>,
}

/// How every package ended in one run.
type Results = BTreeMap<(PackageId, Kind), Event>;

/// Every package of two runs is in exactly one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum Sort {
    NewFailure,
    Blocked,
    StillFailingNewCause,
    Recovered,
    NewFailing,
    NewOk,
    Removed,
    StillFailing,
    StillOk,
}

impl Sort {
    fn of(before: Option<&Event>, after: Option<&Event>) -> Sort {
        match (before, after) {
            (Some(before), Some(after)) => match (is_ok(before), is_ok(after)) {
                (true, true) => Sort::StillOk,
                (false, true) => Sort::Recovered,
                (true, false) if after.status == EventStatus::Cascade => Sort::Blocked,
                (true, false) => Sort::NewFailure,
                (false, false) if cause(before) == cause(after) => Sort::StillFailing,
                (false, false) => Sort::StillFailingNewCause,
            },
            (None, Some(after)) if is_ok(after) => Sort::NewOk,
            (None, Some(_)) => Sort::NewFailing,
            (Some(_) | None, None) => Sort::Removed,
        }
    }
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Sort::NewFailure => "new failure",
            Sort::Blocked => "blocked",
            Sort::StillFailingNewCause => "fails otherwise",
            Sort::Recovered => "recovered",
            Sort::NewFailing => "new, failing",
            Sort::NewOk => "new, good",
            Sort::Removed => "gone",
            Sort::StillFailing => "still failing",
            Sort::StillOk => "still good",
        })
    }
}

pub(super) fn run(context: &Context, arguments: &args::Diff) -> Outcome {
    let run_log = context.run_log();
    let mut problems = Vec::new();
    let mut side = |selector: &str| -> Result<(RunId, Results), Failure> {
        let id = context::resolve_run(&run_log, selector)?;
        let results = results(&run_log, &id, &mut problems)?;
        Ok((id, results))
    };
    let (before, old) = side(&arguments.before)?;
    let (after, new) = side(&arguments.after)?;
    let mut document = Document { before, after, changes: Vec::new(), totals: BTreeMap::new(), problems };
    let keys: std::collections::BTreeSet<_> = old.keys().chain(new.keys()).collect();
    for key in keys {
        let (from, to) = (old.get(key), new.get(key));
        let sort = Sort::of(from, to);
        *document.totals.entry(sort).or_default() += 1;
        if !matches!(sort, Sort::StillOk | Sort::StillFailing) {
            document.changes.push(Row {
                package: key.0.clone(),
                kind: key.1,
                change: sort,
                from: from.map(cause),
                to: to.map(cause),
                same_inputs: from.zip(to).is_some_and(|(from, to)| from.hash == to.hash),
                failed_dep: to.and_then(|to| to.failed_dep.clone()),
            });
        }
    }
    document.changes.sort_by(|a, b| (a.change, &a.package, a.kind).cmp(&(b.change, &b.package, b.kind)));
    if context.json {
        output::json(&document)?;
    } else {
        output::text(&text(&document))?;
        output::problems(&document.problems);
    }
    Ok(Status::Done)
}

/// The last result of every package in a run: a build that was tried again counts as it ended.
fn results(run_log: &RunLog, id: &RunId, problems: &mut Vec<String>) -> Result<Results, Failure> {
    let state = run_log.state(id)?;
    if state != RunState::Finished {
        problems.push(format!("run {id} is {state}: what it did not reach counts as gone or new"));
    }
    let events = run_log.events(id)?;
    problems.extend(super::lines(&run_log.tree().run(id).events(), &events.problems));
    let mut results = BTreeMap::new();
    for Logged { event, .. } in events.results() {
        let kind = match event.kind {
            EventKind::Build | EventKind::Tool => Kind::Build,
            _ => Kind::Doc,
        };
        results.insert((event.pkg.clone(), kind), event);
    }
    Ok(results)
}

fn is_ok(event: &Event) -> bool {
    event.status == EventStatus::Ok
}

fn cause(event: &Event) -> String {
    let ending = event.category.as_ref().map_or_else(|| event.status.to_string(), ToString::to_string);
    match &event.failed_dep {
        Some(root) => format!("{ending} ({root})"),
        None => ending,
    }
}

fn text(document: &Document) -> String {
    let mut text = format!("from run {} to run {}\n", document.before, document.after);
    let mut table = Table::new(["CHANGE", "PACKAGE", "KIND", "FROM", "TO", ""]);
    for row in &document.changes {
        table.row([
            row.change.to_string(),
            row.package.to_string(),
            row.kind.to_string(),
            row.from.clone().unwrap_or_default(),
            row.to.clone().unwrap_or_default(),
            if row.same_inputs { "same inputs".to_owned() } else { String::new() },
        ]);
    }
    if table.is_empty() {
        text.push_str("no change\n");
    } else {
        text.push_str(&table.to_string());
    }
    let totals: Vec<String> = document.totals.iter().map(|(sort, count)| format!("{count} {sort}")).collect();
    text.push_str(&format!("{} packages: {}\n", document.totals.values().sum::<usize>(), totals.join(", ")));
    text
}
