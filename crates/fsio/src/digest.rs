//! Telling whether bytes are still those that were written.

/// A number for some bytes that almost certainly differs for any others, as fast as they can be read.
///
/// It finds accidents: a part that was overwritten, cut off or never written. It does not protect from somebody who
/// looks for bytes with the same number. A change within eight bytes is always found.
#[must_use]
pub fn digest(bytes: &[u8]) -> u64 {
    let mut lanes = SEEDS;
    let (chunks, rest) = bytes.as_chunks::<32>();
    for chunk in chunks {
        absorb(&mut lanes, chunk);
    }
    let mut last = [0; 32];
    for (place, byte) in last.iter_mut().zip(rest) {
        *place = *byte;
    }
    absorb(&mut lanes, &last);
    lanes.into_iter().fold(bytes.len() as u64, |sum, lane| mix(sum ^ lane))
}

const SEEDS: [u64; 4] =
    [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344, 0xa409_3822_299f_31d0, 0x082e_fa98_ec4e_6c89];

/// Each lane takes every fourth word. Every step can be undone, so two different words never lead to the same lane.
fn absorb(lanes: &mut [u64; 4], chunk: &[u8; 32]) {
    let (words, _) = chunk.as_chunks::<8>();
    for (lane, word) in lanes.iter_mut().zip(words) {
        let word = u64::from_le_bytes(*word).wrapping_mul(0xd6e8_feb8_6659_fd93);
        *lane = lane.wrapping_add(word).rotate_left(31).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// Spreads what differs over all bits. It, too, can be undone.
fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    let word = (word ^ (word >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    word ^ (word >> 32)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_change_of_a_bit_or_of_the_length_gives_another_number() {
        let bytes: Vec<u8> = (0..200_u32).map(|number| (number * number % 251) as u8 + 1).collect();
        let mut seen = HashSet::new();
        for length in 0..bytes.len() {
            assert!(seen.insert(digest(&bytes[..length])), "{length}");
        }
        assert!(seen.insert(digest(&bytes)));
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(seen.insert(digest(&changed)), "{bit}");
        }
        for zeros in 0..100 {
            assert!(seen.insert(digest(&[0; 100][..zeros])) || zeros == 0, "{zeros}");
        }
        let mut exchanged = bytes.clone();
        exchanged.swap(3, 35);
        assert!(seen.insert(digest(&exchanged)));
    }

    /// It is written to files, which another build of the program reads.
    #[test]
    fn the_number_does_not_depend_on_the_machine() {
        assert_eq!(digest(b"buildbook"), 3_349_883_078_474_469_585);
    }
}
