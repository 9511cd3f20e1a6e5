//! Removing the files that dead builders left.

use std::fmt;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use buildbook_fsio::{Lock, Probe, Taken, probe};
use buildbook_layout::Timestamp;

use crate::list::lock_files;
use crate::{BuildLocks, Problem, Result};

/// What was cleaned up, and what was not.
#[derive(Debug, Default, serde::Serialize)]
#[non_exhaustive]
pub struct Cleaned {
    /// The lock files that were removed.
    #[serde(serialize_with = "lossy_all")]
    pub removed: Vec<PathBuf>,
    /// The lock files that were left, and why.
    pub kept: Vec<Kept>,
    /// Entries that could not be treated. They were left alone.
    pub problems: Vec<Problem>,
}

/// A lock file that was left.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Kept {
    /// The file.
    #[serde(serialize_with = "crate::problem::lossy")]
    pub path: PathBuf,
    /// Why it was left.
    pub reason: KeptReason,
}

/// Why a lock file was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeptReason {
    /// Somebody holds it.
    Held,
    /// It was written less than the minimum age ago.
    Young,
}

impl fmt::Display for KeptReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            KeptReason::Held => "held",
            KeptReason::Young => "young",
        })
    }
}

impl serde::Serialize for KeptReason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

enum Outcome {
    Removed,
    Kept(KeptReason),
    Gone,
}

impl BuildLocks {
    /// Removes the lock files that nobody holds and that were last written `min_age` or longer ago.
    ///
    /// Each is removed while this process holds its lock, so that no builder can have it at the same time,
    /// and one that waits for it finds the name gone and begins anew; one that does not wait may find it taken at
    /// that moment. Age alone never takes a lock away, and what stays is only looked at.
    /// Files that do not end in `.lock`, and whatever is not a regular file, are left alone.
    ///
    /// # Errors
    ///
    /// The system's answer when the folder cannot be read. A folder that is missing is clean.
    pub fn cleanup_stale(&self, min_age: Duration, now: Timestamp) -> Result<Cleaned> {
        let mut cleaned = Cleaned::default();
        for path in lock_files(self.folder())? {
            match clean(&path, min_age, now) {
                Ok(Outcome::Removed) => cleaned.removed.push(path),
                Ok(Outcome::Kept(reason)) => cleaned.kept.push(Kept { path, reason }),
                Ok(Outcome::Gone) => {}
                Err(error) => cleaned.problems.push(error.into()),
            }
        }
        Ok(cleaned)
    }
}

fn clean(path: &Path, min_age: Duration, now: Timestamp) -> buildbook_fsio::Result<Outcome> {
    // What stays is only looked at: a builder that comes at this moment would find its lock taken otherwise.
    match probe(path)? {
        Probe::Free => {}
        Probe::Missing => return Ok(Outcome::Gone),
        _ => return Ok(Outcome::Kept(KeptReason::Held)),
    }
    let first_look = age(std::fs::symlink_metadata(path), path, now);
    if first_look.as_ref().is_err_and(buildbook_fsio::Error::is_not_found) {
        return Ok(Outcome::Gone);
    }
    if first_look? < min_age {
        return Ok(Outcome::Kept(KeptReason::Young));
    }
    let lock = match Lock::try_acquire_existing(path)? {
        Taken::Acquired(lock) => lock,
        Taken::Missing => return Ok(Outcome::Gone),
        _ => return Ok(Outcome::Kept(KeptReason::Held)),
    };
    // Only now does the age stand still: until the lock was ours, somebody else could take and write it.
    if age(lock.file().metadata(), path, now)? < min_age {
        lock.release();
        return Ok(Outcome::Kept(KeptReason::Young));
    }
    lock.remove()?;
    Ok(Outcome::Removed)
}

/// How long ago a file was last written.
fn age(metadata: io::Result<Metadata>, path: &Path, now: Timestamp) -> buildbook_fsio::Result<Duration> {
    let look_at = |source| buildbook_fsio::Error::Io { operation: "look at", path: path.to_owned(), source };
    let written = metadata.and_then(|metadata| metadata.modified()).map_err(look_at)?;
    // A time that no calendar of ours has is no reason to remove anything.
    Ok(Timestamp::from_system_time(written).map_or(Duration::ZERO, |written| now.since(written)))
}

fn lossy_all<S: serde::Serializer>(paths: &[PathBuf], serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_seq(paths.iter().map(|path| path.to_string_lossy()))
}
