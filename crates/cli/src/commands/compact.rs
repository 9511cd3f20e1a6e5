//! `compact`: shorter histories that still tell every change.

use anyhow::Context as _;
use buildbook::history::{Compacted, History, Retention};
use buildbook::layout::PackageId;
use serde::Serialize;

use crate::args;
use crate::context::{self, Context};
use crate::failure::{Failure, Outcome, Status};
use crate::output;

#[derive(Serialize)]
struct Document {
    packages: Vec<Row>,
    problems: Vec<String>,
}

#[derive(Serialize)]
struct Row {
    package: PackageId,
    lines_before: usize,
    lines_after: usize,
    bytes_before: u64,
    bytes_after: u64,
}

pub(super) fn run(context: &Context, arguments: &args::Compact) -> Outcome {
    let history = context.history()?;
    let mut problems = Vec::new();
    // Everything is checked before anything is rewritten.
    let packages = if arguments.packages.is_empty() {
        let listed = history.packages()?;
        problems.extend(super::explained(&listed.problems));
        listed.packages
    } else {
        arguments.packages.iter().map(|name| known(&history, name)).collect::<Result<_, _>>()?
    };
    let retention =
        Retention { max_entries: arguments.max_entries, ..Retention::days(arguments.max_age_days) };
    let (mut rows, mut failed) = (Vec::new(), false);
    for package in packages {
        // One package that cannot be compacted does not stop the others.
        match history.compact(&package, &retention, context.now) {
            Ok(compacted) => {
                problems.extend(super::lines(&history.tree().history(&package), &compacted.problems));
                rows.push(row(package, &compacted));
            }
            Err(error) => {
                failed = true;
                problems.push(format!("{:#}", anyhow::Error::new(error)));
            }
        }
    }
    if context.json {
        output::json(&Document { packages: rows, problems: problems.clone() })?;
    } else {
        let lines = |of: fn(&Row) -> usize| rows.iter().map(of).sum::<usize>();
        let bytes = |of: fn(&Row) -> u64| rows.iter().map(of).sum::<u64>();
        output::text(&format!(
            "{} packages: {} of {} lines kept, {} of {}",
            rows.len(),
            lines(|row| row.lines_after),
            lines(|row| row.lines_before),
            output::size(bytes(|row| row.bytes_after)),
            output::size(bytes(|row| row.bytes_before)),
        ))?;
    }
    // A status that is not good has its reason on standard error too.
    if failed || !context.json {
        output::problems(&problems);
    }
    Ok(if failed { Status::BadBook } else { Status::Done })
}

/// A package that has a history.
fn known(history: &History, name: &str) -> Result<PackageId, Failure> {
    let package = context::package(name)?;
    let path = history.tree().history(&package);
    if path.try_exists().with_context(|| format!("cannot read {}", path.display()))? {
        return Ok(package);
    }
    Err(Failure::failed(anyhow::anyhow!("nothing is known of {package}")))
}

fn row(package: PackageId, compacted: &Compacted) -> Row {
    Row {
        package,
        lines_before: compacted.lines_before,
        lines_after: compacted.lines_after,
        bytes_before: compacted.bytes_before,
        bytes_after: compacted.bytes_after,
    }
}
