//! Why a build is stuck.
//!
//! These functions look at everything that the guard knows. They are for when nothing moves any more, not for while
//! it does.

use crate::components::components;
use crate::waiting::{Guarded, Slot};
use crate::{FileId, FileStatus, Guard};

impl<Op> Guard<Op> {
    /// The operations that are neither ready nor aborted, in the order in which they were added. Those that wait to
    /// be taken out by [`allowed`](Self::allowed) are not among them.
    #[must_use]
    pub fn guarded_ops(&self) -> Vec<&Op> {
        in_order(self.guarded())
    }

    /// The files that are ready.
    #[must_use]
    pub fn ready_files(&self) -> Vec<FileId> {
        self.files_that_are(FileStatus::Ready)
    }

    /// The files that will never be ready.
    #[must_use]
    pub fn never_files(&self) -> Vec<FileId> {
        self.files_that_are(FileStatus::Never)
    }

    /// The files that operations were added to wait for and that are still undecided. Those that operations write
    /// and nobody reads are not among them; those that only aborted operations read are.
    #[must_use]
    pub fn undecided_files(&self) -> Vec<FileId> {
        self.files.all().filter(|file| !self.files.waiters(*file).is_empty()).collect()
    }

    /// The [undecided files](Self::undecided_files) that no guarded operation writes: the causes of a stuck build. If
    /// there are none although operations are guarded, these wait for each other, in [`cycles`](Self::cycles).
    #[must_use]
    pub fn root_undecided_files(&self) -> Vec<FileId> {
        let mut is_written = vec![false; self.files.all().len()];
        for write in self.guarded().flat_map(|guarded| &guarded.writes) {
            is_written[write.index()] = true;
        }
        self.undecided_files().into_iter().filter(|file| !is_written[file.index()]).collect()
    }

    /// The circles in which guarded operations wait for each other, or for themselves.
    ///
    /// Each circle has all operations that, by way of files that one writes and another reads, wait for one another:
    /// a strongly connected component. Operations are in the order in which they were added, circles in the order of
    /// their first operations. Those that only wait for a circle are in none.
    #[must_use]
    pub fn cycles(&self) -> Vec<Vec<&Op>> {
        // Operations and files are nodes alike: between operations that share many files, there would be too many
        // edges. An operation that waits for itself is a component of two nodes then.
        let files_from = self.waiting.places();
        let successor = |node: usize, edge: usize| match node.checked_sub(files_from) {
            None => Some(files_from + self.waiting.guarded(node)?.writes.get(edge)?.index()),
            Some(file) => self.files.waiters(FileId::at(file)).get(edge).map(|slot: &Slot| slot.index()),
        };
        let mut cycles: Vec<Vec<&Guarded<Op>>> = components(files_from + self.files.all().len(), successor)
            .into_iter()
            .map(|nodes| nodes.into_iter().filter_map(|node| self.waiting.guarded(node)).collect())
            .collect();
        cycles.sort_unstable_by_key(|cycle| cycle.iter().map(|guarded| guarded.added).min());
        cycles.into_iter().map(in_order).collect()
    }

    fn guarded(&self) -> impl Iterator<Item = &Guarded<Op>> {
        (0..self.waiting.places()).filter_map(|index| self.waiting.guarded(index))
    }

    fn files_that_are(&self, status: FileStatus) -> Vec<FileId> {
        self.files.all().filter(|file| self.files.status(*file) == status).collect()
    }
}

fn in_order<'a, Op: 'a>(guarded: impl IntoIterator<Item = &'a Guarded<Op>>) -> Vec<&'a Op> {
    let mut guarded: Vec<_> = guarded.into_iter().collect();
    guarded.sort_unstable_by_key(|guarded| guarded.added);
    guarded.into_iter().map(|guarded| &guarded.op).collect()
}
