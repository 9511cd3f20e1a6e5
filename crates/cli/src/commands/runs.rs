//! `runs` and `show`: which runs there were, and what happened in one.

use buildbook::layout::RunId;
use buildbook::runlog::{Dated, Event, EventStatus, Logged, Plan, RunInfo, RunState, Summary};
use serde::Serialize;

use crate::args;
use crate::context::{self, Context};
use crate::failure::{Outcome, Status};
use crate::output::{self, Table};

#[derive(Serialize)]
struct List {
    runs: Vec<Row>,
    problems: Vec<String>,
}

#[derive(Serialize)]
struct Row {
    id: RunId,
    state: RunState,
    latest: bool,
    summary: Option<Summary>,
}

#[derive(Serialize)]
struct One {
    id: RunId,
    state: RunState,
    summary: Option<Summary>,
    plan: Option<Dated<Plan>>,
    events: Vec<Logged>,
    problems: Vec<String>,
}

pub(super) fn list(context: &Context, arguments: &args::Runs) -> Outcome {
    let run_log = context.run_log();
    let found = run_log.runs()?;
    let mut problems = super::explained(&found.problems);
    let latest = run_log.latest().unwrap_or_else(|error| {
        problems.push(output::explained(&error));
        None
    });
    let skipped = arguments.newest.map_or(0, |count| found.runs.len().saturating_sub(count));
    let mut rows = Vec::new();
    for RunInfo { id, state, .. } in found.runs.into_iter().skip(skipped) {
        let summary = run_log.summary(&id).unwrap_or_else(|error| {
            problems.push(output::explained(&error));
            None
        });
        rows.push(Row { latest: latest.as_ref() == Some(&id), id, state, summary });
    }
    if context.json {
        output::json(&List { runs: rows, problems })?;
        return Ok(Status::Done);
    }
    let mut table = Table::new(["RUN", "STATE", "TIME", "TARGETS", "GOOD", "FAILED", ""]);
    for row in &rows {
        let summary = row.summary.as_ref();
        let number =
            |of: fn(&Summary) -> u64| summary.map(|summary| of(summary).to_string()).unwrap_or_default();
        table.row([
            row.id.to_string(),
            row.state.to_string(),
            summary.map(took).unwrap_or_default(),
            number(|summary| summary.targets_requested),
            number(|summary| summary.packages_built),
            number(|summary| summary.packages_failed),
            if row.latest { "latest".to_owned() } else { String::new() },
        ]);
    }
    if !table.is_empty() {
        output::text(&table.to_string())?;
    }
    output::problems(&problems);
    Ok(Status::Done)
}

pub(super) fn show(context: &Context, arguments: &args::OneRun) -> Outcome {
    let run_log = context.run_log();
    let id = context::resolve_run(&run_log, &arguments.run)?;
    let state = run_log.state(&id)?;
    let mut problems = Vec::new();
    // What cannot be read of a run does not hide the rest of it.
    let summary = run_log.summary(&id).unwrap_or_else(|error| {
        problems.push(output::explained(&error));
        None
    });
    let plan = run_log.plan(&id).unwrap_or_else(|error| {
        problems.push(output::explained(&error));
        None
    });
    let events = run_log.events(&id)?;
    problems.extend(super::lines(&run_log.tree().run(&id).events(), &events.problems));
    let one = One { id, state, summary, plan, events: events.events, problems };
    if context.json {
        output::json(&one)?;
        return Ok(Status::Done);
    }
    let mut text = format!("run {}: {}", one.id, one.state);
    if let Some(summary) = &one.summary {
        text.push_str(&format!(
            ", {} targets, {} good, {} failed, in {}",
            summary.targets_requested,
            summary.packages_built,
            summary.packages_failed,
            took(summary)
        ));
    }
    let mut table = Table::new(["TIME", "KIND", "PACKAGE", "RESULT", "TOOK", "REASON"]);
    for Logged { t, event } in &one.events {
        table.row([
            t.clone(),
            event.kind.to_string(),
            event.pkg.to_string(),
            event.status.to_string(),
            event.seconds.map(|seconds| output::duration(seconds_to_span(seconds))).unwrap_or_default(),
            reason(event),
        ]);
    }
    text.push('\n');
    if !table.is_empty() {
        text.push_str(&table.to_string());
    }
    output::text(&text)?;
    output::problems(&one.problems);
    Ok(Status::Done)
}

/// Why an event ended as it did, or how it came about.
fn reason(event: &Event) -> String {
    let words = match event.status {
        EventStatus::Ok => [event.via.as_ref().map(ToString::to_string), None],
        _ => [
            event.category.as_ref().map(ToString::to_string),
            event.error.as_deref().map(|error| output::shortened(error, 100)),
        ],
    };
    words.into_iter().flatten().collect::<Vec<_>>().join(": ")
}

fn took(summary: &Summary) -> String {
    output::duration(seconds_to_span(summary.duration))
}

fn seconds_to_span(seconds: f64) -> std::time::Duration {
    std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
