//! `index`: the index of where everything stands, made anew.

use buildbook::atomic_swap::Durability;
use buildbook::status_index::{self, Cache, Status as Index};
use serde::Serialize;

use crate::args;
use crate::context::{self, Context};
use crate::failure::{Failure, Outcome, Status};
use crate::output;

#[derive(Serialize)]
struct Document<'a> {
    platform: String,
    #[serde(flatten)]
    status: &'a Index,
    problems: Vec<String>,
}

pub(super) fn run(context: &Context, arguments: &args::Index) -> Outcome {
    let (platform, tree) = (context.platform()?, context.platform_tree()?);
    // A book without platforms has nothing to make an index of.
    if !tree.path().is_dir() {
        return Err(anyhow::anyhow!(
            "the book has no platform {platform}: {} is not there",
            tree.path().display()
        )
        .into());
    }
    let run = match &arguments.run {
        Some(selector) => context::resolve_run(&context.run_log(), selector)?,
        None => super::standing::newest_run(context)?,
    };
    let previous = match status_index::read(tree.path()) {
        Ok(previous) => previous,
        Err(error @ status_index::Error::TooNew { .. }) => return Err(error.into()),
        // What is corrupt is replaced; that is what the command is for.
        Err(error) => {
            output::say(&format!("buildbook: {}; it is made anew", Failure::from(error)));
            None
        }
    };
    let mut cache = Cache::read(tree.path());
    let history = context.history()?;
    let generated =
        status_index::generate_incremental(&history, &run, previous.as_ref(), context.now, &mut cache)?;
    status_index::write(tree.path(), &generated.status, Durability::Synced).map_err(Failure::from)?;
    // Without it, the next index takes longer, and says the same.
    if let Err(error) = cache.write(tree.path()) {
        output::say(&format!("buildbook: {}", Failure::from(error)));
    }
    let problems = super::explained(&generated.problems);
    if context.json {
        output::json(&Document { platform: platform.to_string(), status: &generated.status, problems })?;
    } else {
        output::text(&super::status::text(platform.as_str(), &generated.status, &[]))?;
        output::problems(&problems);
    }
    Ok(Status::Done)
}
