//! Looking at a lock and at its holder's note without opening the file twice.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::{Error, Probe, Result, kernel, open_with_metadata};

/// A lock file that was opened to be looked at. That takes no lock, and gives none back.
#[derive(Debug)]
pub struct LockFile<'a> {
    file: File,
    path: &'a Path,
    size: u64,
}

impl<'a> LockFile<'a> {
    /// Opens the file; `None` when there is none.
    ///
    /// # Errors
    ///
    /// As [`open_file`](crate::open_file).
    pub fn open(path: &'a Path) -> Result<Option<LockFile<'a>>> {
        let opened = open_with_metadata(path)?;
        Ok(opened.map(|(file, metadata)| LockFile { file, path, size: metadata.len() }))
    }

    /// Whether anybody has locked it: [`Probe::Free`] or [`Probe::Held`]. See [`probe`](crate::probe()).
    ///
    /// # Errors
    ///
    /// The system's answer.
    pub fn probe(&self) -> Result<Probe> {
        match kernel::holder(&self.file).map_err(Error::io("look at the lock", self.path))? {
            None => Ok(Probe::Free),
            Some(holder) => Ok(Probe::Held { pid: holder.pid }),
        }
    }

    /// Reads the text in it, as long as it was when the file was opened, at most its first `limit` bytes. Somebody
    /// may be writing it, so it is a hint.
    ///
    /// # Errors
    ///
    /// The system's answer.
    pub fn read_note(&self, limit: u64) -> Result<Vec<u8>> {
        let length = self.size.min(limit);
        let mut text = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        (&self.file).take(length).read_to_end(&mut text).map_err(Error::io("read", self.path))?;
        Ok(text)
    }
}
