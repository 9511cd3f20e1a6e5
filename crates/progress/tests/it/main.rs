//! What a poller can rely on, and what a writer can.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests build the situations that the library must survive"
)]

mod crash;
mod file;
mod golden;
mod pollers;
mod record;

use buildbook_layout::Timestamp;
use buildbook_progress::Progress;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn fresh() -> Progress {
    Progress::create(
        "2026-03-09-125444".parse().unwrap(),
        "2026-03-09T12:54:44",
        ["astring.0.8.5", "fmt.0.9.0"],
    )
}
