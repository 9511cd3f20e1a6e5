//! The two parts of a line that are its own where it repeats an earlier one, found without a general reader of JSON.

use crate::Ascii;
use crate::canonical::plain_length;

/// The time and the run at the start of a line, and all that follows them.
#[inline]
pub(crate) fn start_of_line(bytes: &[u8]) -> Option<(Ascii<'_>, Ascii<'_>, &[u8])> {
    usual_start(bytes).or_else(|| any_start(bytes))
}

/// The same where the time and the run are as long as they nearly always are, so that everything has its place.
#[inline]
fn usual_start(bytes: &[u8]) -> Option<(Ascii<'_>, Ascii<'_>, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<54>()?;
    let (key, head) = head.split_at(7);
    let (ts, head) = head.split_at(20);
    let (other_key, head) = head.split_at(9);
    let (run, quote) = head.split_at(17);
    let is_start = key == br#"{"ts":""# && other_key == br#"","run":""# && quote == b"\"";
    (is_start && are_plain(ts, run)?).then(|| (Ascii::known(ts), Ascii::known(run), rest))
}

/// Whether no byte of two texts ends a text, or must not stand in one as it is, or is not ASCII. Both have 16 to 32
/// bytes, so that all of each are among the first or the last 16.
#[inline(always)]
fn are_plain(one: &[u8], other: &[u8]) -> Option<bool> {
    let (a, b) = (one.first_chunk::<16>()?, one.last_chunk::<16>()?);
    let (c, d) = (other.first_chunk::<16>()?, other.last_chunk::<16>()?);
    // Without a way out in the middle, the compiler looks at 16 bytes at once.
    let special = |byte: u8| byte.cast_signed() < 0x20 || byte == b'"' || byte == b'\\';
    let four = a.iter().zip(b).zip(c.iter().zip(d));
    let any =
        |((a, b), (c, d)): ((&u8, &u8), (&u8, &u8))| special(*a) | special(*b) | special(*c) | special(*d);
    Some(!four.map(any).fold(false, |all, one| all | one))
}

/// A line with a longer time or run is left to whoever knows which lines are too long.
const LONGEST: usize = 1024;

fn any_start(line: &[u8]) -> Option<(Ascii<'_>, Ascii<'_>, &[u8])> {
    let (ts, rest) = plain_text(line.strip_prefix(br#"{"ts":""#)?)?;
    let (run, rest) = plain_text(rest.strip_prefix(br#","run":""#)?)?;
    let is_usable = ts.len().max(run.len()) <= LONGEST;
    is_usable.then_some((Ascii::new(ts)?, Ascii::new(run)?, rest))
}

/// A text up to the quote that ends it, and what follows the quote.
#[inline(always)]
fn plain_text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (text, rest) = bytes.split_at_checked(plain_length(bytes))?;
    Some((text, rest.strip_prefix(b"\"")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"ts":"2026-03-09T12:54:44Z","run":"2026-03-09-125400","build_hash":"build-a1b2c3d4e5f6","blessed":true}"#;

    /// The time, the run and the rest, found byte by byte.
    fn start_by_definition(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
        fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
            let end = bytes.iter().position(|byte| *byte == b'"')?;
            let is_plain = |byte: &u8| (0x20..0x80).contains(byte) && *byte != b'\\';
            bytes[..end].iter().all(is_plain).then_some((&bytes[..end], &bytes[end + 1..]))
        }
        let (ts, rest) = text(bytes.strip_prefix(b"{\"ts\":\"")?)?;
        let (run, rest) = text(rest.strip_prefix(b",\"run\":\"")?)?;
        Some((ts, run, rest))
    }

    #[test]
    fn the_start_of_a_line_is_found_where_every_byte_of_it_is_what_it_may_be() {
        let suffixed = LINE.replace("-125400", "-125400-002");
        for line in [
            LINE,
            &suffixed,
            &LINE.replace("54:44Z", "54:44.123456Z"),
            &LINE.replace("2026-03-09-125400", "r1"),
        ] {
            for place in 0..60 {
                for byte in 0..=u8::MAX {
                    let mut line = line.as_bytes().to_vec();
                    line[place] = byte;
                    let found =
                        start_of_line(&line).map(|(ts, run, rest)| (ts.as_bytes(), run.as_bytes(), rest));
                    assert_eq!(found, start_by_definition(&line), "{byte} at {place}");
                }
                let cut = start_of_line(&line.as_bytes()[..place])
                    .map(|(ts, run, rest)| (ts.as_bytes(), run.as_bytes(), rest));
                assert_eq!(cut, start_by_definition(&line.as_bytes()[..place]), "{place}");
            }
        }
    }
}
