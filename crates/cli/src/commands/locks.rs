//! `locks`: the builds in progress, and lock files that nobody needs.

use std::path::PathBuf;
use std::time::Duration;

use buildbook::build_lock::{BuildLocks, Kept, LockInfo};
use buildbook::layout::Timestamp;
use serde::Serialize;

use crate::args::{self, LockAction};
use crate::context::Context;
use crate::failure::{Failure, Outcome, Status};
use crate::output::{self, Table};

#[derive(Serialize)]
struct Document {
    locks: Vec<LockInfo>,
    problems: Vec<String>,
}

#[derive(Serialize)]
struct CleanDocument<'a> {
    #[serde(serialize_with = "output::lossy_all")]
    removed: &'a [PathBuf],
    kept: &'a [Kept],
    problems: Vec<String>,
}

pub(super) fn run(context: &Context, arguments: &args::Locks) -> Outcome {
    match arguments.action {
        Some(LockAction::Clean { min_age_s }) => clean(context, Duration::from_secs(min_age_s)),
        None => list(context),
    }
}

fn list(context: &Context) -> Outcome {
    if context.json {
        let active = BuildLocks::at(context.book.locks()).list_active()?;
        output::json(&Document { problems: super::explained(&active.problems), locks: active.locks })?;
        return Ok(Status::Done);
    }
    let (table, problems) = table(context, context.now)?;
    output::text(if table.is_empty() { "no build is in progress" } else { &table })?;
    output::problems(&problems);
    Ok(Status::Done)
}

/// The builds in progress, nothing when there are none; and what could not be read.
pub(super) fn table(context: &Context, now: Timestamp) -> Result<(String, Vec<String>), Failure> {
    let active = BuildLocks::at(context.book.locks()).list_active()?;
    let mut table = Table::new(["STAGE", "PACKAGE", "SINCE", "PID", "RUN", "LAYER", "LOG"]);
    for lock in &active.locks {
        table.row([
            lock.stage.to_string(),
            match &lock.version {
                Some(version) => format!("{}.{version}", lock.package),
                None => lock.package.clone(),
            },
            lock.start_time
                .map(|start| format!("{} ago", output::duration(now.since(start))))
                .unwrap_or_default(),
            // What the kernel says of a `lockf` is the truth; the text in the file may be of somebody else.
            lock.holder_pid
                .map(|pid| pid.to_string())
                .or_else(|| lock.pid.map(|pid| pid.to_string()))
                .unwrap_or_default(),
            lock.run.as_ref().map(ToString::to_string).unwrap_or_default(),
            lock.layer_name.clone().unwrap_or_default(),
            lock.temp_log_path.as_ref().map(|path| path.display().to_string()).unwrap_or_default(),
        ]);
    }
    let text = if table.is_empty() { String::new() } else { table.to_string() };
    Ok((text, super::explained(&active.problems)))
}

fn clean(context: &Context, min_age: Duration) -> Outcome {
    let cleaned = BuildLocks::at(context.book.locks()).cleanup_stale(min_age, context.now)?;
    let problems = super::explained(&cleaned.problems);
    // A status that is not good has its reason on standard error too.
    output::problems(&problems);
    if context.json {
        output::json(&CleanDocument { removed: &cleaned.removed, kept: &cleaned.kept, problems })?;
    } else {
        for path in &cleaned.removed {
            output::text(&format!("removed {}", output::one_line(&path.display().to_string())))?;
        }
        for kept in &cleaned.kept {
            output::text(&format!(
                "kept    {}: {}",
                output::one_line(&kept.path.display().to_string()),
                kept.reason
            ))?;
        }
    }
    Ok(if cleaned.problems.is_empty() { Status::Done } else { Status::BadBook })
}
