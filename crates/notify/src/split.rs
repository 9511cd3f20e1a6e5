//! Making a long message fit a service that takes only short ones.

/// How a service counts the length of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Bytes of UTF-8.
    Bytes,
    /// UTF-16 code units: never fewer than characters, so that it is also safe for a service that
    /// counts characters.
    Utf16,
}

impl Unit {
    fn of(self, c: char) -> usize {
        match self {
            Unit::Bytes => c.len_utf8(),
            Unit::Utf16 => c.len_utf16(),
        }
    }

    fn len(self, text: &str) -> usize {
        match self {
            Unit::Bytes => text.len(),
            Unit::Utf16 => text.chars().map(char::len_utf16).sum(),
        }
    }
}

/// The longest message that a service takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    pub(crate) size: usize,
    pub(crate) unit: Unit,
}

/// A message becomes at most this many; a flood of parts helps nobody, and services count each.
pub(crate) const MAX_PARTS: usize = 5;

/// What the two marks of a part can take together: `[5/5]`, two line ends, and twenty digits.
const MARKS: usize = 64;

/// A piece of a message, and where it stands among the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part<'a> {
    /// The piece itself, byte for byte.
    pub(crate) text: &'a str,
    /// Counted from 1.
    pub(crate) number: usize,
    pub(crate) of: usize,
    /// Bytes of the message after this part that no part holds.
    pub(crate) cut: usize,
}

impl Part<'_> {
    /// The text to send: the piece, with its number when there are several and with a mark at its
    /// end when something is missing.
    pub(crate) fn render(&self) -> String {
        let mut text = String::with_capacity(self.text.len() + MARKS);
        if self.of > 1 {
            text.push_str(&format!("[{}/{}]\n", self.number, self.of));
        }
        text.push_str(self.text);
        if self.cut > 0 {
            text.push_str(&format!("\n[cut: {} more bytes]", self.cut));
        }
        text
    }
}

/// Splits `message` into at most [`MAX_PARTS`] parts, each within `limit` when rendered.
///
/// A part ends at the end of a line where one is near enough. It never ends inside a character or
/// between a carriage return and its line feed. What does not fit into the last part is cut.
pub(crate) fn split(message: &str, limit: Limit) -> Vec<Part<'_>> {
    if limit.unit.len(message) <= limit.size {
        return vec![Part { text: message, number: 1, of: 1, cut: 0 }];
    }
    let room = limit.size.saturating_sub(MARKS);
    let mut texts = Vec::with_capacity(MAX_PARTS);
    let mut rest = message;
    while !rest.is_empty() && texts.len() < MAX_PARTS {
        let (head, tail) = rest.split_at(break_at(rest, room, limit.unit));
        texts.push(head);
        rest = tail;
    }
    let of = texts.len();
    let part = |(index, text)| {
        let number = index + 1;
        Part { text, number, of, cut: if number == of { rest.len() } else { 0 } }
    };
    texts.into_iter().enumerate().map(part).collect()
}

/// Where the first part of `text` ends: a place between two characters, within `room`.
fn break_at(text: &str, room: usize, unit: Unit) -> usize {
    let mut used = 0;
    let mut end = 0;
    let mut line_end = 0;
    for c in text.chars() {
        used += unit.of(c);
        if used > room {
            // A line end in the second half is worth a shorter part.
            if line_end * 2 >= end {
                return line_end;
            }
            let inside_line_end = c == '\n' && text.as_bytes().get(end.wrapping_sub(1)) == Some(&b'\r');
            return if inside_line_end { end - 1 } else { end };
        }
        end += c.len_utf8();
        if c == '\n' {
            line_end = end;
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Limit = Limit { size: 100, unit: Unit::Bytes };

    #[test]
    fn what_fits_is_left_alone() {
        for text in ["", "x", &"x".repeat(100)] {
            let parts = split(text, SMALL);
            assert_eq!(parts.len(), 1);
            assert_eq!(parts.iter().map(Part::render).collect::<String>(), text);
        }
    }

    #[test]
    fn parts_end_at_line_ends_and_are_numbered() {
        let line = format!("{}\n", "a".repeat(29));
        let rendered: Vec<String> = split(&line.repeat(4), SMALL).iter().map(Part::render).collect();
        let expected: Vec<String> = (1..=4).map(|n| format!("[{n}/4]\n{line}")).collect();
        assert_eq!(rendered, expected);
    }

    #[test]
    fn what_does_not_fit_into_the_last_part_is_cut_with_a_mark() {
        let text = "b".repeat(1000);
        let parts = split(&text, SMALL);
        assert_eq!(parts.len(), MAX_PARTS);
        let last = parts.last().map(Part::render).unwrap_or_default();
        assert_eq!(last, format!("[5/5]\n{}\n[cut: {} more bytes]", "b".repeat(36), 1000 - 5 * 36));
    }

    #[test]
    fn characters_outside_the_basic_plane_count_twice_in_utf_16() {
        let text = "\u{1f600}".repeat(51);
        assert_eq!(split(&text, Limit { size: 102, unit: Unit::Utf16 }).len(), 1);
        assert_eq!(split(&text, Limit { size: 101, unit: Unit::Utf16 }).len(), 3);
    }

    #[test]
    fn a_line_end_of_two_characters_is_not_torn() {
        let text = format!("{}\r\n{}", "c".repeat(35), "d".repeat(80));
        let parts = split(&text, SMALL);
        assert_eq!(parts.first().map(|part| part.text.len()), Some(35));
        assert!(parts.iter().all(|part| !part.text.ends_with('\r')));
    }

    proptest::proptest! {
        #[test]
        fn the_parts_and_the_cut_make_up_the_message(
            words in proptest::collection::vec("(\r\n|\n|\r|[a-z ]{1,40}|\u{e4}|\u{1f600}){0,12}", 0..60),
            size in 70_usize..400,
            utf16: bool,
        ) {
            let message = words.concat();
            let unit = if utf16 { Unit::Utf16 } else { Unit::Bytes };
            let parts = split(&message, Limit { size, unit });
            let kept: String = parts.iter().map(|part| part.text).collect();
            let cut: usize = parts.iter().map(|part| part.cut).sum();
            proptest::prop_assert!(message.starts_with(&kept));
            proptest::prop_assert_eq!(kept.len() + cut, message.len());
            proptest::prop_assert!(parts.len() <= MAX_PARTS);
            proptest::prop_assert!(cut == 0 || parts.len() == MAX_PARTS);
            for part in &parts {
                let rendered = part.render();
                let length = if utf16 { rendered.encode_utf16().count() } else { rendered.len() };
                proptest::prop_assert!(length <= size, "{} is over {}", length, size);
            }
            for pair in parts.windows(2) {
                if let [a, b] = pair {
                    proptest::prop_assert!(!(a.text.ends_with('\r') && b.text.starts_with('\n')));
                }
            }
        }
    }
}
