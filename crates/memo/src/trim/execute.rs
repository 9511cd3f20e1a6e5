//! Removing what a plan says, or less.

use std::collections::HashSet;

use buildbook_fsio::{Lock, op};

use super::TrimKind;
use super::plan::{TrimItem, TrimPlan};
use super::survey::last_used;
use crate::digest::Digest;
use crate::{Error, Result};

/// What a trim did.
#[derive(Debug)]
#[non_exhaustive]
pub struct TrimResult {
    /// How many files are gone.
    pub removed: usize,
    /// How many bytes of disk they took.
    pub bytes_freed: u64,
    /// How many files stay against the plan, because they were used since the survey.
    pub used_since: usize,
    /// What could not be removed.
    pub problems: Vec<Error>,
}

/// Removes what a plan says, entries before the objects that they need, and keeps what was used since the survey. One
/// trim works on a cache at a time; builds may be at work. A build that has looked an entry up just before it goes
/// runs the operation instead.
///
/// A trim that is killed leaves objects that no entry needs; the next one removes them.
///
/// # Errors
///
/// The system's answer when the cache cannot be locked. What single files say goes to the problems.
pub fn execute_trim(plan: &TrimPlan) -> Result<TrimResult> {
    let mut result = TrimResult { removed: 0, bytes_freed: 0, used_since: 0, problems: Vec::new() };
    if plan.removals().next().is_none() {
        return Ok(result);
    }
    let lock = Lock::acquire(&plan.folder.join("trim.lock"))?;
    let mut needed: HashSet<Digest> = HashSet::new();
    for item in plan.removals() {
        if item.kind == TrimKind::Object && needed.contains(&item.digest) {
            result.used_since += 1;
            continue;
        }
        match remove(item) {
            Ok(true) => {
                result.removed += 1;
                result.bytes_freed += item.bytes;
                continue;
            }
            Ok(false) => result.used_since += 1,
            Err(error) => result.problems.push(error),
        }
        needed.extend(&item.needs);
    }
    lock.release();
    Ok(result)
}

/// Removes a file; `false` when it was used since the survey, or when somebody else has removed it.
fn remove(item: &TrimItem) -> Result<bool> {
    let metadata = match std::fs::symlink_metadata(&item.path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        metadata => metadata.map_err(Error::io("look at", &item.path))?,
    };
    if last_used(&metadata) != item.last_used {
        return Ok(false);
    }
    match op::unlink(&item.path) {
        Err(error) if error.is_not_found() => Ok(false),
        other => other.map(|()| true).map_err(Error::from),
    }
}
