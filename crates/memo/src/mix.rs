//! A quick hash for tables by digests and by numbers.

use std::hash::{BuildHasherDefault, Hasher};

/// A table by something that nobody chooses so that it falls on the same place as other things: a digest, a number that
/// was given out, or what a file system says of a file. The hash of the standard library, which is made against that,
/// takes several times as long.
pub(crate) type Table<K, V> = std::collections::HashMap<K, V, BuildHasherDefault<Mix>>;

/// Odd, and half of its bits are set: the fractional part of the golden ratio.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// Folds numbers of eight bytes into one.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Mix(u64);

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        let (numbers, rest) = bytes.as_chunks::<8>();
        numbers.iter().for_each(|number| self.write_u64(u64::from_le_bytes(*number)));
        rest.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(23) ^ number).wrapping_mul(FACTOR);
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_i64(&mut self, number: i64) {
        self.write_u64(number.cast_unsigned());
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn finish(&self) -> u64 {
        // Tables look at the highest and at the lowest bits; the product's best ones are at the top.
        self.0 ^ self.0 >> 32
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::{BuildHasher as _, BuildHasherDefault};

    use super::*;
    use crate::digest::Digest;
    use crate::identity::Identity;

    /// How many of these share the lowest 16 bits with another one, of 10,000; by chance, some 700 do.
    fn shared(hashes: impl Iterator<Item = u64>) -> usize {
        let (mut count, mut seen) = (0, HashSet::new());
        for hash in hashes {
            count += 1;
            seen.insert(hash & 0xffff);
        }
        assert_eq!(count, 10_000);
        count - seen.len()
    }

    #[test]
    fn what_differs_little_is_spread() {
        let hash = BuildHasherDefault::<Mix>::default();
        let identity =
            |n: u64| Identity { device: 1, inode: n, size: 3, modified: (1_700_000_000, 5), changed: (6, 7) };
        let inodes = (0..10_000).map(|n| hash.hash_one(identity(n)));
        let times =
            (0..10_000).map(|n| hash.hash_one(Identity { changed: (6, 1_000_000 * n), ..identity(0) }));
        let digests = (0..10_000_u64).map(|n| hash.hash_one(Digest::of(&n.to_le_bytes())));
        let found = [shared(inodes), shared(times), shared(digests)];
        assert!(found.iter().all(|shared| *shared < 1_500), "{found:?}");
    }
}
