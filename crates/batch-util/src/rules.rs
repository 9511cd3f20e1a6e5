//! The table of rules.
//!
//! Where `tests/logs` has a log with the words, they are as the tool printed them: cargo and rustc
//! 1.95, gcc 12, GNU ld 2.40, lld, make 4.3, CMake 4.4, pkgconf 1.8, apt 2.6, dpkg 1.21, curl 7.88,
//! wget 1.21, git 2.47, pip 23. The words of opam are those that public reports quote. The others,
//! such as the kernel's own lines and those of other linkers, are not yet backed by a captured log.

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

/// The last line of a log whose tool has finished and is content. See
/// [`crate::classify_build_log`].
pub(crate) const FINAL_LINES: [&str; 1] = ["Done."];

/// How such a line begins.
pub(crate) const FINAL_STARTS: [&str; 5] =
    ["Finished `", "test result: ok.", "-> installed ", "∗ installed ", "BUILD SUCCESSFUL"];

/// How lines begin that may follow such a line without taking anything back.
pub(crate) const AFTERTHOUGHTS: [&str; 3] = ["warning:", "note:", "#"];
