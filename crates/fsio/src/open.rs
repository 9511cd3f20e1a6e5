//! Opening and reading what must be a regular file.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use nix::fcntl::OFlag;

use crate::{Error, Result};

/// The most memory that is asked for because of the length of a file alone, in bytes.
const ROOM: usize = 1 << 20;

/// Opens a regular file for reading; `None` when there is nothing of that name.
///
/// # Errors
///
/// [`Error::NotAFile`] for a symbolic link, a folder, a FIFO or a device; the system's answer otherwise.
pub fn open_file(path: &Path) -> Result<Option<File>> {
    Ok(open_with_metadata(path)?.map(|(file, _)| file))
}

/// As [`open_file`], and tells what the system says about the file that was opened, which is asked anyway.
///
/// # Errors
///
/// As [`open_file`].
pub fn open_with_metadata(path: &Path) -> Result<Option<(File, Metadata)>> {
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
    match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => regular_with_metadata("read", path, opened).map(Some),
    }
}

/// Opens a regular file for reading and appending, with what the system says about it; `None` when there is nothing
/// of that name.
pub(crate) fn open_to_append(operation: &'static str, path: &Path) -> Result<Option<(File, Metadata)>> {
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
    match OpenOptions::new().read(true).append(true).custom_flags(flags).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => regular_with_metadata(operation, path, opened).map(Some),
    }
}

/// Reads a whole file; `None` when there is nothing of that name.
///
/// # Errors
///
/// [`Error::TooLarge`] for a file of more than `limit` bytes, and those of [`open_file`].
pub fn read_file(path: &Path, limit: u64) -> Result<Option<Vec<u8>>> {
    let Some((file, metadata)) = open_with_metadata(path)? else { return Ok(None) };
    let too_large = |size| Error::TooLarge { path: path.to_owned(), size, limit };
    let size = metadata.len();
    if size > limit {
        return Err(too_large(size));
    }
    // With room for all of it, and for the end to be seen, it is read at once. A length is only a promise.
    let room = usize::try_from(size).unwrap_or(usize::MAX).min(ROOM).saturating_add(1);
    let mut bytes = Vec::with_capacity(room);
    // One byte more than allowed tells a file that grew meanwhile from one that just fits.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(Error::io("read", path))?;
    let read = bytes.len() as u64;
    if read > limit { Err(too_large(read)) } else { Ok(Some(bytes)) }
}

/// Passes a file on if it is a regular one.
pub(crate) fn regular(operation: &'static str, path: &Path, opened: io::Result<File>) -> Result<File> {
    regular_with_metadata(operation, path, opened).map(|(file, _)| file)
}

/// As [`regular`], with what the system says about the file.
pub(crate) fn regular_with_metadata(
    operation: &'static str,
    path: &Path,
    opened: io::Result<File>,
) -> Result<(File, Metadata)> {
    let not_a_file = || Error::NotAFile { operation, path: path.to_owned() };
    let file = match opened {
        Ok(file) => file,
        // What the system answers for a symbolic link, for a folder opened for writing, and for a FIFO
        // without a reader or a socket.
        Err(error)
            if error.raw_os_error() == Some(nix::libc::ELOOP)
                || error.raw_os_error() == Some(nix::libc::ENXIO)
                || error.kind() == io::ErrorKind::IsADirectory =>
        {
            return Err(not_a_file());
        }
        Err(error) => return Err(Error::io(operation, path)(error)),
    };
    let metadata = file.metadata().map_err(Error::io(operation, path))?;
    if metadata.is_file() { Ok((file, metadata)) } else { Err(not_a_file()) }
}
