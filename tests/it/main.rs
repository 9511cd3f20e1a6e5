//! Scenarios across crates: what no part can promise alone.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "tests build the situations that the book must survive"
)]

mod batch;
mod child;
mod crash_matrix;
mod formats;
mod hostile;
mod hostile_input;
mod limits;
mod lockf;
mod many;
mod mounts;
mod power_cut;
mod program;
mod properties;
mod soak;
mod zones;

use buildbook::history::Entry;
use buildbook::layout::{Category, PackageId, Timestamp};

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn package(name: &str) -> PackageId {
    name.parse().unwrap()
}

/// A blessed result of a build, and nothing beyond it.
fn entry(run: &str, ts: Timestamp, layer: &str, category: &str) -> Entry {
    let succeeded = category.ends_with("success");
    Entry {
        ts: ts.to_string(),
        run: run.to_owned(),
        build_hash: layer.to_owned(),
        status: if succeeded { Entry::SUCCESS } else { Entry::FAILURE }.to_owned(),
        category: Category::new(category),
        compiler: "5.3.0".to_owned(),
        blessed: true,
        error: None,
        failed_dep: None,
        failed_dep_hash: None,
        universe: None,
    }
}
