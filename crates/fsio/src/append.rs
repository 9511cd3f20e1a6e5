//! Adding lines to a file that others add to, and replace, at the same time.

use std::fs::{File, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use crate::open::open_to_append;
use crate::{Durability, Error, Result, kernel, op, sync_folder};

/// Adds lines to one file, which it keeps open.
///
/// Every append takes the file's own lock, checks that the name still stands for the open file (a
/// compaction may have replaced it), repairs a torn end, and writes all lines in one go. Appends of
/// several threads, processes and of programs that lock the file with `lockf` do not mix. A thread that holds
/// the file's [`Lock`](crate::Lock) must not append to it this way: it would wait for itself for ever.
#[derive(Debug)]
pub struct Appender {
    path: PathBuf,
    file: File,
    /// The device and number of the open file.
    identity: (u64, u64),
    /// How long the file was when this left it with a whole line at its end.
    whole: Option<u64>,
    /// How many of the folders above have names that lead to the file and may be new.
    folders: usize,
    /// Whether these folders are known to have been synced since this file was opened.
    name_is_durable: bool,
}

/// What an append found and did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Appended {
    /// Where the first of the new lines begins, in bytes from the start of the file.
    pub offset: u64,
    /// Whether the file ended in the middle of a line, as a crash leaves it. That line was ended, so that
    /// it does not swallow the new one; its bytes were kept.
    pub repaired: bool,
}

/// Adds lines to a file once: opens, appends, closes.
///
/// # Errors
///
/// As [`Appender::append`].
pub fn append_lines(path: &Path, lines: &[u8], durability: Durability) -> Result<Appended> {
    Appender::open(path)?.append(lines, durability)
}

impl Appender {
    /// Opens a file for appending, and creates it where it is missing; its folder is not created.
    ///
    /// # Errors
    ///
    /// [`Error::NotAFile`] for anything but a regular file; the system's answer otherwise.
    pub fn open(path: &Path) -> Result<Appender> {
        if let Some(appender) = Appender::open_existing(path)? {
            return Ok(appender);
        }
        let file = op::open_or_create(path)?;
        let metadata = file.metadata().map_err(Error::io("look at", path))?;
        Ok(Appender::of(path, file, &metadata))
    }

    /// Opens a file for appending; `None` when there is nothing of that name.
    ///
    /// # Errors
    ///
    /// As [`Appender::open`]. If the file is gone when something is appended, it is made.
    pub fn open_existing(path: &Path) -> Result<Option<Appender>> {
        let opened = open_to_append("open", path)?;
        Ok(opened.map(|(file, metadata)| Appender::of(path, file, &metadata)))
    }

    fn of(path: &Path, file: File, metadata: &Metadata) -> Appender {
        let identity = identity(metadata);
        Appender { path: path.to_owned(), file, identity, whole: None, folders: 1, name_is_durable: false }
    }

    /// Syncs so many of the folders above the file instead of one, with the first [`Durability::Synced`] append to each
    /// file that comes to have the name: whoever made the file may have made its folder as well, without a sync.
    #[must_use]
    pub fn with_folders(self, folders: usize) -> Appender {
        Appender { folders, ..self }
    }

    /// Adds one or more whole lines, each ended by a line feed.
    ///
    /// When it returns, the lines are in the file in one piece; with [`Durability::Synced`] they survive a
    /// power cut. If the process dies in the middle, the file may end in a part of them, which the next
    /// append closes off and readers skip.
    ///
    /// # Errors
    ///
    /// [`Error::NotLines`] when `lines` does not end in a line feed. When the system refuses, for
    /// instance because the disk is full, the file is cut back to what it was, and the same appender can
    /// be used again. If only the sync failed, the lines are in the file and may or may not survive a
    /// power cut.
    pub fn append(&mut self, lines: &[u8], durability: Durability) -> Result<Appended> {
        if lines.last() != Some(&b'\n') {
            return Err(Error::NotLines { path: self.path.clone() });
        }
        let length = self.lock_current_file()?;
        let appended = self.append_locked(lines, length);
        kernel::unlock(&self.file);
        // Not under the lock: a device that waits for several writers at once waits no longer than for one. Who
        // replaces the file meanwhile finds the lines in it, and syncs what takes its place before it has the name.
        if appended.is_ok() && durability == Durability::Synced {
            self.sync()?;
        }
        appended
    }

    /// Takes the lock, and tells how long the file is.
    fn lock_current_file(&mut self) -> Result<u64> {
        loop {
            kernel::lock(&self.file).map_err(Error::io("lock", &self.path))?;
            let named = match std::fs::symlink_metadata(&self.path) {
                Ok(named) if identity(&named) == self.identity => return Ok(named.len()),
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    Err(Error::io("look at", &self.path)(error))
                }
                _ => Ok(()),
            };
            kernel::unlock(&self.file);
            named?;
            *self = Appender::open(&self.path)?.with_folders(self.folders);
        }
    }

    fn append_locked(&mut self, lines: &[u8], length: u64) -> Result<Appended> {
        // What nobody added to since it was left with a whole line still ends with that line.
        let is_whole = length == 0 || self.whole == Some(length) || self.last_byte(length)? == b'\n';
        let written = if is_whole {
            op::write_all(&self.file, &self.path, lines)
        } else {
            op::write_all(&self.file, &self.path, &[b"\n", lines].concat())
        };
        if let Err(error) = written {
            // What little was written would be a torn line. If cutting it off fails as well, the next
            // append repairs it and readers skip it: the first error is the one to report.
            let _ = op::set_len(&self.file, &self.path, length);
            self.whole = None;
            return Err(error);
        }
        let offset = length + u64::from(!is_whole);
        self.whole = Some(offset + lines.len() as u64);
        Ok(Appended { offset, repaired: !is_whole })
    }

    fn last_byte(&self, length: u64) -> Result<u8> {
        let mut byte = [0];
        self.file.read_exact_at(&mut byte, length - 1).map_err(Error::io("read", &self.path))?;
        Ok(byte[0])
    }

    fn sync(&mut self) -> Result<()> {
        op::sync_file(&self.file, &self.path)?;
        // Somebody may have made the file without syncing its folder, so its age proves nothing.
        if !self.name_is_durable {
            self.path.ancestors().skip(1).take(self.folders).try_for_each(sync_folder)?;
            self.name_is_durable = true;
        }
        Ok(())
    }
}

fn identity(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}
