//! What stands between operations: the files that they read and write.

use buildbook_guard::FileId;

/// The reads and writes of all operations, one after the other. A list for each would be two pieces of memory more for
/// every operation, and there may be millions.
#[derive(Debug, Default)]
pub(crate) struct Edges {
    files: Vec<FileId>,
}

/// Where the files of an operation are among those of all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// Where its reads begin.
    start: usize,
    /// Where its writes begin.
    middle: usize,
    end: usize,
}

impl Edges {
    /// Adds the files of an operation.
    pub(crate) fn add(&mut self, reads: &[FileId], writes: &[FileId]) -> Place {
        let start = self.files.len();
        self.files.extend_from_slice(reads);
        let middle = self.files.len();
        self.files.extend_from_slice(writes);
        Place { start, middle, end: self.files.len() }
    }

    /// The files that an operation reads.
    pub(crate) fn reads(&self, place: Place) -> &[FileId] {
        self.files.get(place.start..place.middle).unwrap_or_default()
    }

    /// The files that an operation writes.
    pub(crate) fn writes(&self, place: Place) -> &[FileId] {
        self.files.get(place.middle..place.end).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use buildbook_guard::Guard;

    use super::*;

    #[test]
    fn each_operation_has_its_own_files() {
        let mut guard: Guard<()> = Guard::new();
        let [a, b, c] = ["a", "b", "c"].map(|path| guard.file(path));
        let mut edges = Edges::default();
        let cases: [(&[FileId], &[FileId]); 5] =
            [(&[a, b], &[c]), (&[], &[]), (&[c], &[]), (&[], &[b, a]), (&[a], &[a])];
        let places = cases.map(|(reads, writes)| edges.add(reads, writes));
        for (place, (reads, writes)) in places.into_iter().zip(cases) {
            assert_eq!((edges.reads(place), edges.writes(place)), (reads, writes));
        }
    }
}
