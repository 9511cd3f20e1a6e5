//! The record that `status.json` is.
//!
//! Keys are written in this order, pretty-printed, with a line feed at the end. The first six are those of
//! the original; it ignores the others.
//!
//! | key | value | when it is missing |
//! |---|---|---|
//! | `generated` | time in UTC, `YYYY-MM-DDTHH:MM:SSZ` | corrupt |
//! | `run_id` | run id | corrupt |
//! | `blessed_totals`, `non_blessed_totals` | object from category to count, sorted | empty |
//! | `changes_since_last` | list of [`Change`], by package, kind and hash | empty |
//! | `new_packages` | list of packages, sorted | empty |
//! | `version` | whole number | 1 |
//! | `since` | run id | the run before, of each package |

use std::collections::BTreeMap;

use buildbook_layout::{Category, Kind, PackageId, RunId};
use serde::Serialize;

/// The version of the format. Keys that readers may ignore do not raise it.
pub const VERSION: u32 = 1;

/// How many builds there are of each category.
pub type Totals = BTreeMap<Category, u64>;

/// Where all packages stand after a run, in numbers, and what changed.
///
/// The totals count every build of every package once, whether or not this run touched it: a build is one
/// hash of one kind, and counts with its newest result up to this run. Hence the sum of both totals is the
/// number of distinct builds in the histories up to this run, and the sum of `blessed_totals` is the
/// number of [`Standing`](crate::Standing)s that are blessed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// When it was generated, in UTC.
    pub generated: String,
    /// The run after which this is so.
    pub run_id: String,
    /// For each package and kind that was ever blessed, the category of the newest blessed result.
    pub blessed_totals: Totals,
    /// The categories of all other builds.
    pub non_blessed_totals: Totals,
    /// What is otherwise than it was, by package, kind and hash.
    #[serde(rename = "changes_since_last")]
    pub changes: Vec<Change>,
    /// Packages that were never heard of before, in the order of their spelling.
    pub new_packages: Vec<PackageId>,
    /// The version of the format.
    pub version: u32,
    /// The run that the changes are relative to; `None` when each package is compared with whatever run it
    /// was in before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
}

impl Status {
    /// The run, if the text is a run id.
    #[must_use]
    pub fn run(&self) -> Option<RunId> {
        self.run_id.parse().ok()
    }
}

/// A result that is otherwise than it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The package.
    pub package: PackageId,
    /// The build that has the new result.
    pub build_hash: String,
    /// Whether that build stands for the package.
    pub blessed: bool,
    /// The category before.
    #[serde(rename = "from")]
    pub from_status: Category,
    /// The category now.
    #[serde(rename = "to")]
    pub to_status: Category,
    /// Whether it is about the package or its documentation.
    pub kind: Kind,
    /// The build that had the result before; `None` in files of the original, which compares results of the
    /// same build only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_hash: Option<String>,
    /// The run that brought the change; `None` in files of the original.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// What kind of change it is; `None` in files of the original, and for words of later versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what: Option<What>,
}

/// What kind of change it is.
///
/// Trouble with the machine or the network says nothing about a package, so what comes after it is compared
/// with the last result that does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum What {
    /// It succeeded and fails now.
    NewFailure,
    /// It failed and succeeds now.
    Recovered,
    /// It fails as before, for another reason.
    StillFailingNewCause,
    /// It cannot be built any more, because something that it depends on fails.
    Blocked,
    /// It could not be built for that reason, and succeeds now.
    Unblocked,
    /// The machine or the network failed; nothing is known.
    InfraFailure,
    /// That is over, and the result is what it was before.
    InfraCleared,
    /// The same build, from the same inputs, succeeded one time and failed another.
    Unstable,
    /// Both are successes, in different words.
    Other,
}

impl What {
    const ALL: [What; 9] = [
        What::NewFailure,
        What::Recovered,
        What::StillFailingNewCause,
        What::Blocked,
        What::Unblocked,
        What::InfraFailure,
        What::InfraCleared,
        What::Unstable,
        What::Other,
    ];

    /// The word in the file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            What::NewFailure => "new_failure",
            What::Recovered => "recovered",
            What::StillFailingNewCause => "still_failing_new_cause",
            What::Blocked => "blocked",
            What::Unblocked => "unblocked",
            What::InfraFailure => "infra_failure",
            What::InfraCleared => "infra_cleared",
            What::Unstable => "unstable",
            What::Other => "other",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<What> {
        What::ALL.into_iter().find(|what| what.as_str() == word)
    }
}

impl std::fmt::Display for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_written_as_it_is_read() {
        for what in What::ALL {
            assert_eq!(serde_json::to_value(what).unwrap(), what.as_str());
            assert_eq!(What::parse(what.as_str()), Some(what));
        }
        assert_eq!(What::parse("better"), None);
    }
}
