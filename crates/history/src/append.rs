//! Adding entries.

use std::path::{Path, PathBuf};

use buildbook_fsio::{self as fsio, Appended, Durability, MAX_LINE_BYTES, create_folders, sync_folder};
use buildbook_layout::PackageId;

use crate::{Entry, Error, History, Result};

impl History {
    /// Adds an entry to a package's history, which is made where it is missing.
    ///
    /// Threads, processes and programs that lock the file with `lockf` may append at once, and while the
    /// history is compacted. When this returns, readers see the entry, and it survives the death of the
    /// process but not a power cut. A line that a crash cut off is ended first, so that it does not swallow
    /// the entry.
    ///
    /// It waits for its turn without a limit. Others hold the lock for one write, or for one compaction.
    ///
    /// # Errors
    ///
    /// [`Error::EntryTooLong`]; the system's answer, and the entry is not in the file then.
    pub fn append(&self, package: &PackageId, entry: &Entry) -> Result<Appended> {
        self.appender(package).append(entry)
    }

    /// Adds an entry, and waits until the device has it and the names of the file and its folders. It
    /// survives a power cut.
    ///
    /// # Errors
    ///
    /// As [`History::append`]. If only a sync failed, the entry is in the file and may or may not survive a
    /// power cut.
    pub fn append_synced(&self, package: &PackageId, entry: &Entry) -> Result<Appended> {
        self.appender(package).append_synced(entry)
    }

    /// Adds several entries, at least one, in one write, so that no entry of another writer comes between
    /// them.
    ///
    /// # Errors
    ///
    /// As [`History::append`]; none of the entries is in the file then. An empty list is refused.
    pub fn append_all(&self, package: &PackageId, entries: &[Entry]) -> Result<Appended> {
        self.appender(package).append_all(entries)
    }

    /// Adds entries to one history again and again, and keeps its file open. Nothing is opened or made yet.
    #[must_use]
    pub fn appender(&self, package: &PackageId) -> Appender {
        Appender { path: self.path(package), file: None, lines: Vec::new() }
    }
}

/// The folders that are made with a history: the package's own, and the one of all packages, which has its name. Somebody
/// else may have made either without a sync.
const FOLDERS: usize = 2;

/// Adds entries to one history, whose file it keeps open.
///
/// It promises what the methods of [`History`] promise that have the same names, and costs less each time: each time
/// it takes the lock, and looks whether the name still stands for the file that it has open. Between two appends it
/// holds no lock, so others append and compact as they like.
#[derive(Debug)]
pub struct Appender {
    path: PathBuf,
    file: Option<fsio::Appender>,
    /// What is being written, kept for its memory.
    lines: Vec<u8>,
}

impl Appender {
    /// Adds an entry, which survives the death of the process but not a power cut.
    ///
    /// # Errors
    ///
    /// As [`History::append`]. The same appender can be used again.
    pub fn append(&mut self, entry: &Entry) -> Result<Appended> {
        self.append_as(std::slice::from_ref(entry), Durability::Cached)
    }

    /// Adds an entry, and waits until the device has it and all names that lead to it.
    ///
    /// # Errors
    ///
    /// As [`History::append_synced`]. The same appender can be used again.
    pub fn append_synced(&mut self, entry: &Entry) -> Result<Appended> {
        self.append_as(std::slice::from_ref(entry), Durability::Synced)
    }

    /// Adds several entries, at least one, in one write.
    ///
    /// # Errors
    ///
    /// As [`History::append_all`]. The same appender can be used again.
    pub fn append_all(&mut self, entries: &[Entry]) -> Result<Appended> {
        self.append_as(entries, Durability::Cached)
    }

    fn append_as(&mut self, entries: &[Entry], durability: Durability) -> Result<Appended> {
        let mut lines = std::mem::take(&mut self.lines);
        lines.clear();
        // What most entries need, so that it is not found out in steps.
        lines.reserve(256);
        let written = entries.iter().try_for_each(|entry| write_line(entry, &mut lines, &self.path));
        let appended = written.and_then(|()| self.append_lines(&lines, durability));
        self.lines = lines;
        appended
    }

    /// Adds whole lines, at least one.
    pub(crate) fn append_lines(&mut self, lines: &[u8], durability: Durability) -> Result<Appended> {
        if lines.is_empty() {
            return Err(fsio::Error::NotLines { path: self.path.clone() }.into());
        }
        match self.file()?.append(lines, durability) {
            // Somebody removed the folder with all that was in it.
            Err(error) if error.is_not_found() => {
                self.file = None;
                Ok(self.file()?.append(lines, durability)?)
            }
            appended => Ok(appended?),
        }
    }

    /// The open file. It and its folders are made where they are missing.
    fn file(&mut self) -> Result<&mut fsio::Appender> {
        let file = match self.file.take() {
            Some(file) => file,
            None => match fsio::Appender::open_existing(&self.path)? {
                Some(file) => file.with_folders(FOLDERS),
                None => self.make_file()?.with_folders(FOLDERS),
            },
        };
        Ok(self.file.insert(file))
    }

    fn make_file(&self) -> Result<fsio::Appender> {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        for missing in missing_folders(folder).into_iter().rev() {
            create_folders(missing)?;
            // Nobody finds the folders above the package's missing again, so nobody else would sync their names: not
            // even this appender, if the next folder cannot be made now.
            if missing != folder {
                sync_folder(missing.parent().unwrap_or(Path::new("")))?;
            }
        }
        Ok(fsio::Appender::open(&self.path)?)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Writes an entry as a line behind others.
pub(crate) fn write_line(entry: &Entry, lines: &mut Vec<u8>, path: &Path) -> Result<()> {
    let start = lines.len();
    serde_json::to_writer(&mut *lines, entry).expect("texts and booleans can be written to memory");
    let bytes = lines.len() - start;
    if bytes > MAX_LINE_BYTES {
        return Err(Error::EntryTooLong { path: path.to_owned(), bytes, limit: MAX_LINE_BYTES });
    }
    lines.push(b'\n');
    Ok(())
}

/// The folders on the way to this one that are not there yet, the innermost first.
fn missing_folders(folder: &Path) -> Vec<&Path> {
    folder.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.is_dir()).collect()
}
