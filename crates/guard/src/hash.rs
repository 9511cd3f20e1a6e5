//! A quick hash of paths.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Odd, and half of its bits are set: the fractional part of the golden ratio.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// Makes hashers that share a secret.
///
/// The hash of the standard library takes several times as long for a path, and what it has more is strength against
/// somebody who sees hashes, or learns them from the time that look-ups take. Nothing tells hashes here, and who only
/// chooses paths cannot choose such as fall together: each step multiplies by what depends on the secret.
#[derive(Debug, Clone)]
pub(crate) struct Secret([u64; 2]);

impl Secret {
    pub(crate) fn new() -> Self {
        let random = RandomState::new();
        Self([0_u8, 1].map(|number| random.hash_one(number)))
    }
}

impl BuildHasher for Secret {
    type Hasher = Folded;

    fn build_hasher(&self) -> Folded {
        let Self([start, secret]) = *self;
        Folded { state: start, secret }
    }
}

/// Folds sixteen bytes at a time into eight, as the halves of a product.
#[derive(Debug)]
pub(crate) struct Folded {
    state: u64,
    secret: u64,
}

impl Folded {
    fn step(&mut self, bytes: [u8; 16]) {
        let number = u128::from_le_bytes(bytes);
        let (low, high) = (number as u64, (number >> 64) as u64);
        let product = u128::from(low ^ self.state) * u128::from(high ^ self.secret);
        self.state = (product as u64 ^ (product >> 64) as u64).wrapping_add(low);
    }
}

impl Hasher for Folded {
    fn write(&mut self, bytes: &[u8]) {
        let (steps, rest) = bytes.as_chunks();
        steps.iter().for_each(|step| self.step(*step));
        let mut last = [0; 16];
        last.iter_mut().zip(rest).for_each(|(place, byte)| *place = *byte);
        self.step(last);
    }

    fn write_usize(&mut self, number: usize) {
        self.state = self.state.wrapping_add(number as u64);
    }

    fn finish(&self) -> u64 {
        let product = u128::from(self.state ^ self.secret) * u128::from(FACTOR);
        product as u64 ^ (product >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn paths_that_differ_little_are_spread() {
        let secret = Secret::new();
        let names: [fn(usize) -> String; 4] = [
            |n| format!("src/{n}"),
            |n| format!("/home/user/a-project/with/long/folders/{n}/and/the/same/end.c"),
            |n| format!("{}.h", n * 1024),
            |n| "x".repeat(n % 100) + &"/y".repeat(n / 100),
        ];
        for name in names {
            let lowest: HashSet<u64> =
                (0..10_000).map(|n| secret.hash_one(name(n).as_bytes()) & 0xffff).collect();
            assert!(lowest.len() > 8_500, "{} of 10,000; by chance, some 9,300: {}", lowest.len(), name(7));
        }
    }

    #[test]
    fn every_byte_the_length_and_the_secret_count() {
        let secret = Secret::new();
        let long = [b'a'; 40];
        let mut hashes = HashSet::from([secret.hash_one(&long[..]), Secret::new().hash_one(&long[..])]);
        for position in 0..long.len() {
            let mut other = long;
            other[position] = b'b';
            hashes.insert(secret.hash_one(&other[..]));
            hashes.insert(secret.hash_one(&long[..position]));
        }
        let zeros = [0; 40];
        hashes.extend((0..=zeros.len()).map(|length| secret.hash_one(&zeros[..length])));
        // Nothing and no zeros are the same.
        assert_eq!(hashes.len(), 2 + 40 + 40 + 41 - 1);
        assert_eq!(secret.hash_one(&long[..]), secret.hash_one(&long[..]));
    }
}
