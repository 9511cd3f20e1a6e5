//! `why PKG`: the root cause of a package's failure, and since when.

use buildbook::history::{Entry, History};
use buildbook::layout::{Kind, PackageId};
use serde::Serialize;

use crate::args;
use crate::context::{self, Context};
use crate::failure::{Failure, Outcome, Status};
use crate::output;

#[derive(Serialize)]
struct Document {
    package: PackageId,
    /// The newest results, builds before documentation.
    entries: Vec<Entry>,
    /// From the package to the root of its failure; empty when it is well.
    causes: Vec<Cause>,
    problems: Vec<String>,
}

#[derive(Serialize)]
struct Cause {
    package: PackageId,
    entry: Entry,
    /// The first entry of this failure: from then on it has had the same category.
    since: Since,
    /// The newest entry before that was good, if ever one was.
    last_good: Option<Since>,
}

#[derive(Serialize)]
struct Since {
    ts: String,
    run: String,
    build_hash: String,
}

pub(super) fn run(context: &Context, arguments: &args::OnePackage) -> Outcome {
    let package = context::package(&arguments.package)?;
    let history = context.history()?;
    let reading = history.read(&package)?;
    let mut problems = super::lines(&history.tree().history(&package), &reading.problems);
    let newest: Vec<Entry> = [Kind::Build, Kind::Doc]
        .into_iter()
        .filter_map(|kind| newest(&reading.entries, kind).cloned())
        .collect();
    if newest.is_empty() {
        // What cannot be read is no proof that there is nothing.
        if context.json {
            output::json(&Document { package, entries: newest, causes: Vec::new(), problems })?;
            return Ok(Status::Failed);
        }
        output::problems(&problems);
        return Err(Failure::failed(anyhow::anyhow!("nothing is known of {package}")));
    }
    let causes = causes(&history, &package, &newest, &mut problems)?;
    let document = Document { package, entries: newest, causes, problems };
    if context.json {
        output::json(&document)?;
    } else {
        output::text(&text(&document))?;
        output::problems(&document.problems);
    }
    Ok(Status::Done)
}

/// What a package is judged by: its newest blessed entry, else its newest.
fn newest(entries: &[Entry], kind: Kind) -> Option<&Entry> {
    let mut of_kind = entries.iter().filter(|entry| entry.category.kind() == kind);
    of_kind.clone().find(|entry| entry.blessed).or_else(|| of_kind.next())
}

/// Follows failed dependencies to one that failed by itself.
fn causes(
    history: &History,
    package: &PackageId,
    newest_entries: &[Entry],
    problems: &mut Vec<String>,
) -> Result<Vec<Cause>, Failure> {
    let mut causes: Vec<Cause> = Vec::new();
    let Some(mut entry) = newest_entries.iter().find(|entry| !entry.category.is_success()).cloned() else {
        return Ok(causes);
    };
    let mut package = package.clone();
    loop {
        let reading = history.read(&package)?;
        causes.push(cause(&package, entry.clone(), &reading.entries));
        let Some(next) = entry.failed_dep.as_deref().and_then(|name| name.parse::<PackageId>().ok()) else {
            break;
        };
        if causes.iter().any(|cause| cause.package == next) {
            break;
        }
        let reading = history.read(&next)?;
        problems.extend(super::lines(&history.tree().history(&next), &reading.problems));
        // The dependency as it was in that run; it may have been mended since.
        let same_run =
            reading.entries.iter().find(|other| other.run == entry.run && !other.category.is_success());
        let Some(found) = same_run.or_else(|| newest(&reading.entries, Kind::Build)).cloned() else { break };
        (package, entry) = (next, found);
    }
    Ok(causes)
}

/// Looks back from an entry: how long it has been so, and when it was good.
fn cause(package: &PackageId, entry: Entry, entries: &[Entry]) -> Cause {
    let same_kind =
        |other: &&Entry| other.category.kind() == entry.category.kind() && other.blessed == entry.blessed;
    let older = || entries.iter().skip_while(|other| **other != entry).filter(same_kind);
    let since = older().take_while(|other| other.category == entry.category).last().unwrap_or(&entry);
    let last_good = older().find(|other| other.category.is_success());
    Cause { package: package.clone(), since: at(since), last_good: last_good.map(at), entry }
}

fn at(entry: &Entry) -> Since {
    Since { ts: entry.ts.clone(), run: entry.run.clone(), build_hash: entry.build_hash.clone() }
}

fn text(document: &Document) -> String {
    let mut text = String::new();
    for entry in &document.entries {
        text.push_str(&format!(
            "{}: {} in run {} ({}){}\n",
            document.package,
            output::one_line(entry.category.as_str()),
            output::one_line(&entry.run),
            output::one_line(&entry.ts),
            if entry.blessed { ", blessed" } else { "" },
        ));
    }
    for (depth, cause) in document.causes.iter().enumerate() {
        let indent = "  ".repeat(depth + 1);
        let word = if depth + 1 == document.causes.len() { "root cause" } else { "because of" };
        // The package itself heads the page already.
        if depth > 0 || document.causes.len() == 1 {
            let category = output::one_line(cause.entry.category.as_str());
            text.push_str(&format!("{indent}{word}: {} {category}\n", cause.package));
        }
        if let Some(error) = &cause.entry.error {
            text.push_str(&format!("{indent}  {}\n", output::one_line(error)));
        }
        text.push_str(&format!(
            "{indent}  since run {} ({})\n",
            output::one_line(&cause.since.run),
            output::one_line(&cause.since.ts)
        ));
        match &cause.last_good {
            Some(good) => text.push_str(&format!(
                "{indent}  last good in run {} ({}), {}\n",
                output::one_line(&good.run),
                output::one_line(&good.ts),
                if good.build_hash == cause.entry.build_hash {
                    "with the same inputs"
                } else {
                    "with other inputs"
                },
            )),
            None => text.push_str(&format!("{indent}  never good in this book\n")),
        }
    }
    text
}
