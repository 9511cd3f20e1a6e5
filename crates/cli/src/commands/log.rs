//! `log PKG`: the log of a package.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use buildbook::fsio;
use buildbook::layout::{PackageId, RunId};
use serde::Serialize;

use crate::args;
use crate::context::{self, Context};
use crate::failure::{Failure, Outcome, Status};
use crate::output;

#[derive(Serialize)]
struct Document {
    logs: Vec<Log>,
    problems: Vec<String>,
}

#[derive(Serialize)]
struct Log {
    package: PackageId,
    run: RunId,
    #[serde(serialize_with = "output::lossy")]
    path: PathBuf,
    text: String,
}

pub(super) fn run(context: &Context, arguments: &args::Log) -> Outcome {
    let package = context::package(&arguments.package)?;
    let (run, path, mut file) = find(context, &package, arguments.run.as_deref())?;
    if context.json {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).with_context(|| format!("cannot read {}", path.display()))?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        output::json(&Document { logs: vec![Log { package, run, path, text }], problems: Vec::new() })?;
        return Ok(Status::Done);
    }
    // Byte for byte: a log may have any encoding.
    let mut out = io::stdout().lock();
    output::unless_gone(io::copy(&mut file, &mut out).and_then(|_| out.flush()))
        .with_context(|| format!("cannot print {}", path.display()))?;
    Ok(Status::Done)
}

/// The log in the run that was asked for, else in the newest run that has one.
fn find(
    context: &Context,
    package: &PackageId,
    run: Option<&str>,
) -> Result<(RunId, PathBuf, std::fs::File), Failure> {
    let run_log = context.run_log();
    let runs: Vec<RunId> = match run {
        Some(selector) => vec![context::resolve_run(&run_log, selector)?],
        None => run_log.runs()?.runs.into_iter().rev().map(|run| run.id).collect(),
    };
    for id in runs {
        let tree = context.book.logs().run(&id);
        for path in [tree.build_log(package), tree.doc_log(package)] {
            if let Some(target) = follow(context, &path)?
                && let Some(file) = fsio::open_file(&target)?
            {
                return Ok((id, path, file));
            }
        }
    }
    let place = run.map_or_else(|| "any run".to_owned(), |run| format!("run {run}"));
    Err(Failure::failed(anyhow::anyhow!("{package} has no log in {place}")))
}

/// The original links to the log in a layer, so a link is followed, but not out of the book: what is there is no
/// log, whatever its name says. Parts of the book may themselves be links, to another disk for instance. `None`
/// for a log that is not there, and for a link that dangles because the layer has gone.
fn follow(context: &Context, path: &Path) -> Result<Option<PathBuf>, Failure> {
    let shown = path.display();
    let target = match std::fs::canonicalize(path) {
        Ok(target) => target,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(anyhow::Error::from(error).context(format!("cannot read {shown}")).into()),
    };
    let (book, logs) = (&context.book, context.book.logs());
    let mut parts = vec![book.path().to_owned(), logs.path().to_owned(), logs.runs()];
    parts.extend(context.platforms()?.iter().map(|platform| book.platform(platform).path().to_owned()));
    let is_inside = |part: &PathBuf| std::fs::canonicalize(part).is_ok_and(|part| target.starts_with(part));
    if !parts.iter().any(is_inside) {
        return Err(anyhow::anyhow!("{shown} leads out of the book, to {}", target.display()).into());
    }
    Ok(Some(target))
}
