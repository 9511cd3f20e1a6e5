//! What a guard promises.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod cycles;
mod feedback;
mod files;
mod model;
mod operations;
mod scale;
mod stuck;

use buildbook_guard::{Allowed, FileId, Guard};

/// The numbers of several paths.
fn named<Op, const N: usize>(guard: &mut Guard<Op>, paths: [&str; N]) -> [FileId; N] {
    paths.map(|path| guard.file(path))
}

/// Takes out everything that is allowed.
fn drained<Op>(guard: &mut Guard<Op>) -> Vec<Allowed<Op>> {
    std::iter::from_fn(|| guard.allowed()).collect()
}
