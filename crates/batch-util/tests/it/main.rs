//! The public behaviour of the crate.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "tests")]

mod chunks;
mod exits;
mod false_alarms;
mod golden;
mod hostile;
mod logs;
mod plausible;
mod rules;
