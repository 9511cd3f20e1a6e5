//! The paths that a guard has heard of, and what is known about each.

use std::collections::HashMap;
use std::fmt;
use std::mem;
use std::path::Path;
use std::sync::Arc;

use crate::Error;
use crate::waiting::Slot;

/// The number of a path in one [`Guard`](crate::Guard), from 0 without gaps, in the order in which paths were first
/// named. It means nothing to another guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

impl FileId {
    pub(crate) fn at(index: usize) -> Self {
        Self(u32::try_from(index).expect("memory ends before four thousand million paths"))
    }

    /// The number, for tables that a caller keeps beside the guard.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What is known about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileStatus {
    /// Nobody has said anything about it yet.
    Undecided,
    /// It exists, and it is what the operations that read it are meant to see.
    Ready,
    /// It will never be ready.
    Never,
}

/// One word: `undecided`, `ready` or `never`.
impl fmt::Display for FileStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Undecided => "undecided",
            Self::Ready => "ready",
            Self::Never => "never",
        })
    }
}

/// Paths, each stored once, and what waits for them.
#[derive(Debug, Default)]
pub(crate) struct Files {
    numbers: HashMap<Arc<Path>, FileId>,
    files: Vec<File>,
}

#[derive(Debug)]
struct File {
    path: Arc<Path>,
    status: FileStatus,
    /// The slots of operations that were added before the file was decided, in the order of addition, each once.
    waiters: Vec<Slot>,
}

impl Files {
    pub(crate) fn intern(&mut self, path: &Path) -> FileId {
        if let Some(file) = self.numbers.get(path) {
            return *file;
        }
        let file = FileId::at(self.files.len());
        let path: Arc<Path> = path.into();
        self.numbers.insert(Arc::clone(&path), file);
        self.files.push(File { path, status: FileStatus::Undecided, waiters: Vec::new() });
        file
    }

    pub(crate) fn find(&self, path: &Path) -> Option<FileId> {
        self.numbers.get(path).copied()
    }

    pub(crate) fn path(&self, file: FileId) -> &Path {
        &self.get(file).path
    }

    pub(crate) fn status(&self, file: FileId) -> FileStatus {
        self.get(file).status
    }

    /// The operations that wait for a file; none once it is decided.
    pub(crate) fn waiters(&self, file: FileId) -> &[Slot] {
        &self.get(file).waiters
    }

    /// Every path's number, in order.
    pub(crate) fn all(&self) -> impl ExactSizeIterator<Item = FileId> + use<> {
        (0..self.files.len()).map(FileId::at)
    }

    /// Lets an operation wait for an undecided file. True unless it did so already: reads may name a file twice.
    pub(crate) fn wait(&mut self, file: FileId, waiter: Slot) -> bool {
        let waiters = &mut self.get_mut(file).waiters;
        // An operation registers all its reads before the next one does, so it can only be the last. Nor can the
        // last be an operation that had the same slot before: a slot is free only when nothing refers to it.
        let is_new = waiters.last() != Some(&waiter);
        if is_new {
            waiters.push(waiter);
        }
        is_new
    }

    /// Decides a file, and hands over whatever waited for it.
    pub(crate) fn decide(&mut self, file: FileId, told: FileStatus) -> Result<Vec<Slot>, Error> {
        let File { path, status, waiters } = self.get_mut(file);
        match *status {
            FileStatus::Undecided => {
                *status = told;
                Ok(mem::take(waiters))
            }
            status if status == told => Err(Error::FileStatusRepeat { path: path.to_path_buf(), status }),
            status => Err(Error::FileStatusUnstable { path: path.to_path_buf(), status, told }),
        }
    }

    fn get(&self, file: FileId) -> &File {
        self.files.get(file.index()).expect("a file's number comes from the guard that it is used with")
    }

    fn get_mut(&mut self, file: FileId) -> &mut File {
        self.files.get_mut(file.index()).expect("a file's number comes from the guard that it is used with")
    }
}
