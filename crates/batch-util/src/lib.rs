//! Pure helpers of a batch build: substring search, compiler lookup, build log classification.
//!
//! The main question this crate answers is *why did this build fail*: was it the package, the
//! machine, a missing system library, a version that does not exist? [`classify_build`] looks first
//! at how the process ended and then, in one pass over the bytes of the log, for the words by which
//! tools report each kind of failure, in the places where they mean it. The [`Verdict`] names the
//! category, the rule, the line that decided, and every other explanation found. [`Scan`] does the
//! same for a log that is still being written.
//!
//! Nothing here reads a file, a clock or the environment. No input makes it panic, and no input
//! makes it use more than some tens of kilobytes beyond what it was handed.
//!
//! # Limits
//!
//! - A verdict is an informed guess from the words of known tools, in English. It is worth what the
//!   log says: the [rules](rules()) have a [version](RULES_VERSION), so that old logs can be
//!   classified again by better ones.
//! - UTF-16 logs are read without error, but no rule recognises anything in them.
//!
//! # Example
//!
//! ```
//! use buildbook_batch_util::{Exit, Status, category, classify_build};
//!
//! let log = "   Compiling alsa-sys v0.3.1
//! error: failed to run custom build command for `alsa-sys v0.3.1`
//!   The system library `alsa` required by crate `alsa-sys` was not found.
//! ";
//! let verdict = classify_build(log, Exit::Code(101));
//! assert_eq!(verdict.status, Status::Failure);
//! assert_eq!(verdict.category, category::DEPEXT_UNAVAILABLE);
//! assert_eq!(verdict.rule.as_deref(), Some("pkg-config-crate"));
//! assert_eq!(verdict.message(), Some("The system library `alsa` required by crate `alsa-sys` was not found."));
//! assert_eq!(verdict.causes.len(), 2, "the failed build script is reported too");
//! ```

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub mod category;

mod compiler;
mod context;
mod decide;
mod evidence;
mod exit;
mod fingerprint;
mod line;
mod matcher;
mod rule;
mod rules;
mod scan;
mod substring;
mod tail;
mod verdict;

pub use compiler::extract_compiler_from_deps;
pub use decide::{classify_build, classify_build_log};
pub use exit::Exit;
pub use fingerprint::fingerprint;
pub use rule::{Confirm, Context, RULES_VERSION, Rule, Weight};
pub use rules::rules;
pub use scan::{Scan, classify_reader};
pub use substring::{contains_substring_ci, matches_any};
pub use verdict::{Cause, DecidingLine, Status, TEXT_LIMIT, Verdict};
