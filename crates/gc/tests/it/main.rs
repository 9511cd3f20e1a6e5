//! What a collection promises, shown on real trees.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests build the situations that the library must survive"
)]

mod bytes;
mod child;
mod crash;
mod dry_run;
mod execute;
mod farm;
mod golden;
mod layers;
mod mounts;
mod race;
mod references;
mod touch;
mod universes;
mod unreadable;
