//! The table of rules.
//!
//! The wording of every pattern was taken from what the tools print: cargo and rustc 1.95, gcc 12, GNU ld 2.40, lld, make 4.3, CMake
//! 4.4, pkgconf 1.8, apt 2.6, dpkg, curl 7.88, wget 1.21, git 2.39, pip, opam 2.

mod build;
mod depext;
mod source;
mod transient;

use crate::rule::Rule;

static GROUPS: [&[Rule]; 4] = [transient::RULES, depext::RULES, source::RULES, build::RULES];

/// All rules, in the order in which they are tried on a line.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    GROUPS.iter().copied().flatten()
}

/// How the last line begins of a log whose tool has finished and is content. See [`crate::classify_build_log`].
pub(crate) const FINAL_LINES: [&str; 6] =
    ["Finished `", "test result: ok.", "Done.", "-> installed ", "∗ installed ", "BUILD SUCCESSFUL"];

/// How lines begin that may follow such a line without taking anything back.
pub(crate) const AFTERTHOUGHTS: [&str; 3] = ["warning:", "note:", "#"];
