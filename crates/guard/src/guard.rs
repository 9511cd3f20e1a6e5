//! The guard: what it is told, and what it hands out.

use std::collections::VecDeque;
use std::path::Path;

use crate::files::{Decision, Files};
use crate::waiting::Waiting;
use crate::{Allowed, Error, FileId, FileStatus};

/// Holds operations until the files they read are decided. See the [crate's documentation](crate).
///
/// Methods panic when they are handed a [`FileId`] that is too large to be one of this guard's, which takes a second
/// guard to happen.
#[derive(Debug)]
pub struct Guard<Op> {
    pub(crate) files: Files,
    pub(crate) waiting: Waiting<Op>,
    allowed: VecDeque<Allowed<Op>>,
}

impl<Op> Default for Guard<Op> {
    fn default() -> Self {
        Self::new()
    }
}

impl<Op> Guard<Op> {
    /// A guard that has heard of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self { files: Files::new(), waiting: Waiting::new(), allowed: VecDeque::new() }
    }

    /// The number of a path, which is given one if it has none. Naming a file says nothing about it.
    ///
    /// This is the only function that compares paths and copies them; the others take time that does not depend on
    /// how many paths there are or how long they are.
    pub fn file(&mut self, path: impl AsRef<Path>) -> FileId {
        self.files.intern(path.as_ref())
    }

    /// The number of a path that was named before.
    #[must_use]
    pub fn find(&self, path: impl AsRef<Path>) -> Option<FileId> {
        self.files.find(path.as_ref())
    }

    /// The path of a file, as it was first spelled, but without doubled separators and the like.
    #[must_use]
    pub fn path(&self, file: FileId) -> &Path {
        self.files.path(file)
    }

    /// What is known about a file.
    #[must_use]
    pub fn file_status(&self, file: FileId) -> FileStatus {
        self.files.status(file)
    }

    /// Says that a file exists and is what the operations that read it are meant to see. Operations that waited for
    /// nothing else are allowed, in the order in which they were added.
    ///
    /// # Errors
    ///
    /// Something was said about the file before; it stands, and nothing has changed. [`Error::FileStatusRepeat`] if
    /// it was the same, [`Error::FileStatusUnstable`] if not.
    pub fn set_file_ready(&mut self, file: FileId) -> Result<(), Error> {
        for slot in self.files.decide(file, Decision::Ready)? {
            self.allowed.extend(self.waiting.one_is_ready(slot).map(Allowed::Ready));
        }
        Ok(())
    }

    /// Says that a file will never be ready. Every operation that waits for it is aborted and comes out of
    /// [`allowed`](Self::allowed), in the order in which they were added, whatever becomes of their other files.
    ///
    /// # Errors
    ///
    /// Something was said about the file before; it stands, and nothing has changed. [`Error::FileStatusRepeat`] if
    /// it was the same, [`Error::FileStatusUnstable`] if not.
    pub fn set_file_never(&mut self, file: FileId) -> Result<(), Error> {
        for slot in self.files.decide(file, Decision::Never)? {
            let aborted = self.waiting.one_is_never(slot);
            self.allowed.extend(aborted.map(|op| Allowed::Aborted { op, never: file }));
        }
        Ok(())
    }

    /// Guards an operation until it comes out of [`allowed`](Self::allowed), once.
    ///
    /// It may do so at once: ready, if all that it reads is ready, or aborted, if some of it is known never to be. A
    /// file that `reads` names twice counts once. `writes` are the files that the operation is going to make;
    /// they matter to the analysis alone.
    pub fn add(&mut self, op: Op, reads: &[FileId], writes: &[FileId]) {
        let mut is_ready = true;
        for read in reads {
            match self.files.status(*read) {
                FileStatus::Undecided => is_ready = false,
                FileStatus::Ready => {}
                FileStatus::Never => {
                    self.allowed.push_back(Allowed::Aborted { op, never: *read });
                    return;
                }
            }
        }
        if is_ready {
            self.allowed.push_back(Allowed::Ready(op));
            return;
        }
        let slot = self.waiting.insert(op, writes);
        for read in reads {
            if self.files.wait(*read, slot) {
                self.waiting.one_more(slot);
            }
        }
    }

    /// The next operation that is ready or aborted, if any. Operations come out in the order in which they became
    /// one or the other.
    pub fn allowed(&mut self) -> Option<Allowed<Op>> {
        self.allowed.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_decided_file_took_is_given_back() {
        let mut guard = Guard::new();
        for round in 0..100 {
            let [ready, never, other] = ["r", "n", "o"].map(|name| guard.file(format!("{name}{round}")));
            guard.add(round, &[ready, ready], &[never]);
            guard.add(round, &[never, other], &[other]);
            guard.add(round, &[other, never, ready], &[]);
            guard.set_file_ready(ready).unwrap();
            guard.set_file_never(never).unwrap();
            assert_eq!(guard.files.waiters(other).len(), 2, "aborted operations are not searched for");
            guard.set_file_ready(other).unwrap();
            for file in [ready, never, other] {
                assert!(guard.files.waiters(file).is_empty());
            }
            assert_eq!((guard.allowed.len(), guard.waiting.places()), (3, 3), "places are used again");
            guard.allowed.clear();
        }
    }
}
