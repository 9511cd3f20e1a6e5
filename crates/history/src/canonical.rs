//! The one spelling that nearly every line has, read without a general reader of JSON.
//!
//! This library and the original write the keys of an entry in one order, without spaces, and no text but that of an
//! error needs escapes, as a rule. A line that looks so is cut up at fixed places. Whatever differs in the least is left
//! to the general reader, so that this one decides nothing: it finds the same entry sooner, or finds nothing.

use std::borrow::Cow;

use crate::EntryRef;

/// The entry on a line; `None` if the general reader has to be asked.
#[inline]
pub(crate) fn read(line: &str) -> Option<EntryRef<'_>> {
    let mut rest = Rest(line);
    let ts = rest.text(r#"{"ts":""#)?;
    let run = rest.text(r#","run":""#)?;
    let build_hash = rest.text(r#","build_hash":""#)?;
    let status = rest.text(r#","status":""#)?;
    let category = rest.text(r#","category":""#)?;
    // Later versions of the original do not write it.
    let compiler = rest.optional_text(r#","compiler":""#)?.unwrap_or_default();
    let blessed = rest.skip(r#","blessed":true"#);
    if !blessed && !rest.skip(r#","blessed":false"#) {
        return None;
    }
    let (mut error, mut failed_dep, mut failed_dep_hash, mut universe) = (None, None, None, None);
    if rest.0 != "}" {
        error = rest.optional_message(r#","error":""#)?;
        failed_dep = rest.optional_text(r#","failed_dep":""#)?;
        failed_dep_hash = rest.optional_text(r#","failed_dep_hash":""#)?;
        universe = rest.optional_text(r#","universe":""#)?;
        if rest.0 != "}" {
            return None;
        }
    }
    Some(EntryRef {
        ts,
        run,
        build_hash,
        status,
        category,
        compiler,
        blessed,
        error,
        failed_dep,
        failed_dep_hash,
        universe,
    })
}

/// What is left of a line.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// Passes over what must come next, if it does.
    #[inline]
    fn skip(&mut self, expected: &str) -> bool {
        let rest = self.0.strip_prefix(expected);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// The text behind a key that must come next; `None` if it does not or the text is not plain. `key` goes on
    /// up to the quote that begins the text.
    #[inline(always)]
    fn text(&mut self, key: &str) -> Option<Cow<'a, str>> {
        self.optional_text(key)?
    }

    /// As [`Rest::text`] for a key that need not be there: `Some(None)` if something else comes next.
    #[inline(always)]
    #[expect(clippy::option_option, reason = "not there is something else than not plain")]
    fn optional_text(&mut self, key: &str) -> Option<Option<Cow<'a, str>>> {
        let Some(rest) = self.0.strip_prefix(key) else { return Some(None) };
        let (text, rest) = rest.split_at_checked(plain_length(rest.as_bytes()))?;
        self.0 = rest.strip_prefix('"')?;
        Some(Some(Cow::Borrowed(text)))
    }

    /// As [`Rest::optional_text`] for a text that may have several lines, and quotes.
    #[inline(never)]
    #[expect(clippy::option_option, reason = "as above")]
    fn optional_message(&mut self, key: &str) -> Option<Option<Cow<'a, str>>> {
        let Some(rest) = self.0.strip_prefix(key) else { return Some(None) };
        let (mut part, mut rest) = rest.split_at_checked(plain_length(rest.as_bytes()))?;
        if let Some(rest) = rest.strip_prefix('"') {
            self.0 = rest;
            return Some(Some(Cow::Borrowed(part)));
        }
        // No escape is shorter than what it stands for.
        let mut message = String::with_capacity(part.len() + rest.len());
        loop {
            message.push_str(part);
            if let Some(rest) = rest.strip_prefix('"') {
                self.0 = rest;
                return Some(Some(Cow::Owned(message)));
            }
            let mut escape = rest.strip_prefix('\\')?.chars();
            message.push(unescaped(escape.next()?)?);
            rest = escape.as_str();
            (part, rest) = rest.split_at_checked(plain_length(rest.as_bytes()))?;
        }
    }
}

/// What stands behind a backslash for one character; `None` for its number, which can be half of a pair.
fn unescaped(escape: char) -> Option<char> {
    Some(match escape {
        '"' | '\\' | '/' => escape,
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        _ => return None,
    })
}

/// How many bytes come before the first that ends a text or must not stand in one as it is: a quote, a backslash,
/// a control character.
#[inline]
pub(crate) fn plain_length(bytes: &[u8]) -> usize {
    let (words, _) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let special = special_bytes(u64::from_le_bytes(*word));
        if special != 0 {
            return index * 8 + (special.trailing_zeros() / 8) as usize;
        }
    }
    let checked = words.len() * 8;
    let rest = bytes.iter().skip(checked);
    checked + rest.take_while(|byte| !matches!(byte, b'"' | b'\\' | ..0x20)).count()
}

const ONES: u64 = u64::MAX / 255;
const HIGHEST: u64 = ONES << 7;

/// Marks the highest bit of special bytes, as [`plain_length`] calls them. The lowest mark is right; those above
/// it can be wrong, because a subtraction may borrow from the byte above.
#[inline]
fn special_bytes(word: u64) -> u64 {
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word & HIGHEST;
    let equal = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    below(word, 0x20) | equal(b'"') | equal(b'\\')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::{Index, select};

    use super::*;
    use crate::Entry;

    const LINE: &str = r#"{"ts":"2026-03-09T12:54:44Z","run":"2026-03-09-125400","build_hash":"build-a1b2c3d4e5f6","status":"failure","category":"dependency_failure","compiler":"5.3.0","blessed":true,"error":"it is cold","failed_dep":"dep.1","failed_dep_hash":"none","universe":"u"}"#;

    fn general(line: &str) -> Option<EntryRef<'_>> {
        serde_json::from_str(line).ok()
    }

    #[test]
    fn what_writers_write_is_read_here() {
        let optional = ["compiler", "error", "failed_dep", "failed_dep_hash", "universe"];
        for left_out in 0..1 << optional.len() {
            let mut line = LINE.to_owned();
            for (_, key) in optional.iter().enumerate().filter(|(bit, _)| left_out >> bit & 1 == 1) {
                let start = line.find(&format!(",\"{key}\"")).unwrap();
                let end = start + 1 + line[start + 1..].find([',', '}']).unwrap();
                line.replace_range(start..end, "");
            }
            assert!(read(&line).is_some(), "{line}");
            assert_eq!(read(&line), general(&line), "{line}");
            assert_eq!(read(&line.replace("true", "false")), general(&line.replace("true", "false")));
        }
    }

    #[test]
    fn what_is_spelled_otherwise_is_left_to_the_general_reader() {
        for other in [
            LINE.replace(":true", ": true"),
            LINE.replace(":true", ":null"),
            LINE.replace("cold", "\\u0063old"),
            LINE.replace("dep.1", "dep\\\\1"),
            LINE.replace("cold", "co\tld"),
            LINE.replace("it is cold", "it is c\u{1f}old"),
            LINE.replace(r#""dep.1""#, "null"),
            LINE.replace(r#","universe":"u""#, r#","universe":"u","more":[1]"#),
            LINE.replace(r#""run":"#, r#""ts":"once more","run":"#),
            LINE.to_owned() + " ",
            LINE.to_owned() + LINE,
            LINE[..LINE.len() - 1].to_owned(),
            String::new(),
        ] {
            assert_eq!(read(&other), None, "{other}");
        }
    }

    #[test]
    fn an_error_of_several_lines_is_read_here() {
        let escapes = r#"\"it\" is\ncold,\tcolder\\\/\r\b\f"#;
        for message in [escapes, "\\n", "cold\\n", "\\\"cold", "kält\\né"] {
            let line = LINE.replace("it is cold", message);
            assert!(read(&line).is_some(), "{line}");
            assert_eq!(read(&line), general(&line), "{line}");
        }
    }

    #[test]
    fn what_must_not_stand_in_a_text_is_found_at_every_place() {
        for place in 7..LINE.len() {
            for special in (0..0x20).chain([b'"', b'\\']) {
                let mut line = LINE.as_bytes().to_vec();
                line[place] = special;
                let line = String::from_utf8(line).unwrap();
                if let Some(found) = read(&line) {
                    assert!(special == b'\\' || line == LINE, "{special} at {place} was passed over");
                    assert_eq!(Some(found), general(&line));
                }
            }
        }
    }

    #[test]
    fn the_end_of_a_text_is_found_at_every_place_and_behind_every_byte() {
        for before in 0..20 {
            for special in (0..0x20).chain([b'"', b'\\']) {
                for other in [0x20, b'!', b'#', b'[', b']', 0x7f, 0x80, 0xa2, 0xdc, 0xff] {
                    let mut bytes = vec![other; before];
                    bytes.push(special);
                    // A wrong mark can only stand above a right one.
                    bytes.extend([special ^ 1, other, b'"', 0, b'\\', other, other, other, other]);
                    assert_eq!(plain_length(&bytes), before, "{special} behind {before} of {other}");
                    assert_eq!(plain_length(&bytes[..before]), before);
                }
            }
        }
    }

    fn any_text() -> impl Strategy<Value = String> {
        prop_oneof![4 => "[ -~]{0,24}", 1 => any::<String>(), 1 => "[\u{0}-\u{ff}]{0,9}", 6 => "[a-z0-9.:-]{0,20}"]
    }

    prop_compose! {
        fn any_entry()(
            required in prop::collection::vec(any_text(), 6),
            optional in prop::collection::vec(prop::option::of(any_text()), 4),
            blessed: bool,
        ) -> Entry {
            let [ts, run, build_hash, status, category, compiler] = required.try_into().unwrap();
            let [error, failed_dep, failed_dep_hash, universe] = optional.try_into().unwrap();
            let category = buildbook_layout::Category::new(category);
            Entry { ts, run, build_hash, status, category, compiler, blessed, error, failed_dep, failed_dep_hash, universe }
        }
    }

    /// What a line can have too much.
    const PIECES: [&str; 28] = [
        "\"",
        "\\",
        "\\n",
        "\\t\\r",
        "\\b\\f\\/",
        "\\\"",
        "\\\\",
        "\\é",
        "{",
        "}",
        ",",
        ":",
        " ",
        "\t",
        "\u{0}",
        "\u{1f}",
        "\u{7f}",
        "é",
        "\u{feff}",
        "null",
        "1e5",
        "\\u00e9",
        "\"ts\":\"again\",",
        ",\"blessed\":false",
        ",\"error\":null",
        ",\"error\":\"twice\"",
        ",\"more\":{\"ts\":[\"x\"]}",
        ",\"compiler\":\"\"",
    ];

    /// A change of a line: a part of it, what comes in its place, and whether the part stays as well.
    type Edit = (Index, usize, Option<&'static str>, bool);

    fn any_edits() -> impl Strategy<Value = Vec<Edit>> {
        let length = prop_oneof![3 => Just(0), 1 => 1..40_usize];
        let edit = (any::<Index>(), length, prop::option::weighted(0.8, select(&PIECES[..])), any::<bool>());
        prop::collection::vec(edit, 0..4)
    }

    fn edited(mut line: String, edits: &[Edit]) -> String {
        for (place, length, piece, twice) in edits {
            let start = line.floor_char_boundary(place.index(line.len() + 1));
            let end = line.floor_char_boundary(start + length);
            let mut new = piece.unwrap_or_default().to_owned();
            if *twice {
                new += &line[start..end].repeat(2);
            }
            line.replace_range(start..end, &new);
        }
        line
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn what_is_found_is_what_the_general_reader_finds(
            entry in prop_oneof![any_entry(), Just(general(LINE).unwrap().into_entry())],
            edits in any_edits(),
        ) {
            let line = edited(serde_json::to_string(&entry).unwrap(), &edits);
            if let Some(found) = read(&line) {
                prop_assert_eq!(Some(found), general(&line));
            }
        }
    }
}
