//! What must be true of any bytes whatever, wherever a program of the book reads them.
//!
//! Each property is a function of bytes that panics when it does not hold. Fuzzing calls it with what a fuzzer
//! makes up (`tests/fuzz`, `cargo xtask fuzz`), the test suite with bytes of its own making and with the committed
//! corpus of each.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a property that does not hold panics, and files of any bytes are made without the help of the crates"
)]

mod collection;
mod compaction;
mod documents;
mod history;
mod leftovers;
mod lines;
mod locks;
mod names;
mod replies;
mod rules;
mod runs;

use std::path::{Path, PathBuf};

use buildbook_layout::Timestamp;
use tempfile::TempDir;

pub use collection::check_collection;
pub use compaction::check_compaction;
pub use documents::{check_progress, check_status};
pub use history::check_history;
pub use leftovers::check_leftovers;
pub use lines::check_lines;
pub use locks::check_lock_body;
pub use names::check_names;
pub use replies::check_replies;
pub use rules::check_rules;
pub use runs::{check_events, check_records};

/// A property, and the name of its fuzz target and of the folder of its corpus.
#[derive(Debug, Clone, Copy)]
pub struct Property {
    /// The name.
    pub name: &'static str,
    /// Panics if the property does not hold of the bytes.
    pub check: fn(&[u8]),
}

/// All properties but [`check_replies`], which needs somebody who sends.
pub const PROPERTIES: &[Property] = &[
    Property { name: "lines", check: check_lines },
    Property { name: "history", check: check_history },
    Property { name: "compaction", check: check_compaction },
    Property { name: "status", check: check_status },
    Property { name: "progress", check: check_progress },
    Property { name: "records", check: check_records },
    Property { name: "events", check: check_events },
    Property { name: "names", check: check_names },
    Property { name: "lock_body", check: check_lock_body },
    Property { name: "collection", check: check_collection },
    Property { name: "leftovers", check: check_leftovers },
    Property { name: "rules", check: check_rules },
];

/// A folder in memory where there is one: thousands of them are made in a second.
fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.unwrap()
}

/// A file of these bytes in a folder that may have to be made.
fn file(path: impl Into<PathBuf>, bytes: &[u8]) -> PathBuf {
    let path = path.into();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, bytes).unwrap();
    path
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// The lines of a file, found the slow way.
fn lines_of(bytes: &[u8]) -> Vec<&[u8]> {
    let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    // What follows the last line feed is a line only if it is something.
    lines.pop_if(|last| last.is_empty());
    lines
}
