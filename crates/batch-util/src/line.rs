//! One line of a log, cleaned, and what kind of line it is.

use std::borrow::Cow;

use crate::substring::contains;

/// A line, or a piece of a very long one, without its end.
pub(crate) struct Line<'a> {
    /// Counted from 1.
    pub(crate) number: u64,
    /// In bytes from the start of the log.
    pub(crate) offset: u64,
    /// Whether this is a later piece of a long line, so that its first byte is not the start of
    /// anything.
    pub(crate) continued: bool,
    /// The bytes without colour escapes and trailing blanks.
    pub(crate) text: Cow<'a, [u8]>,
}

impl<'a> Line<'a> {
    pub(crate) fn new(raw: &'a [u8], number: u64, offset: u64, continued: bool) -> Self {
        let text = match strip_escapes(raw.trim_ascii_end()) {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim_ascii_end()),
            Cow::Owned(text) => Cow::Owned(text.trim_ascii_end().to_vec()),
        };
        Line { number, offset, continued, text }
    }

    /// What kind of line this is. Asked once for all words found on it, since it reads the whole
    /// line.
    pub(crate) fn speech(&self) -> Speech {
        let text = self.text.trim_ascii_start();
        if ends_well(text) || mentions(text) || is_excerpt(text) || warns(text) {
            Speech::Mention
        } else if goes_on(text) {
            Speech::Attempt
        } else {
            Speech::Report
        }
    }
}

/// What kind of line it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speech {
    /// It mentions something without reporting it: a warning, the result of a check or of a test,
    /// an excerpt of source code, an operand of an assertion, an echoed command.
    Mention,
    /// It reports a failure after which the tool goes on.
    Attempt,
    /// A tool reports for itself.
    Report,
}

/// Results that end a line about a check or a test in which nothing went wrong. Plain words only
/// count behind an ellipsis.
const GOOD_RESULTS: [&str; 7] = ["ok", "pass", "passed", "yes", "no", "skipped", "ignored"];
const GOOD_MARKS: [&str; 5] = ["[ok]", "(ok)", "[pass]", "[passed]", "✓"];

fn ends_well(text: &[u8]) -> bool {
    let last = text.rsplit(|byte| *byte == b' ' || *byte == b'.').next().unwrap_or_default();
    let is_one_of = |words: &[&str]| words.iter().any(|word| last.eq_ignore_ascii_case(word.as_bytes()));
    let before = text.strip_suffix(last).unwrap_or_default().trim_ascii_end();
    let awaited = before.ends_with(b"...") || before.ends_with("…".as_bytes());
    !before.is_empty() && (is_one_of(&GOOD_MARKS) || awaited && is_one_of(&GOOD_RESULTS))
}

/// How lines begin that announce or quote rather than report.
const MENTIONS: [&str; 26] = [
    "checking ",
    "test ",
    "testing ",
    "running test",
    "ok ",
    "[ok]",
    "pass ",
    "pass:",
    "passed ",
    "not ok ",
    "[fail",
    "fail:",
    "--- fail",
    "[pass",
    "[ run",
    "[       ok",
    "✓ ",
    "expected",
    "expecting",
    "assert",
    "left:",
    "right:",
    "actual",
    "+ ",
    "$ ",
    "//",
];

fn mentions(text: &[u8]) -> bool {
    MENTIONS.iter().any(|start| starts_with_ci(text, start.as_bytes()))
        // A line of a diff: the sign stands directly before the text, which may be indented, unlike
        // the bullet of a list.
        || matches!(text, [b'+' | b'-', next, ..] if !matches!(next, b' ' | b'-' | b'>'))
        || matches!(text, [b'+' | b'-', b' ', b' ', ..])
}

/// Compilers quote source as `12 | code` and underline it as `   | ^^^`.
fn is_excerpt(text: &[u8]) -> bool {
    let after = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let rest = text.get(after..).unwrap_or_default().trim_ascii_start();
    rest.first() == Some(&b'|')
}

/// `warning:` at the start or behind a place (`a.c:3:1:`). Cargo also passes on what a build
/// script's compiler said, errors included, as `warning: name@version: …`; there the words behind
/// it count.
fn warns(text: &[u8]) -> bool {
    let mut words = text.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    while let Some(word) = words.next() {
        if word.eq_ignore_ascii_case(b"warning:") {
            let next = words.next().unwrap_or_default();
            return !(next.ends_with(b":") && next.contains(&b'@'));
        }
        if !word.ends_with(b":") {
            return false;
        }
    }
    false
}

/// apt's warnings, and whoever announces another attempt.
fn goes_on(text: &[u8]) -> bool {
    starts_with_ci(text, b"W: ")
        || ["retrying", "will retry"].iter().any(|word| contains(word.as_bytes(), text))
}

/// Whether the bytes before a message are only marks that tools put there: `E:`, `[ERROR]`,
/// `make[1]:`, `src/a.c:3:14:`, `(6)`, a time, a bullet.
pub(crate) fn only_marks(before: &[u8]) -> bool {
    const LONGEST: usize = 512;
    before.len() <= LONGEST
        && before.split(u8::is_ascii_whitespace).all(|word| {
            word.ends_with(b":")
                || (word.starts_with(b"[") && word.ends_with(b"]"))
                || (word.starts_with(b"(") && word.ends_with(b")"))
                || word.iter().all(|byte| byte.is_ascii_digit() || b"#.:-TZ+".contains(byte)) && word != b"--"
                || matches!(word, b"*" | b"=" | b">" | b"***")
                || word.eq_ignore_ascii_case(b"fatal")
        })
}

pub(crate) fn starts_with_ci(text: &[u8], start: &[u8]) -> bool {
    text.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}

/// Whether the bytes speak of something that went wrong.
pub(crate) fn speaks_of_error(before: &[u8]) -> bool {
    const WORDS: [&str; 8] = ["error", "fail", "fatal", "cannot", "can't", "could not", "unable", "refused"];
    WORDS.iter().any(|word| contains(word.as_bytes(), before))
}

/// The text as a terminal would show it: without colours, titles and cursor movements (ECMA-48).
fn strip_escapes(raw: &[u8]) -> Cow<'_, [u8]> {
    const ESC: u8 = 0x1b;
    let Some(first) = memchr::memchr(ESC, raw) else { return Cow::Borrowed(raw) };
    let (head, mut rest) = raw.split_at(first);
    let mut clean = head.to_vec();
    loop {
        rest = match rest {
            [] => return Cow::Owned(clean),
            [ESC, b'[', tail @ ..] => after(tail, |byte| (0x40..=0x7e).contains(&byte)),
            [ESC, b']', tail @ ..] => match after(tail, |byte| byte == 0x07 || byte == ESC) {
                // The two-byte end of a title: the escape is consumed, its backslash is next.
                [b'\\', tail @ ..] => tail,
                tail => tail,
            },
            [ESC, _, tail @ ..] => tail,
            [ESC] => &[],
            text => {
                let (plain, tail) = text.split_at(memchr::memchr(ESC, text).unwrap_or(text.len()));
                clean.extend_from_slice(plain);
                tail
            }
        };
    }
}

fn after(bytes: &[u8], is_last: impl Fn(u8) -> bool) -> &[u8] {
    let last = bytes.iter().position(|byte| is_last(*byte));
    last.and_then(|at| bytes.get(at + 1..)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_removed_and_text_is_not() {
        let table: &[(&[u8], &[u8])] = &[
            (b"plain", b"plain"),
            (b"\x1b[1m\x1b[91merror[E0308]\x1b[0m\x1b[1m: mismatched\x1b[0m", b"error[E0308]: mismatched"),
            (b"\x1b]0;title\x07text", b"text"),
            (b"\x1b]0;title\x1b\\text", b"text"),
            (b"cut \x1b[38;5", b"cut "),
            (b"cut \x1b", b"cut "),
            (b"\x1b(Btext", b"Btext"),
        ];
        for (raw, clean) in table {
            assert_eq!(strip_escapes(raw).as_ref(), *clean, "{}", raw.escape_ascii());
        }
    }

    #[test]
    fn lines_that_only_mention_something_are_told_from_reports() {
        let table = [
            ("curl: (6) Could not resolve host: x", Speech::Report),
            ("checking whether it works... no", Speech::Mention),
            ("test net::times_out ... ok", Speech::Mention),
            ("  12 | return Err(\"no space\")", Speech::Mention),
            ("   |  ^^^ expected", Speech::Mention),
            ("a.c:3:1: warning: unused", Speech::Mention),
            ("warning: spurious network error (1 try remaining)", Speech::Mention),
            ("warning: x@0.1.0: a.c:1:10: fatal error: x.h: No such file", Speech::Report),
            ("left: \"No space left on device\"", Speech::Mention),
            ("+No space left on device", Speech::Mention),
            ("- E: broken packages", Speech::Report),
            ("-  tool: No space left on device", Speech::Mention),
            ("not ok 2 - Connection timed out", Speech::Mention),
            ("[FAIL]  retry  1  Connection timed out", Speech::Mention),
            ("FAILED: libfoo.a", Speech::Report),
            ("-> retrieved", Speech::Report),
            ("+ curl http://x", Speech::Mention),
            ("ok", Speech::Report),
            ("configure: error: the linker says no", Speech::Report),
            ("resolving host …  OK", Speech::Mention),
            ("  retries twice [ok]", Speech::Mention),
            ("", Speech::Report),
            ("W: Failed to fetch http://x", Speech::Attempt),
            ("curl failed, retrying in 2 s", Speech::Attempt),
        ];
        for (text, expected) in table {
            assert_eq!(Line::new(text.as_bytes(), 1, 0, false).speech(), expected, "{text}");
        }
    }

    #[test]
    fn marks_before_a_message_are_told_from_words() {
        for marks in [
            "",
            "E: ",
            "[ERROR] ",
            "make[1]: ",
            "src/a.c:3:14: fatal ",
            "curl: (6) ",
            "#8 12.34 ",
            "- ",
            "  = note: ",
        ] {
            assert!(only_marks(marks.as_bytes()), "{marks:?}");
        }
        for words in ["-- ", "the ", "E: the "] {
            assert!(!only_marks(words.as_bytes()), "{words:?}");
        }
    }
}
