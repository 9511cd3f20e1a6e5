//! What the memo does, as its users see it.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]

mod cancel;
mod example;
mod first;
mod kill;
mod support;
mod tasks;
mod trim;
