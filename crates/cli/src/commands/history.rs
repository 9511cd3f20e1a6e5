//! `history PKG`: what happened to a package.

use buildbook::history::{Entry, Reading};
use serde::Serialize;

use crate::args;
use crate::context::{self, Context};
use crate::failure::{Failure, Outcome, Status};
use crate::output::{self, Table};

#[derive(Serialize)]
struct Document<'a> {
    package: &'a str,
    entries: Vec<Entry>,
    problems: Vec<String>,
}

pub(super) fn run(context: &Context, arguments: &args::History) -> Outcome {
    let package = context::package(&arguments.package)?;
    let history = context.history()?;
    let path = history.tree().history(&package);
    let Reading { entries, problems, .. } = if arguments.latest {
        history.read_latest(&package)?
    } else if arguments.blessed {
        let blessed = history.read_blessed(&package)?;
        if blessed.entry.is_none() && context.json {
            output::json(&Document {
                package: package.as_str(),
                entries: Vec::new(),
                problems: super::lines(&path, &blessed.problems),
            })?;
            return Ok(Status::Failed);
        }
        return show(
            context,
            package.as_str(),
            blessed.entry.into_iter().collect(),
            &super::lines(&path, &blessed.problems),
        );
    } else if let Some(count) = arguments.newest {
        history.newest(&package, count)?
    } else {
        history.read(&package)?
    };
    show(context, package.as_str(), entries, &super::lines(&path, &problems))
}

fn show(context: &Context, package: &str, entries: Vec<Entry>, problems: &[String]) -> Outcome {
    let found = !entries.is_empty();
    if context.json {
        output::json(&Document { package, entries, problems: problems.to_vec() })?;
    } else {
        let mut table = Table::new(["TIME", "RUN", "HASH", "STATUS", "CATEGORY", "", "ERROR"]);
        for entry in &entries {
            table.row([
                entry.ts.clone(),
                entry.run.clone(),
                output::shortened(&entry.build_hash, 24),
                entry.status.clone(),
                entry.category.to_string(),
                if entry.blessed { "blessed".to_owned() } else { String::new() },
                output::shortened(entry.error.as_deref().unwrap_or_default(), 80),
            ]);
        }
        if !table.is_empty() {
            output::text(&table.to_string())?;
        }
        output::problems(problems);
    }
    if found || !problems.is_empty() {
        return Ok(Status::Done);
    }
    if context.json {
        Ok(Status::Failed)
    } else {
        Err(Failure::failed(anyhow::anyhow!("nothing is known of {package}")))
    }
}
