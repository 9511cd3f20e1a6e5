//! Taking lines out of a history while others append to it.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use buildbook_atomic_swap::replace_file_synced;
use buildbook_fsio::Lock;

use crate::Result;
use crate::stragglers::{self, Stragglers};

/// How much is copied at a time, in bytes.
const BLOCK: usize = 64 << 10;

/// Takes the lock and reads the file that it is on. The original compacts without the lock: what it put in the
/// place of that file before it was read must not be mistaken for it.
pub(crate) fn lock_and_read<T>(path: &Path, read: impl Fn(&Path) -> Result<T>) -> Result<(Lock, T)> {
    loop {
        let lock = Lock::acquire(path)?;
        let found = read(path)?;
        if stragglers::has_the_name(lock.file(), path)? {
            return Ok((lock, found));
        }
    }
}

/// What is left of so many bytes between the lines that go.
pub(crate) fn ranges_without(removed: &[(u64, u64)], length: u64) -> Vec<(u64, u64)> {
    let starts = std::iter::once(0).chain(removed.iter().map(|(_, end)| *end));
    let ends = removed.iter().map(|(start, _)| *start).chain([length]);
    starts.zip(ends).filter(|(start, end)| start < end).collect()
}

/// Replaces a history, whose lock is held and which has so many bytes, by these parts of it, byte for byte and
/// durably, and gives the lock back. What writers that do not look at the name add to the old file is carried over.
/// Whether the file could be replaced is told apart from that.
///
/// The lock is given back as soon as the new file has the name, before the device is known to have that: whoever
/// appends durably to a file that came to have the name syncs the name himself, and the contents are durable already.
/// So a power cut may bring the old file back, which has all that anybody was told of; and while the device is waited
/// for, the writers that still have the old file open can come to their end.
pub(crate) fn rewrite(
    path: &Path,
    lock: Lock,
    ranges: &[(u64, u64)],
    length: u64,
) -> Result<buildbook_atomic_swap::Result<()>> {
    let old = lock.file().try_clone().map_err(stragglers::io("keep open", path))?;
    let mut stragglers = None;
    let replaced = replace_file_synced(
        path,
        |new| copy_ranges(&old, ranges, new),
        || stragglers = Some(Stragglers::behind(lock, length)),
    );
    // If only its last sync failed, the file has been replaced all the same.
    if let Some(stragglers) = stragglers {
        stragglers.carry_over(&old, path)?;
    }
    Ok(replaced)
}

/// Copies parts of a file, in blocks of bounded size. What is between parts that are close to each other is read with
/// them.
pub(crate) fn copy_ranges(old: &File, ranges: &[(u64, u64)], new: &mut dyn Write) -> io::Result<()> {
    let last = ranges.last().map_or(0, |(_, end)| *end);
    let mut block = vec![0; BLOCK];
    // Where the bytes are from that are in the block, and how many there are.
    let (mut first, mut filled) = (0, 0);
    for &(start, end) in ranges {
        let mut at = start;
        while at < end {
            if !(first..first + filled).contains(&at) {
                first = at;
                filled = (last - at).min(BLOCK as u64);
                old.read_exact_at(within(&mut block, 0, filled), at)?;
            }
            let until = end.min(first + filled);
            new.write_all(within(&mut block, at - first, until - first))?;
            at = until;
        }
    }
    Ok(())
}

/// A part of a block; nothing where it is not all there, which is never asked for.
fn within(block: &mut [u8], start: u64, end: u64) -> &mut [u8] {
    let place = |at| usize::try_from(at).unwrap_or(usize::MAX);
    block.get_mut(place(start)..place(end)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use buildbook_fsio::op;

    use super::*;

    #[test]
    fn parts_are_copied_whatever_their_length_and_distance() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let bytes: Vec<u8> = (0..BLOCK as u64 * 4).map(|at| (at % 251) as u8).collect();
        op::write_all(&op::open_or_create(&path).unwrap(), &path, &bytes).unwrap();
        let file = File::open(&path).unwrap();
        let (block, end) = (BLOCK as u64, bytes.len() as u64);
        for ranges in [
            vec![],
            vec![(0, end)],
            vec![(0, 1), (2, 3), (5, 900)],
            vec![(7, block), (block, block + 1), (block + 2, end)],
            vec![(block - 1, block + 1), (3 * block, 3 * block + 1), (end - 1, end)],
            vec![(1, block + 1), (block + 3, 2 * block + 3), (2 * block + 4, 2 * block + 5)],
        ] {
            let mut copy = Vec::new();
            copy_ranges(&file, &ranges, &mut copy).unwrap();
            let parts = ranges.iter().map(|(start, end)| &bytes[*start as usize..*end as usize]);
            assert_eq!(copy, parts.collect::<Vec<_>>().concat(), "{ranges:?}");
        }
        assert!(copy_ranges(&file, &[(end - 1, end + 1)], &mut Vec::new()).is_err(), "there is no such part");
    }
}
