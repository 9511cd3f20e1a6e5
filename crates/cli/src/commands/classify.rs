//! `classify LOG…`: why a build failed, from its log.

use std::io;
use std::path::Path;

use anyhow::Context as _;
use buildbook::batch_util::{Exit, Verdict, classify_reader};
use buildbook::fsio;
use serde::Serialize;

use crate::args;
use crate::context::Context;
use crate::failure::{Failure, Outcome, Status};
use crate::output::{self, Table};

#[derive(Serialize)]
struct Document {
    verdicts: Vec<Row>,
    problems: Vec<String>,
}

#[derive(Serialize)]
struct Row {
    log: String,
    #[serde(flatten)]
    verdict: Verdict,
}

pub(super) fn run(context: &Context, arguments: &args::Classify) -> Outcome {
    let mut document = Document { verdicts: Vec::new(), problems: Vec::new() };
    for path in &arguments.logs {
        match classify(path) {
            Ok(verdict) => document.verdicts.push(Row { log: path.display().to_string(), verdict }),
            Err(error) => document.problems.push(format!("{error:#}")),
        }
    }
    if context.json {
        output::json(&document)?;
    } else {
        let mut table = Table::new(["LOG", "CATEGORY", "RULE", "LINE", "TEXT"]);
        for row in &document.verdicts {
            let line = row.verdict.line.as_ref();
            table.row([
                row.log.clone(),
                row.verdict.category.clone(),
                row.verdict.rule.clone().unwrap_or_default(),
                line.map(|line| line.number.to_string()).unwrap_or_default(),
                line.map(|line| output::shortened(&line.text, 120)).unwrap_or_default(),
            ]);
        }
        output::text(&table.to_string())?;
    }
    if document.problems.is_empty() {
        return Ok(Status::Done);
    }
    Err(Failure::failed(anyhow::anyhow!("{}", document.problems.join("; "))))
}

fn classify(path: &Path) -> anyhow::Result<Verdict> {
    let shown = path.display();
    if path == Path::new("-") {
        return classify_reader(io::stdin().lock(), Exit::Unknown).context("cannot read standard input");
    }
    let log =
        fsio::open_file(path)?.with_context(|| format!("cannot read {shown}: there is no such file"))?;
    classify_reader(log, Exit::Unknown).with_context(|| format!("cannot read {shown}"))
}
