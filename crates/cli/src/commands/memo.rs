//! `memo`: the cache of `run --memo`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use buildbook::layout::Timestamp;
use buildbook::memo::{
    KeepReason, RemoveReason, TrimDecision, TrimItem, TrimKind, TrimPlan, TrimPolicy, execute_trim,
    plan_trim, survey_cache,
};
use serde::Serialize;

use crate::args::{self, MemoAction};
use crate::context::Context;
use crate::failure::{Failure, Outcome, Status};
use crate::output;

#[derive(Serialize)]
struct Plan<'a> {
    #[serde(serialize_with = "output::lossy")]
    cache: &'a Path,
    bytes: u64,
    bytes_to_free: u64,
    items: Vec<Item<'a>>,
    problems: Vec<String>,
}

#[derive(Serialize)]
struct Item<'a> {
    kind: &'static str,
    #[serde(serialize_with = "output::lossy")]
    path: &'a Path,
    bytes: u64,
    last_used: Option<Timestamp>,
    decision: &'static str,
    reason: &'static str,
}

#[derive(Serialize)]
struct Done<'a> {
    #[serde(serialize_with = "output::lossy")]
    cache: &'a Path,
    /// Before.
    bytes: u64,
    bytes_freed: u64,
    removed: usize,
    /// What was to go and was used meanwhile.
    used_since: usize,
    problems: Vec<String>,
}

pub(super) fn run(context: &Context, arguments: &args::Memo) -> Outcome {
    let MemoAction::Trim(arguments) = &arguments.action;
    trim(context, arguments)
}

#[expect(clippy::disallowed_methods, reason = "the memo compares it with the times of files")]
fn trim(context: &Context, arguments: &args::Trim) -> Outcome {
    let cache = cache(&arguments.cache)?;
    let policy = TrimPolicy {
        max_bytes: arguments.max_size,
        min_age: Duration::from_secs(u64::from(arguments.min_age_hours) * 3_600),
    };
    let plan = plan_trim(survey_cache(&cache)?, &policy, SystemTime::now());
    if arguments.dry_run { show(context, &cache, &plan) } else { execute(context, &cache, &plan, &policy) }
}

/// A misspelled name would otherwise be a cache with nothing in it.
fn cache(folder: &Path) -> Result<PathBuf, Failure> {
    let path = std::path::absolute(folder)
        .with_context(|| format!("cannot tell where {} is", folder.display()))
        .map_err(Failure::usage)?;
    match std::fs::metadata(&path) {
        Ok(metadata) if metadata.is_dir() => is_cache(path),
        Ok(_) => Err(Failure::usage(anyhow::anyhow!("{} is not a folder", path.display()))),
        Err(error) => Err(Failure::usage(
            anyhow::Error::new(error).context(format!("there is no cache at {}", path.display())),
        )),
    }
}

/// What a cache has: which of them comes first depends on what is done with it.
const PARTS: [&str; 8] =
    ["entries", "objects", "running", "running.lock", "known", "known.lock", "recent", "trim.lock"];

/// A folder with other files alone is not a cache; an empty one may be one that was just made.
fn is_cache(folder: PathBuf) -> Result<PathBuf, Failure> {
    let shown = folder.display();
    let entries = std::fs::read_dir(&folder).with_context(|| format!("cannot read {shown}"))?;
    let names: Vec<OsString> = entries.flatten().map(|entry| entry.file_name()).collect();
    if names.is_empty() || names.iter().any(|name| PARTS.iter().any(|part| name == part)) {
        return Ok(folder);
    }
    Err(Failure::usage(anyhow::anyhow!("there is no cache at {shown}: it has other files, and no entries")))
}

fn show(context: &Context, cache: &Path, plan: &TrimPlan) -> Outcome {
    let problems = super::explained(&plan.problems);
    let (bytes, bytes_to_free) = (plan.bytes(), plan.bytes_to_free());
    if context.json {
        let items = plan.items.iter().map(item).collect();
        output::json(&Plan { cache, bytes, bytes_to_free, items, problems })?;
        return Ok(Status::Done);
    }
    let mut text = String::new();
    for (kind, what) in [(TrimKind::Entry, "entries"), (TrimKind::Object, "objects")] {
        let of_kind = || plan.items.iter().filter(|item| item.kind == kind);
        let goes = of_kind().filter(|item| item.goes()).count();
        text.push_str(&format!("{what}: {goes} of {} would go\n", of_kind().count()));
    }
    text.push_str(&format!("{} of {} would be freed\n", output::size(bytes_to_free), output::size(bytes)));
    output::text(&text)?;
    output::problems(&problems);
    Ok(Status::Done)
}

fn execute(context: &Context, cache: &Path, plan: &TrimPlan, policy: &TrimPolicy) -> Outcome {
    let bytes = plan.bytes();
    let result = execute_trim(plan)?;
    let (removed, used_since, bytes_freed) = (result.removed, result.used_since, result.bytes_freed);
    let mut problems = super::explained(&plan.problems);
    problems.extend(super::explained(&result.problems));
    // A status that is not good has its reason on standard error too.
    output::problems(&problems);
    let is_well = problems.is_empty();
    let status = if is_well { Status::Done } else { Status::BadBook };
    if context.json {
        output::json(&Done { cache, bytes, bytes_freed, removed, used_since, problems })?;
        return Ok(status);
    }
    let mut text =
        format!("{removed} files removed, {} of {} freed\n", output::size(bytes_freed), output::size(bytes));
    if used_since > 0 {
        text.push_str(&format!("{used_since} stay after all: they were used or removed meanwhile\n"));
    }
    if bytes - bytes_freed.min(bytes) > policy.max_bytes {
        let hours = policy.min_age.as_secs() / 3_600;
        // What was used since may be older than that, and what could not be looked at as well.
        let is_all_recent = is_well && used_since == 0;
        let reason =
            if is_all_recent { format!(": they were used in the last {hours} hours") } else { String::new() };
        text.push_str(&format!("more than {} stay{reason}\n", output::size(policy.max_bytes)));
    }
    output::text(&text)?;
    Ok(status)
}

fn item(item: &TrimItem) -> Item<'_> {
    let kind = match item.kind {
        TrimKind::Entry => "entry",
        TrimKind::Object => "object",
        _ => "other",
    };
    let (decision, reason) = match item.decision {
        TrimDecision::Remove(reason) => ("remove", removal(reason)),
        TrimDecision::Keep(reason) => ("keep", stay(reason)),
    };
    let last_used = Timestamp::from_system_time(item.last_used);
    Item { kind, path: &item.path, bytes: item.bytes, last_used, decision, reason }
}

fn removal(reason: RemoveReason) -> &'static str {
    match reason {
        RemoveReason::Damaged => "damaged",
        RemoveReason::OverLimit => "over_limit",
        RemoveReason::Unneeded => "unneeded",
        _ => "other",
    }
}

fn stay(reason: KeepReason) -> &'static str {
    match reason {
        KeepReason::Recent => "recent",
        KeepReason::WithinLimit => "within_limit",
        KeepReason::Needed => "needed",
        KeepReason::MaybeNeeded => "maybe_needed",
        _ => "other",
    }
}
