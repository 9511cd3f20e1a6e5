//! `status.json`: reading and replacing it.

use std::path::Path;

use buildbook_atomic_swap::{Durability, replace_file};
use buildbook_fsio::read_file;
use buildbook_json::{Kept, record_of_bytes};
use buildbook_layout::PlatformTree;

use crate::record::{Problems, Record};
use crate::{Error, Result, Status, VERSION};

/// A status of a hundred thousand packages that all changed has some 40 MB.
const MAX_BYTES: u64 = 512 << 20;

/// A status, and what in its file could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inspected {
    /// What could be used.
    pub status: Status,
    /// What was left out: a count that is no number, a change that is not complete. Of very many, the last one here
    /// says how many more there are.
    pub problems: Vec<String>,
}

/// Replaces `status.json` in a folder in one step. Readers see the old one or the new one; with
/// [`Durability::Synced`] the new one survives a power cut.
///
/// # Errors
///
/// [`Error::TooNew`] when the file is of a later version of the format; [`Error::Write`] when the system
/// refuses. The old file stands as it was. A corrupt one is replaced.
pub fn write(dir: &Path, status: &Status, durability: Durability) -> Result<()> {
    let path = path_in(dir);
    match inspect(dir) {
        Ok(_) | Err(Error::Corrupt { .. }) => {}
        Err(error) => return Err(error),
    }
    let mut text = serde_json::to_vec_pretty(status).expect("texts and numbers can be written to memory");
    text.push(b'\n');
    replace_file(&path, &text, durability).map_err(|source| Error::Write { path, source })
}

/// Reads `status.json` in a folder; `None` when there is none. What cannot be used is left out; see
/// [`inspect`].
///
/// # Errors
///
/// [`Error::Corrupt`] when it is no status, [`Error::TooNew`] when it is of a later version of the format, and
/// the system's answer.
pub fn read(dir: &Path) -> Result<Option<Status>> {
    Ok(inspect(dir)?.map(|inspected| inspected.status))
}

/// Reads `status.json` as [`read`] does, and says what in it could not be used.
///
/// # Errors
///
/// As [`read`].
pub fn inspect(dir: &Path) -> Result<Option<Inspected>> {
    let path = path_in(dir);
    let Some(bytes) = read_file(&path, MAX_BYTES)? else { return Ok(None) };
    let corrupt = |reason: String| Error::Corrupt { path: path.clone(), reason };
    let record: Record = record_of_bytes(&bytes).map_err(|error| corrupt(error.to_string()))?;
    let version = match record.version {
        Kept::Missing => 1,
        Kept::Value(version) if version > u64::from(VERSION) => return Err(Error::TooNew { path, version }),
        Kept::Value(version) => version,
        Kept::Unusable => return Err(corrupt("its version is not a whole number".to_owned())),
    };
    let required =
        |text: Kept<String>, key| text.value().ok_or_else(|| corrupt(format!("it has no text at {key:?}")));
    let mut problems = Problems::default();
    let status = Status {
        generated: required(record.generated, "generated")?,
        run_id: required(record.run_id, "run_id")?,
        blessed_totals: problems.of_totals("blessed_totals", record.blessed_totals),
        non_blessed_totals: problems.of_totals("non_blessed_totals", record.non_blessed_totals),
        changes: problems.of_list("changes_since_last", record.changes_since_last),
        new_packages: problems.of_list("new_packages", record.new_packages),
        version: u32::try_from(version).unwrap_or(VERSION),
        since: record.since.value(),
    };
    Ok(Some(Inspected { status, problems: problems.into_list() }))
}

fn path_in(dir: &Path) -> std::path::PathBuf {
    PlatformTree::at(dir).status()
}
