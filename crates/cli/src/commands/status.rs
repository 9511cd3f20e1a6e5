//! `status`: where everything stands, and what changed.

use std::collections::BTreeMap;

use buildbook::layout::RunId;
use buildbook::runlog::RunState;
use buildbook::status_index::{self, Inspected, Status as Index};
use serde::Serialize;

use crate::context::Context;
use crate::failure::{Outcome, Status};
use crate::output;

#[derive(Serialize)]
struct Document<'a> {
    platform: String,
    #[serde(flatten)]
    status: &'a Index,
    /// Runs that began after the one that the index is of.
    newer_runs: Vec<RunId>,
    problems: Vec<String>,
}

pub(super) fn run(context: &Context) -> Outcome {
    let (platform, tree) = (context.platform()?, context.platform_tree()?);
    let inspected = status_index::inspect(tree.path()).map_err(|error| match error {
        status_index::Error::Corrupt { .. } => {
            anyhow::anyhow!("{}; `buildbook index` makes it anew", output::explained(&error))
        }
        error => error.into(),
    });
    let Some(Inspected { status, mut problems, .. }) = inspected? else {
        return Err(anyhow::anyhow!(
            "there is no index at {}; `buildbook index` makes one",
            tree.status().display()
        )
        .into());
    };
    // An index that is older than the newest run must not be taken for the last word.
    let newer_runs = match context.run_log().runs() {
        Ok(runs) => runs
            .runs
            .into_iter()
            .filter(|run| run.id.as_str() > status.run_id.as_str())
            .filter(|run| run.state != RunState::Unknown)
            .map(|run| run.id)
            .collect(),
        Err(error) => {
            problems.push(output::explained(&error));
            Vec::new()
        }
    };
    if context.json {
        output::json(&Document { platform: platform.to_string(), status: &status, newer_runs, problems })?;
        return Ok(Status::Done);
    }
    output::text(&text(platform.as_str(), &status, &newer_runs))?;
    output::problems(&problems);
    Ok(Status::Done)
}

/// Also what `index` prints.
pub(super) fn text(platform: &str, status: &Index, newer_runs: &[RunId]) -> String {
    let (run, generated) = (output::one_line(&status.run_id), output::one_line(&status.generated));
    let mut text = format!("{platform} after run {run} ({generated})\n");
    if let Some(newest) = newer_runs.last() {
        text.push_str(&format!(
            "run {newest} is newer and not part of this; `buildbook index` takes it in\n"
        ));
    }
    for (title, totals) in [("blessed", &status.blessed_totals), ("other builds", &status.non_blessed_totals)]
    {
        let shown: BTreeMap<String, u64> =
            totals.iter().map(|(category, count)| (category.to_string(), *count)).collect();
        if !shown.is_empty() {
            text.push_str(&format!("\n{title}\n"));
            for (category, count) in shown {
                text.push_str(&format!("  {count:>7}  {}\n", output::one_line(&category)));
            }
        }
    }
    if status.changes.is_empty() {
        text.push_str("\nno change\n");
    } else {
        text.push_str(&format!("\nchanges\n{}", super::change_table(&status.changes)));
    }
    if !status.new_packages.is_empty() {
        text.push_str("\nnew packages\n");
        for package in &status.new_packages {
            text.push_str(&format!("  {}\n", package));
        }
    }
    text
}
