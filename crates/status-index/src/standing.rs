//! Where one package stands.

use buildbook_layout::{Category, Kind, PackageId};
use serde::Serialize;

/// How a package stands in one kind of result, and since when.
///
/// The newest blessed result counts, of whichever run; if there never was one, the newest result. Newest means
/// of the latest run, and within a run the last in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// The package.
    pub package: PackageId,
    /// The package itself or its documentation.
    pub kind: Kind,
    /// How it stands.
    pub category: Category,
    /// Whether the result is blessed.
    pub blessed: bool,
    /// The build that the result is of.
    pub build_hash: String,
    /// The run that it is of.
    pub run: String,
    /// When it ended, in UTC.
    pub ts: String,
    /// The first run of those in a row after which the package stood like this. Of blessed results, whatever
    /// their hash, the last of each run counts; without any, those of the same build.
    pub since_run: String,
    /// When that result ended, in UTC.
    pub since_ts: String,
    /// The package whose failure is the cause of this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_dep: Option<String>,
}
