//! `packages` and `failures`: every package, or those that are broken.

use buildbook::layout::{Category, RunId};
use buildbook::status_index::{self, Cache, Generated, Standing};
use serde::Serialize;

use crate::args;
use crate::context::Context;
use crate::failure::{Failure, Outcome, Status};
use crate::output::{self, Table};

#[derive(Serialize)]
struct Packages {
    packages: Vec<Standing>,
    problems: Vec<String>,
}

#[derive(Serialize)]
struct Failures {
    failures: Vec<Broken>,
    problems: Vec<String>,
}

#[derive(Serialize)]
struct Broken {
    #[serde(flatten)]
    standing: Standing,
    error: Option<String>,
}

pub(super) fn packages(context: &Context, arguments: &args::Packages) -> Outcome {
    let mut generated = standings(context)?;
    if let Some(category) = &arguments.category {
        generated.standings.retain(|standing| standing.category.as_str() == category);
    }
    if context.json {
        let problems = super::explained(&generated.problems);
        output::json(&Packages { packages: generated.standings, problems })?;
        return Ok(Status::Done);
    }
    let mut table = Table::new(["PACKAGE", "KIND", "CATEGORY", "SINCE", "RUN", ""]);
    for standing in &generated.standings {
        table.row([
            standing.package.to_string(),
            standing.kind.to_string(),
            standing.category.to_string(),
            standing.since_ts.clone(),
            standing.run.clone(),
            blessing(standing),
        ]);
    }
    if !table.is_empty() {
        output::text(&table.to_string())?;
    }
    output::problems(&super::explained(&generated.problems));
    Ok(Status::Done)
}

pub(super) fn failures(context: &Context, arguments: &args::Failures) -> Outcome {
    if let Some(category) = arguments.category.as_deref().filter(|name| Category::from(*name).is_success()) {
        let why = format!("{category} is no failure; `buildbook packages --category {category}` lists them");
        return Err(Failure::usage(anyhow::anyhow!(why)));
    }
    let generated = standings(context)?;
    let history = context.history()?;
    let mut failures = Vec::new();
    for standing in generated.standings {
        let wanted = match &arguments.category {
            Some(category) => standing.category.as_str() == category,
            None => !standing.category.is_success(),
        };
        if !wanted {
            continue;
        }
        // The index does not carry texts; the entry that it stands on does.
        let entries = history.read(&standing.package)?.entries;
        let error = entries
            .into_iter()
            .find(|entry| entry.run == standing.run && entry.build_hash == standing.build_hash)
            .and_then(|entry| entry.error);
        failures.push(Broken { standing, error });
    }
    if context.json {
        output::json(&Failures { failures, problems: super::explained(&generated.problems) })?;
        return Ok(Status::Done);
    }
    let mut table = Table::new(["PACKAGE", "CATEGORY", "SINCE", "", "ERROR"]);
    for broken in &failures {
        table.row([
            broken.standing.package.to_string(),
            broken.standing.category.to_string(),
            broken.standing.since_ts.clone(),
            blessing(&broken.standing),
            output::shortened(broken.error.as_deref().unwrap_or_default(), 100),
        ]);
    }
    if !table.is_empty() {
        output::text(&table.to_string())?;
    }
    output::problems(&super::explained(&generated.problems));
    Ok(Status::Done)
}

fn blessing(standing: &Standing) -> String {
    if standing.blessed { "blessed".to_owned() } else { String::new() }
}

/// Where every package stands, from the histories themselves: they are always up to date.
fn standings(context: &Context) -> Result<Generated, Failure> {
    let run = newest_run(context)?;
    let mut cache = Cache::read(context.book.platform(&context.platform()?).path());
    Ok(status_index::generate_incremental(&context.history()?, &run, None, context.now, &mut cache)?)
}

/// The newest run; for a book without runs, one that would begin now.
pub(super) fn newest_run(context: &Context) -> Result<RunId, Failure> {
    let runs = context.run_log().runs()?;
    Ok(runs.runs.last().map_or_else(|| RunId::starting_at(context.now), |run| run.id.clone()))
}
