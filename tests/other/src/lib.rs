//! Other processes, played by the test binary itself.
//!
//! A test starts one with [`Other::start`], which runs the same binary once more with nothing but the test
//! `child::plays_its_role`. That test asks for its [`part`]; it has none in an ordinary run, and does nothing then.
//! A role says when it is ready and waits to be told to go on, by [`ready_until_told`], and is told by [`Other::go_on`]
//! or by the end of its standard input.
//!
//! Others than this library lock with `lockf`, which C, OCaml and Python have alike. The role [`hold_lockf`] does.

#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "for tests, which panic when something is wrong"
)]
#![allow(clippy::print_stdout, reason = "the test listens to the standard output of the process")]
#![allow(clippy::disallowed_methods, reason = "what a role is stands in its environment")]

mod lockf;
mod other;
mod role;

pub use lockf::{hold_lockf, lockf, lockf_is_refused, wait_for_lockf};
pub use other::Other;
pub use role::{part, ready_until_told, say};
