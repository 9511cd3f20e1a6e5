//! The file of a snapshot.

use std::io;
use std::path::Path;

use buildbook_atomic_swap::{Durability, replace_file};
use buildbook_fsio::{op, read_file};
use buildbook_json::record_of_bytes;
use buildbook_layout::{RunTree, Timestamp};

use crate::text::text;
use crate::{Error, Progress, Result};

/// The largest file that is read: a million targets fit.
const LIMIT: u64 = 64 << 20;

/// Writes the next snapshot of a run, as `progress.json` in the folder of the run.
///
/// The snapshot gets the time of its writing and the next number, in `progress` as in the file. Readers
/// see the old snapshot or the new one, whenever they look and whenever the writer dies; several writers do
/// not disturb each other, and the last one stands. The file is not synced: after a power cut there may be
/// an older snapshot, or a file that [`read`] reports as corrupt.
///
/// # Errors
///
/// [`Error::NoRunFolder`] when the folder does not exist, it is not made; otherwise [`Error::Replace`]. The
/// old snapshot stands then, and the number that this one would have had is not used again.
pub fn write(run_dir: &Path, progress: &mut Progress, now: Timestamp) -> Result<()> {
    progress.sequence = progress.sequence.saturating_add(1);
    // The spelling in the file has whole seconds; what is in memory is what readers get.
    progress.heartbeat = Timestamp::from_unix(now.as_unix());
    let path = RunTree::at(run_dir).progress();
    replace_file(&path, &text(progress), Durability::Cached).map_err(|error| match error.kind() {
        Some(io::ErrorKind::NotFound) => Error::NoRunFolder { path: run_dir.to_owned() },
        _ => Error::Replace(error),
    })
}

/// Reads the snapshot of a run; `None` when there is none: the run has not begun, or is over.
///
/// Text that is not UTF-8 is read as well as it can be, keys that are not known are passed over, and of a key that is
/// there twice the first counts.
///
/// # Errors
///
/// [`Error::Corrupt`] when the file is not the progress of a run, [`Error::File`] when it cannot be read or
/// is no regular file.
pub fn read(run_dir: &Path) -> Result<Option<Progress>> {
    let path = RunTree::at(run_dir).progress();
    let Some(bytes) = read_file(&path, LIMIT)? else { return Ok(None) };
    record_of_bytes(&bytes).map(Some).map_err(|source| Error::Corrupt { path, source })
}

/// Removes the snapshot of a run that is over. That there is none is no error.
///
/// # Errors
///
/// [`Error::File`] with the system's answer.
pub fn delete(run_dir: &Path) -> Result<()> {
    match op::unlink(&RunTree::at(run_dir).progress()) {
        Err(error) if error.is_not_found() => Ok(()),
        other => Ok(other?),
    }
}
