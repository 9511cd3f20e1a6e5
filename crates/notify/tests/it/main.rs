//! The public behaviour of the crate, against real servers on loopback.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "tests"
)]
#![allow(clippy::disallowed_methods, reason = "tests make files and read their own environment")]

mod settings;
mod stdout;

#[cfg(any(feature = "http", feature = "email"))]
mod support;

#[cfg(feature = "http")]
mod chat;
#[cfg(feature = "http")]
mod chat_trouble;
#[cfg(feature = "email")]
mod mail;
#[cfg(feature = "email")]
mod mail_trouble;
#[cfg(all(feature = "http", feature = "email"))]
mod payloads;
#[cfg(all(feature = "http", feature = "email"))]
mod tls;
