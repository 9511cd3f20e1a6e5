//! How to tell that a file is the one that was looked at before.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How far apart two changes must be for their times to differ, where times have fractions of a second: the tick
/// of a slow kernel is 10 ms, and the rest is room.
const FINE_TICK: Duration = Duration::from_millis(50);
/// The same where times are whole seconds; some file systems count in steps of two.
const COARSE_TICK: Duration = Duration::from_millis(2_050);

/// What the file system says of a file. A change of the contents changes at least one of these, provided that the
/// file had not been changed just before; see [`Identity::is_fresh`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Identity {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) size: u64,
    pub(crate) modified: (i64, i64),
    /// When anything about the file changed last. Programs can set back `modified`, and not this.
    pub(crate) changed: (i64, i64),
}

/// How many bytes an identity takes when it is written down.
pub(crate) const IDENTITY_BYTES: usize = 7 * 8;

impl Identity {
    pub(crate) fn of(metadata: &Metadata) -> Identity {
        Identity {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Whether the file changed so shortly before `now` that another change could leave all of its times as they
    /// are. Contents read `now` must not be remembered for this identity.
    pub(crate) fn is_fresh(&self, now: SystemTime) -> bool {
        let is_coarse = self.changed.1 == 0 && self.modified.1 == 0;
        let tick = if is_coarse { COARSE_TICK } else { FINE_TICK };
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let limit = now.saturating_sub(tick);
        let limit = (limit.as_secs().cast_signed(), i64::from(limit.subsec_nanos()));
        self.changed >= limit || self.modified >= limit
    }

    /// Device, inode, size, and the two times as seconds and nanoseconds; all numbers little-endian.
    pub(crate) fn to_bytes(self) -> [u8; IDENTITY_BYTES] {
        let Identity { device, inode, size, modified, changed } = self;
        let times = [modified.0, modified.1, changed.0, changed.1].map(i64::cast_unsigned);
        let numbers = [device, inode, size].into_iter().chain(times);
        let mut bytes = [0; IDENTITY_BYTES];
        for (place, number) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(numbers) {
            *place = number.to_le_bytes();
        }
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8; IDENTITY_BYTES]) -> Identity {
        let mut numbers = bytes.as_chunks::<8>().0.iter().map(|number| u64::from_le_bytes(*number));
        let mut next = || numbers.next().unwrap_or_default();
        let (device, inode, size) = (next(), next(), next());
        let mut time = || (next().cast_signed(), next().cast_signed());
        Identity { device, inode, size, modified: time(), changed: time() }
    }

    /// Whether the contents may have been written to since. Rights and the number of names may differ.
    pub(crate) fn has_contents_of(&self, other: &Identity) -> bool {
        let contents =
            |identity: &Identity| (identity.device, identity.inode, identity.size, identity.modified);
        contents(self) == contents(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(modified: (i64, i64), changed: (i64, i64)) -> Identity {
        Identity { device: 1, inode: 2, size: 3, modified, changed }
    }

    #[test]
    fn what_changed_within_a_tick_is_fresh() {
        let now = UNIX_EPOCH + Duration::new(1_000, 500_000_000);
        for (identity, is_fresh) in [
            (at((1_000, 499_000_000), (1_000, 499_000_000)), true),
            (at((1_000, 400_000_000), (1_000, 400_000_000)), false),
            (at((10, 5), (1_000, 490_000_000)), true),
            (at((1_000, 0), (1_000, 0)), true),
            (at((999, 0), (999, 0)), true),
            (at((998, 0), (998, 0)), false),
            (at((2_000, 7), (900, 7)), true),
            (at((900, 7), (2_000, 7)), true),
        ] {
            assert_eq!(identity.is_fresh(now), is_fresh, "{identity:?}");
        }
    }
}
