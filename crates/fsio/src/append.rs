//! Adding lines to a file that others add to, and replace, at the same time.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use crate::lock::same_file;
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
    /// Whether the folder is known to have been synced since this file was opened.
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
        Ok(Appender { path: path.to_owned(), file: op::open_or_create(path)?, name_is_durable: false })
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
        self.lock_current_file()?;
        let result = self.append_locked(lines, durability);
        kernel::unlock(&self.file);
        result
    }

    fn lock_current_file(&mut self) -> Result<()> {
        loop {
            kernel::lock(&self.file).map_err(Error::io("lock", &self.path))?;
            match same_file(&self.file, &self.path) {
                Ok(true) => return Ok(()),
                Ok(false) => {
                    kernel::unlock(&self.file);
                    self.file = op::open_or_create(&self.path)?;
                    self.name_is_durable = false;
                }
                Err(error) => {
                    kernel::unlock(&self.file);
                    return Err(error);
                }
            }
        }
    }

    fn append_locked(&mut self, lines: &[u8], durability: Durability) -> Result<Appended> {
        let length = self.file.metadata().map_err(Error::io("look at", &self.path))?.len();
        let repaired = length > 0 && self.last_byte(length)? != b'\n';
        let written = if repaired {
            let mut all = Vec::with_capacity(lines.len() + 1);
            all.push(b'\n');
            all.extend_from_slice(lines);
            op::write_all(&self.file, &self.path, &all)
        } else {
            op::write_all(&self.file, &self.path, lines)
        };
        if let Err(error) = written {
            // What little was written would be a torn line. If cutting it off fails as well, the next
            // append repairs it and readers skip it: the first error is the one to report.
            let _ = op::set_len(&self.file, &self.path, length);
            return Err(error);
        }
        if durability == Durability::Synced {
            op::sync_file(&self.file, &self.path)?;
            // Somebody may have made the file without syncing its folder, so its age proves nothing.
            if !self.name_is_durable {
                sync_folder(self.path.parent().unwrap_or(Path::new("")))?;
                self.name_is_durable = true;
            }
        }
        Ok(Appended { offset: length + u64::from(repaired), repaired })
    }

    fn last_byte(&self, length: u64) -> Result<u8> {
        let mut byte = [0];
        self.file.read_exact_at(&mut byte, length - 1).map_err(Error::io("read", &self.path))?;
        Ok(byte[0])
    }
}
