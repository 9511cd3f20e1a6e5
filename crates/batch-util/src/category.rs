//! The names of categories.
//!
//! A category is an open set of strings: a history may hold names that this version has never heard
//! of, and every reader keeps them. These constants are the names that classification writes. The
//! first four are as old as the format; the others follow its style and are new, so a dashboard
//! that does not know them shows them as they are.

/// The build did what was asked.
pub const SUCCESS: &str = "success";

/// The package itself does not build: the same inputs fail again.
pub const BUILD_FAILURE: &str = "build_failure";

/// The machine or the network failed, not the package: trying again may succeed.
pub const TRANSIENT_FAILURE: &str = "transient_failure";

/// A library, header or program that the system should provide is missing.
pub const DEPEXT_UNAVAILABLE: &str = "depext_unavailable";

/// No set of versions satisfies what was asked for: a package or a version does not exist, or two
/// requirements exclude each other.
pub const SOLVER_FAILURE: &str = "solver_failure";

/// A source could not be had and asking again gives the same answer: gone, forbidden, or not the
/// file that was promised.
pub const FETCH_FAILURE: &str = "fetch_failure";

/// The build was stopped because its time was up.
pub const TIMEOUT_FAILURE: &str = "timeout_failure";

/// The order in which categories explain a failure when a log holds evidence of several, best
/// first.
///
/// What makes the whole attempt worthless comes before what is wrong with the package: a machine
/// without disk space says nothing about the package, and a missing system library explains the
/// compiler errors that follow from it.
pub(crate) fn rank(category: &str) -> usize {
    const ORDER: [&str; 5] =
        [TRANSIENT_FAILURE, DEPEXT_UNAVAILABLE, FETCH_FAILURE, SOLVER_FAILURE, BUILD_FAILURE];
    ORDER.iter().position(|&known| known == category).unwrap_or(ORDER.len())
}
