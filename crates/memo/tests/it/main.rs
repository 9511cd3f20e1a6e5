//! What the memo does, as its users see it.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]

mod cancel;
mod depth;
mod example;
mod first;
mod kill;
mod places;
mod probes_cache;
mod probes_ends;
mod probes_keys;
mod random;
mod rows;
mod shared;
mod shell;
mod support;
mod tasks;
mod trim;
