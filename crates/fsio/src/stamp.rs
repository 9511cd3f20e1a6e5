//! Whether a file is still the one that was read.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;

/// What a system says about a file that tells whether it may have changed: which file it is, how long, and when it
/// was changed last.
///
/// Two equal stamps do not quite say that nothing happened in between. Times are those of the file system's clock,
/// which may stand still for some milliseconds, or for two seconds on some: a file that is read and changed within
/// one tick, and does not grow, looks as before. Whoever relies on a stamp must know that the clock had moved on
/// since `changed` when the file was read; a later `changed` of anything else on the same device shows that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    /// The device that it is on.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
    /// Its length in bytes.
    pub length: u64,
    /// When its contents were changed, as anybody may set it: seconds since 1970, and nanoseconds.
    pub modified: (i64, u32),
    /// When anything of it was changed, as only the system sets it.
    pub changed: (i64, u32),
}

impl Stamp {
    /// The stamp of what some metadata are about.
    #[must_use]
    pub fn of(metadata: &Metadata) -> Stamp {
        Stamp {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.size(),
            modified: (metadata.mtime(), nanoseconds(metadata.mtime_nsec())),
            changed: (metadata.ctime(), nanoseconds(metadata.ctime_nsec())),
        }
    }
}

pub(crate) fn nanoseconds(count: i64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
