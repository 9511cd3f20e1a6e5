//! Adding entries.

use std::path::Path;

use buildbook_fsio::{Appended, Durability, MAX_LINE_BYTES, append_lines, create_folders, sync_folder};
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
        self.append_as(package, std::slice::from_ref(entry), Durability::Cached)
    }

    /// Adds an entry, and waits until the device has it and the names of the file and its folders. It
    /// survives a power cut.
    ///
    /// # Errors
    ///
    /// As [`History::append`]. If only a sync failed, the entry is in the file and may or may not survive a
    /// power cut.
    pub fn append_synced(&self, package: &PackageId, entry: &Entry) -> Result<Appended> {
        self.append_as(package, std::slice::from_ref(entry), Durability::Synced)
    }

    /// Adds several entries, at least one, in one write, so that no entry of another writer comes between
    /// them.
    ///
    /// # Errors
    ///
    /// As [`History::append`]; none of the entries is in the file then. An empty list is refused.
    pub fn append_all(&self, package: &PackageId, entries: &[Entry]) -> Result<Appended> {
        self.append_as(package, entries, Durability::Cached)
    }

    fn append_as(&self, package: &PackageId, entries: &[Entry], durability: Durability) -> Result<Appended> {
        let path = self.path(package);
        if entries.is_empty() {
            return Err(buildbook_fsio::Error::NotLines { path }.into());
        }
        let mut lines = Vec::new();
        for entry in entries {
            let start = lines.len();
            serde_json::to_writer(&mut lines, entry).expect("texts and booleans can be written to memory");
            let bytes = lines.len() - start;
            if bytes > MAX_LINE_BYTES {
                return Err(Error::EntryTooLong { path, bytes, limit: MAX_LINE_BYTES });
            }
            lines.push(b'\n');
        }
        let folder = self.tree().package(package);
        let made = missing_folders(&folder);
        create_folders(&folder)?;
        // Nobody finds the folders above the package's missing again, so nobody else would sync their names.
        for parent in made.into_iter().skip(1).filter_map(Path::parent) {
            sync_folder(parent)?;
        }
        let appended = append_lines(&path, &lines, durability)?;
        if durability == Durability::Synced {
            // Somebody else may have made the package's folder, without syncing the name.
            sync_folder(self.tree().path())?;
        }
        Ok(appended)
    }
}

/// The folders on the way to this one that are not there yet, the innermost first.
fn missing_folders(folder: &Path) -> Vec<&Path> {
    folder.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.is_dir()).collect()
}
