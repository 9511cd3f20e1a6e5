//! The program, run as users run it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "tests build the situations that the program must survive"
)]

mod bad_input;
mod batch;
mod book;
mod crowd;
mod farm;
mod in_place;
mod interrupt;
mod memo;
mod memo_kill;
mod memo_trim;
mod operator;
mod reading;
mod streams;
mod unruly;
