//! Taking lines out of a history while others append to it.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use buildbook_atomic_swap::{Durability, replace_file_with};
use buildbook_fsio::Lock;

use crate::Result;
use crate::stragglers::{self, Stragglers};

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
pub(crate) fn rewrite(
    path: &Path,
    lock: Lock,
    ranges: &[(u64, u64)],
    length: u64,
) -> Result<buildbook_atomic_swap::Result<()>> {
    let old = lock.file().try_clone().map_err(stragglers::io("keep open", path))?;
    let replaced = replace_file_with(path, Durability::Synced, |new| copy_ranges(&old, ranges, new));
    let stragglers = Stragglers::behind(old, length);
    lock.release();
    // If only its last sync failed, the file has been replaced all the same.
    stragglers.carry_over(path)?;
    Ok(replaced)
}

/// Copies parts of a file, in blocks of bounded size.
pub(crate) fn copy_ranges(old: &File, ranges: &[(u64, u64)], new: &mut dyn Write) -> io::Result<()> {
    let mut block = vec![0; 64 << 10];
    for &(start, end) in ranges {
        let mut at = start;
        while at < end {
            let wanted = usize::try_from(end - at).unwrap_or(usize::MAX).min(block.len());
            let part = block.get_mut(..wanted).unwrap_or_default();
            old.read_exact_at(part, at)?;
            new.write_all(part)?;
            at += wanted as u64;
        }
    }
    Ok(())
}
