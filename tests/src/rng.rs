//! Numbers that look like chance and are the same every time.

/// SplitMix64, by Steele, Lea and Flood: one addition and a few shifts, and good enough for a pretend farm.
pub(crate) struct Rng(u64);

impl Rng {
    /// A stream of its own for whatever has a name, so that something new in one part of a tree leaves the
    /// others as they are.
    pub(crate) fn named(seed: u64, name: &str) -> Rng {
        // FNV-1a, started from the seed.
        let mixed = name.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Rng(mixed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number less than `limit`; 0 when the limit is 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        let number = self.next().checked_rem(limit as u64).unwrap_or(0);
        usize::try_from(number).unwrap_or(0)
    }

    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// As many lower-case hexadecimal digits as asked for.
    pub(crate) fn hex(&mut self, digits: usize) -> String {
        let mut text = String::new();
        while text.len() < digits {
            text.push_str(&format!("{:016x}", self.next()));
        }
        text.truncate(digits);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_published_generator() {
        // The first outputs for seed 1234567, as in the reference implementation's test vectors.
        let mut rng = Rng(1_234_567);
        let first: Vec<u64> = std::iter::repeat_with(|| rng.next()).take(3).collect();
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn names_have_streams_of_their_own() {
        let hex = |seed, name: &str| Rng::named(seed, name).hex(32);
        assert_eq!(hex(1, "a"), hex(1, "a"));
        assert_ne!(hex(1, "a"), hex(1, "b"));
        assert_ne!(hex(1, "a"), hex(2, "a"));
        assert_eq!(hex(1, "a").len(), 32);
    }

    #[test]
    fn a_limit_of_nothing_gives_nothing() {
        let mut rng = Rng(0);
        assert_eq!(rng.below(0), 0);
        assert!(std::iter::repeat_with(|| rng.below(3)).take(50).all(|n| n < 3));
    }
}
