//! `status.cache`: what an index remembers of the histories, so that the next one need not read them again.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `bbindex` and a line feed |
//! | 4 | the version of the form |
//! | 1, 48 | whether the names below are all that the folder of the histories had, and that folder's stamp |
//! | 4 | how many packages |
//! | … | for each, in the order of their spelling, a length and what is remembered |
//! | 8 | a digest of everything before |
//!
//! Numbers have their lowest byte first. Whatever does not fit is as good as no file.

use std::io::Read as _;
use std::path::Path;

use buildbook_atomic_swap::{Durability, replace_file};
use buildbook_fsio::{digest, open_with_metadata};
use buildbook_history::Stamp;
use buildbook_layout::PlatformTree;

use crate::bytes::{Rest, put_u32, put_u64};
use crate::memory::{self, Memory, put_stamp, take_stamp};
use crate::{Error, Result};

const MAGIC: &[u8; 8] = b"bbindex\n";
/// To be raised when the form changes, and also when the same entries come to say something else: a new kind of change,
/// another meaning of a category, another order of runs. What is remembered was said by the rules of its writer.
const VERSION: u32 = 1;

/// A larger file is neither read nor written. A year of 35,000 packages takes a tenth of it.
const MAX_BYTES: u64 = 256 << 20;

/// Of more packages, nothing is remembered.
pub(crate) const MOST_PACKAGES: usize = 1_000_000;

/// What an index remembers of the histories, for [`generate_incremental`](crate::generate_incremental).
///
/// For each package there is what its history was like (which file, how long, when it was changed, and a digest of its
/// end) and what was said of it, and for a long history how to go on from there. A history that is exactly like
/// that is not opened; of one that has only grown, only what was added is read; any other is read from its start.
///
/// Nothing depends on it but time. It can be lost, old, of another version, damaged or of another book: then histories
/// are read that need not have been. Programs that know nothing of it may write histories meanwhile.
///
/// # What it relies on
///
/// That a file which is changed gets another time from its file system, or another length, or is another file; a change
/// within the tick in which it was read is expected. And that a history which has grown, in place, with the same
/// 4096 bytes before the place where it ended, has the same text before these, too: programs append to histories or
/// replace them. After somebody has edited an old line in place and has let the file grow, `status.cache` is to be deleted.
///
/// That a power cut which takes contents of a history takes its length or times back as well. Some file systems keep
/// these and leave NUL bytes, where nobody waited for the device: then entries that are gone are counted until the
/// history is written again. Nobody loses what was appended with a sync.
///
/// That clocks of file systems do not go back. If one does, a change within the tick of the read before may go unseen.
#[derive(Debug, Default)]
pub struct Cache {
    /// A whole file, or nothing.
    bytes: Vec<u8>,
    /// Of the file that was read.
    pub(crate) stamp: Option<Stamp>,
    is_written: bool,
}

/// A cache, opened up.
#[derive(Debug, Default)]
pub(crate) struct Memories<'a> {
    /// The stamp of the folder that has these packages and no others, if that can be told.
    pub(crate) folder: Option<Stamp>,
    /// In the order of their spelling.
    pub(crate) packages: Vec<Memory<'a>>,
}

impl Cache {
    /// Remembers nothing.
    #[must_use]
    pub fn empty() -> Cache {
        Cache::default()
    }

    /// Reads `status.cache` in the folder of a platform. Whatever is wrong with it, there is nothing to remember then.
    #[must_use]
    pub fn read(dir: &Path) -> Cache {
        let path = PlatformTree::at(dir).status_cache();
        let Ok(Some((file, metadata))) = open_with_metadata(&path) else { return Cache::empty() };
        let stamp = Stamp::of(&metadata);
        if stamp.length > MAX_BYTES {
            return Cache::empty();
        }
        let mut bytes = Vec::with_capacity(usize::try_from(stamp.length).unwrap_or(0) + 1);
        let read = file.take(stamp.length).read_to_end(&mut bytes);
        if read.is_err() || !is_whole(&bytes) {
            return Cache::empty();
        }
        Cache { bytes, stamp: Some(stamp), is_written: true }
    }

    /// Replaces `status.cache` in one step, if there is something to remember that is not in it. A power cut may bring
    /// the old one back, or leave one that is damaged and of no use.
    ///
    /// # Errors
    ///
    /// [`Error::Write`]; nothing is lost but time.
    pub fn write(&mut self, dir: &Path) -> Result<()> {
        if !self.has_changed() || self.bytes.len() as u64 > MAX_BYTES {
            return Ok(());
        }
        let path = PlatformTree::at(dir).status_cache();
        replace_file(&path, &self.bytes, Durability::Cached)
            .map_err(|source| Error::Write { path, source })?;
        self.is_written = true;
        Ok(())
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether there is something that [`Cache::write`] would write.
    #[must_use]
    pub fn has_changed(&self) -> bool {
        !self.is_written && !self.is_empty()
    }

    pub(crate) fn open(&self) -> Memories<'_> {
        body(&self.bytes).and_then(|(rest, _)| take_all(rest)).unwrap_or_default()
    }

    /// Remembers something else.
    pub(crate) fn set(&mut self, bytes: Vec<u8>) {
        *self = Cache { bytes, stamp: None, is_written: false };
    }
}

/// What is between the version, if that is right, and the digest; and everything before the digest.
fn body(bytes: &[u8]) -> Option<(Rest<'_>, &[u8])> {
    let (before, _) = bytes.split_last_chunk::<8>()?;
    let mut rest = Rest(before);
    let is_ours = rest.bytes(MAGIC.len())? == MAGIC && rest.u32()? == VERSION;
    is_ours.then_some((rest, before))
}

/// Whether a file is one of these, as it was written.
fn is_whole(bytes: &[u8]) -> bool {
    body(bytes).is_some_and(|(_, before)| bytes.get(before.len()..) == Some(&digest(before).to_le_bytes()))
}

fn take_all(mut rest: Rest<'_>) -> Option<Memories<'_>> {
    let is_complete = rest.flag()?;
    let folder = take_stamp(&mut rest)?;
    let count = rest.u32()?;
    let count = usize::try_from(count).ok().filter(|count| *count <= MOST_PACKAGES)?;
    // A number that is not true must not take memory.
    let packages = Vec::with_capacity(count.min(rest.0.len() / memory::LEAST_BYTES));
    let mut memories = Memories { folder: is_complete.then_some(folder), packages };
    for _ in 0..count {
        let memory = memory::take(&mut rest)?;
        let is_next = memories.packages.last().is_none_or(|last| last.package < memory.package);
        if !is_next {
            return None;
        }
        memories.packages.push(memory);
    }
    rest.0.is_empty().then_some(memories)
}

/// Begins a cache of so many packages; what is remembered of each must follow, and [`end`].
pub(crate) fn begin(bytes: &mut Vec<u8>, folder: &Stamp, is_complete: bool, packages: usize) {
    bytes.extend_from_slice(MAGIC);
    put_u32(bytes, VERSION);
    bytes.push(u8::from(is_complete));
    put_stamp(bytes, folder);
    put_u32(bytes, u32::try_from(packages).unwrap_or(u32::MAX));
}

pub(crate) fn end(bytes: &mut Vec<u8>) {
    let sum = digest(bytes);
    put_u64(bytes, sum);
}
