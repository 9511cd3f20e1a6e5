//! A small service that embeds only histories and the index: it reads results, one JSON object a line, from
//! standard input, appends each to its package's history, and says at the end where everything stands.
//!
//! ```text
//! printf '%s\n' '{"package":"fmt.0.9.0","ok":true}' '{"package":"bos.0.2.1","ok":false}' |
//!   cargo run -p buildbook --example embedded_history --no-default-features --features status-index -- /tmp/packages
//! ```
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example shows what it does")]

use std::error::Error;
use std::io::BufRead as _;
use std::path::PathBuf;

use buildbook::history::{Entry, History};
use buildbook::layout::{Category, PackageId, PackagesTree, RunId, Timestamp};
use buildbook::status_index;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("packages"), PathBuf::from);
    let history = History::at(PackagesTree::at(folder));
    let run = RunId::starting_at(Timestamp::now());

    for (number, line) in std::io::stdin().lock().lines().enumerate() {
        // One bad line is one bad line.
        match result(&line?) {
            Ok((package, ok)) => {
                history.append(&package, &entry(&run, ok))?;
            }
            Err(problem) => eprintln!("line {}: {problem}", number + 1),
        }
    }

    let generated = status_index::generate(&history, &run, None, Timestamp::now())?;
    for standing in &generated.standings {
        println!("{}  {}", standing.package, standing.category);
    }
    for problem in &generated.problems {
        eprintln!("skipped: {problem}");
    }
    Ok(())
}

/// Reads `{"package":"name.version","ok":true}` without a JSON library, to keep the example's dependencies to the
/// facade alone.
fn result(line: &str) -> Result<(PackageId, bool), Box<dyn Error>> {
    let value_of = |key: &str| {
        let rest = line.split_once(&format!("\"{key}\":"))?.1;
        let end = rest.find([',', '}'])?;
        rest.get(..end).map(|value| value.trim().trim_matches('"').to_owned())
    };
    let package = value_of("package").ok_or("there is no package")?.parse()?;
    Ok((package, value_of("ok").ok_or("there is no result")? == "true"))
}

fn entry(run: &RunId, ok: bool) -> Entry {
    Entry {
        ts: Timestamp::now().to_string(),
        run: run.to_string(),
        build_hash: "none".to_owned(),
        status: if ok { "success" } else { "failure" }.to_owned(),
        category: Category::new(if ok { Category::SUCCESS } else { Category::BUILD_FAILURE }),
        compiler: String::new(),
        blessed: true,
        error: None,
        failed_dep: None,
        failed_dep_hash: None,
        universe: None,
    }
}
