//! What is left after a stop or a failure at each file operation, as a table.

use std::fs;

use anyhow::{Context as _, Result, bail, ensure};
use buildbook_tests::crash::{procedures, run as run_procedure, table, uncovered};

use crate::shell;

const DOCUMENT: &str = "docs/crash-safety.md";
const BEGIN: &str = "<!-- The crash matrix, written by `cargo xtask crash-matrix --write`. -->\n";
const END: &str = "<!-- The end of the crash matrix. -->\n";

/// Options of `cargo xtask crash-matrix`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only procedures whose names have this in them; the table is printed, and compared with nothing.
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["check", "write"])]
    only: Option<String>,
    /// Fail if the document has another table.
    #[arg(long, conflicts_with = "write")]
    check: bool,
    /// Put the table into the document.
    #[arg(long)]
    write: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut procedures = procedures();
    let mut failures = uncovered(&shell::root(), &procedures)?;
    if let Some(only) = &arguments.only {
        procedures.retain(|procedure| procedure.name.contains(only.as_str()));
        ensure!(!procedures.is_empty(), "no procedure has `{only}` in its name");
    }
    let mut rows = Vec::new();
    for procedure in &procedures {
        match run_procedure(procedure) {
            Ok(row) => {
                failures.extend(row.failures.iter().map(|failure| format!("{}: {failure}", row.name)));
                rows.push(row);
            }
            Err(error) => failures.push(format!("{}: {error:#}", procedure.name)),
        }
    }
    let table = table(&procedures, &rows);
    print!("{table}");
    ensure!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
    let path = shell::root().join(DOCUMENT);
    let document = fs::read_to_string(&path).with_context(|| format!("cannot read {DOCUMENT}"))?;
    if arguments.check {
        ensure!(
            put(&document, &table)? == document,
            "{DOCUMENT} has another table: run `cargo xtask crash-matrix --write`"
        );
    }
    if arguments.write {
        fs::write(&path, put(&document, &table)?).with_context(|| format!("cannot write {DOCUMENT}"))?;
    }
    Ok(())
}

/// The document with this table between the marks.
fn put(document: &str, table: &str) -> Result<String> {
    let parts = document.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let Some((before, after)) = parts else { bail!("{DOCUMENT} has no place for the table") };
    Ok(format!("{before}{BEGIN}\n{table}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let document = format!("before\n{BEGIN}old\n{END}after\n");
        let new = put(&document, "new\n").unwrap();
        assert_eq!(new, format!("before\n{BEGIN}\nnew\n\n{END}after\n"));
        assert_eq!(put(&new, "new\n").unwrap(), new, "a second time changes nothing");
        assert!(put("no marks", "new\n").is_err());
    }
}
