//! What a guard promises.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
