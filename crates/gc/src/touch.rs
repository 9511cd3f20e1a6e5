//! Using a layer while a collection may be at work.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use buildbook_fsio::{Lock, op};
use buildbook_layout::{LayerName, PlatformTree, Timestamp};

use crate::{Error, Result};

/// Says that a layer is needed now, and whether it is there.
///
/// After `true`, a collection with a minimum age does not take the layer for so long, and one that is already at
/// work does not take it at all. After `false`, the layer has gone as a whole or was never there. A builder calls
/// this for every layer that it builds upon. It waits while somebody holds the lock of the layer. A touch with an
/// earlier time than the last one takes nothing back.
///
/// # Errors
///
/// The system's answer. The layer may be there or not.
pub fn touch_layer(tree: &PlatformTree, layer: &LayerName, now: Timestamp) -> Result<bool> {
    let place = tree.layer(layer);
    if !is_folder(place.path())? {
        return Ok(false);
    }
    let lock = Lock::acquire(&tree.layer_lock(layer))?;
    let touched = match is_folder(place.path()) {
        Ok(true) => stamp(&place.last_used(), now).map(|()| true),
        other => other,
    };
    lock.remove()?;
    touched
}

/// Sets the time of a file, to a later one than it had: clocks differ, and a collection that is at work must notice.
fn stamp(path: &Path, now: Timestamp) -> Result<()> {
    let before = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        metadata => metadata.and_then(|metadata| metadata.modified()).map(Some).map_err(io_error(path))?,
    };
    let file = op::open_or_create(path)?;
    let since_1970 = Duration::try_from_secs_f64(now.as_unix_f64()).unwrap_or(Duration::ZERO);
    let now = SystemTime::UNIX_EPOCH + since_1970;
    let later = before.and_then(|before| before.checked_add(Duration::from_micros(1)));
    file.set_modified(later.map_or(now, |later| later.max(now))).map_err(io_error(path))
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> Error {
    Error::io("set the time of", path)
}

fn is_folder(path: &Path) -> Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(metadata.is_dir()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("look at", path)(error)),
    }
}
