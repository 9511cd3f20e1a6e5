//! What the file primitives promise, shown on real files by real processes.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests build the situations that the library must survive"
)]

mod append;
mod child;
mod folder;
mod lines;
mod lock;
mod lock_file;
mod remove;
