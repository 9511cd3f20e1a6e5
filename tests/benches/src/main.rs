//! Measures the parts of the book beside what somebody would use instead: `cargo xtask bench`.
//!
//! A [`row`] has sides, which do the same work in different ways, and claims about how they compare. The
//! [`schedule`] runs the sides of a row in turn, again and again, each in a process of its own, which is a [`worker`];
//! the [`report`] says what came of it. What is measured is in [`rows`], what it is measured on in [`data`], and what it
//! is measured against in [`bare`], [`sqlite`] and [`builds`].
#![allow(
    clippy::disallowed_methods,
    reason = "makes and removes what it measures, and the yardsticks must not use what they are compared with"
)]

mod bare;
mod builds;
mod crew;
mod data;
mod growth;
mod machine;
mod report;
mod row;
mod rows;
mod schedule;
mod sqlite;
mod worker;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Parser;

/// Measures the book beside its yardsticks.
#[derive(Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench")]
struct Arguments {
    /// Only these rows, by number.
    #[arg(long, value_name = "ROW", value_delimiter = ',')]
    only: Vec<u8>,
    /// How often each side of a row is measured.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Small sizes: whether everything runs, not how fast.
    #[arg(long)]
    quick: bool,
    /// Also write what was measured to this file, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Put the table into this document, between its marks.
    #[arg(long, value_name = "FILE", hide = true)]
    document: Option<PathBuf>,
    /// Name the rows.
    #[arg(long)]
    list: bool,
    /// Where the data are kept, on the file system that is to be measured.
    #[arg(long, value_name = "FOLDER", hide = true)]
    data: PathBuf,
    /// The program `buildbook`, as users have it.
    #[arg(long, value_name = "FILE", hide = true)]
    program: Option<PathBuf>,
    /// What this process does: the side of a row, or the role of a member of a crew.
    #[arg(long, value_name = "WORK", hide = true)]
    worker: Option<String>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let place = data::Place::new(&arguments.data, arguments.quick, arguments.program.as_deref());
    if let Some(work) = &arguments.worker {
        return worker::work(work, &place);
    }
    if arguments.list {
        for row in rows::ROWS {
            println!("{:>2}  {}", row.number, row.title);
        }
        return Ok(());
    }
    let rows = rows::select(&arguments.only)?;
    std::fs::create_dir_all(place.root())
        .with_context(|| format!("cannot make {}", place.root().display()))?;
    let mut report = report::Report::new(machine::describe(&place)?, arguments.rounds, arguments.quick);
    for row in rows {
        report.add(schedule::measure(row, &place, arguments.rounds)?);
        // All takes long: what has been measured is not lost with what has not.
        if let Some(file) = &arguments.json {
            report.write_json(file)?;
        }
        if let Some(document) = &arguments.document {
            report.write_into(document)?;
        }
    }
    println!("{}", report.text());
    place.tidy()
}
