//! How much work is done: bytes read, files opened, pieces of memory asked for. No clock is looked at, so these tests
//! say the same on a machine that is busy; how long the work takes is for `cargo xtask bench` to say.
//!
//! What is counted happens in a process of its own, [`child`], with nothing beside it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "tests make what is read"
)]

mod child;
mod classify;
mod count;
mod farm;
mod incremental;
mod index;
mod memo;
mod opened;
mod reading;
mod run;

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

/// Counts what every crate asks it for.
#[global_allocator]
static MEMORY: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;
