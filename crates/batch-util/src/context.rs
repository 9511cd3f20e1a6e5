//! Whether the words of a rule stand where they mean what the rule says.

use crate::line::{Line, Speech, only_marks, speaks_of_error, starts_with_ci};
use crate::rule::Context;
use crate::substring::contains;

/// How sure it is that the words mean what the rule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Evidence {
    /// The words stand alone on their line, as a tool prints them but a program under test does
    /// too; or the tool says that it goes on.
    Bare,
    /// They are given as a reason, but not behind the name of a tool: a program under test that
    /// prints its error looks the same.
    Told,
    /// A tool says them.
    Said,
}

/// Judges an occurrence of a rule's words at `start..end` of a line's clean text, where `speech` is
/// the line's own.
///
/// The time is bounded by [`LOOK_BACK`] except for the search of [`Context::With`], so a line full
/// of the words stays cheap.
pub(crate) fn judge(
    context: Context,
    line: &Line<'_>,
    speech: Speech,
    start: usize,
    end: usize,
) -> Option<Evidence> {
    if context == Context::Verbatim {
        return Some(Evidence::Said);
    }
    let text = line.text.as_ref();
    if context == Context::Capitals {
        let words = text.get(start..end).unwrap_or_default();
        return (!words.iter().any(u8::is_ascii_lowercase)).then_some(Evidence::Said);
    }
    let said = match speech {
        Speech::Mention => return None,
        Speech::Attempt => Evidence::Bare,
        Speech::Report => Evidence::Said,
    };
    let before = text.get(..start).unwrap_or_default();
    let behind = text.get(end..).unwrap_or_default();
    let at_start = !line.continued && only_marks(before);
    let holds = match context {
        Context::Verbatim | Context::Capitals | Context::Anywhere => true,
        Context::Start => at_start,
        Context::Alone => return (at_start && behind.trim_ascii().is_empty()).then_some(Evidence::Bare),
        Context::Reported => return reported(line, before).map(|evidence| evidence.min(said)),
        Context::Program => names_program(before),
        Context::Package => {
            !line.continued && names_package(before) && ends_statement(behind) && !goes_without(behind)
        }
        Context::With(others) => others.iter().any(|other| contains(other.as_bytes(), text)),
    };
    holds.then_some(said)
}

/// How far before the words they are looked at.
const LOOK_BACK: usize = 256;

fn reported(line: &Line<'_>, before: &[u8]) -> Option<Evidence> {
    let near = before.get(before.len().saturating_sub(LOOK_BACK)..).unwrap_or_default();
    match near.trim_ascii_end().last() {
        None if line.continued => None,
        None => Some(Evidence::Bare),
        Some(b':' | b']' | b')' | b',' | b'(') => Some(teller(before)),
        Some(_) => speaks_of_error(near).then(|| teller(before)),
    }
}

/// Who gives the reason: `tee:`, `/usr/bin/ld:` and `fatal:` are tools, `Error:`, `copy failed:`
/// and the place `dial_test.go:12:` are anybody.
fn teller(before: &[u8]) -> Evidence {
    let head = before.get(..LOOK_BACK).unwrap_or(before);
    let first = head.trim_ascii_start().split(u8::is_ascii_whitespace).next().unwrap_or_default();
    match first.strip_suffix(b":") {
        Some(name)
            if !name.eq_ignore_ascii_case(b"error") && !name.last().is_some_and(u8::is_ascii_digit) =>
        {
            Evidence::Said
        }
        _ => Evidence::Told,
    }
}

/// Whether the last word before the words can be a program of the system's: a bare name or a whole
/// path. `./configure` and `gen/tables.sh` are the package's own.
fn names_program(before: &[u8]) -> bool {
    let near = before.get(before.len().saturating_sub(LOOK_BACK)..).unwrap_or_default();
    let name = without_quotes(near.rsplit(u8::is_ascii_whitespace).next().unwrap_or_default());
    name.starts_with(b"/") || !name.contains(&b'/')
}

/// Whether the words before are the name of one package: `libfoo`, `Package libfoo`, `E: package
/// 'libfoo'`.
///
/// Without the word "package" only what distributions allow as a name counts, so that `Unix.fork`,
/// "colour support" and "it" are not taken for one.
fn names_package(before: &[u8]) -> bool {
    const LONGEST: usize = 4;
    const NOT_NAMES: [&str; 12] = [
        "it", "this", "that", "which", "what", "there", "he", "support", "feature", "value", "option",
        "service",
    ];
    if before.len() > LOOK_BACK {
        return false;
    }
    let mut words: Vec<&[u8]> =
        before.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
    let Some(name) = words.pop().filter(|_| words.len() < LONGEST) else { return false };
    let name = without_quotes(name);
    let introduced = words.pop_if(|word| starts_with_ci(word, b"package")).is_some();
    words.retain(|word| !matches!(*word, b"E:" | b"W:" | b"[ERROR]" | b"[WARNING]" | b"*" | b"-" | b"#"));
    if introduced {
        words.retain(|word| {
            !["system", "the", "virtual"].iter().any(|article| word.eq_ignore_ascii_case(article.as_bytes()))
                && !word.ends_with(b":")
        });
        return words.is_empty() && !name.is_empty();
    }
    // A package's name has no capitals; "is not available" after one is about something in the
    // program.
    let spelled = name.len() > 1
        && name.first().is_some_and(u8::is_ascii_alphanumeric)
        && name
            .iter()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.:_".contains(byte));
    words.is_empty() && spelled && !NOT_NAMES.iter().any(|word| name == word.as_bytes())
}

fn ends_statement(behind: &[u8]) -> bool {
    match behind {
        [] => true,
        // A full stop ends the statement; an ellipsis or a name behind a dot goes on.
        [b'.'] | [b',' | b';' | b'!', ..] => true,
        [b'.', next, ..] => next.is_ascii_whitespace(),
        _ => starts_with_ci(behind, b" ("),
    }
}

/// Whether the statement adds that the package is not needed. Only its beginning is read.
fn goes_without(behind: &[u8]) -> bool {
    let near = behind.get(..LOOK_BACK).unwrap_or(behind);
    ["optional", "disabl", "skipp", "without"].iter().any(|word| contains(word.as_bytes(), near))
}

fn without_quotes(mut name: &[u8]) -> &[u8] {
    while let [b'\'' | b'"' | b'`', inner @ ..] | [inner @ .., b'\'' | b'"' | b'`'] = name {
        name = inner;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(context: Context, text: &str, words: &str) -> Option<Evidence> {
        let line = Line::new(text.as_bytes(), 1, 0, false);
        let start = text.find(words).expect("the words are in the line");
        judge(context, &line, line.speech(), start, start + words.len())
    }

    #[test]
    fn not_available_is_about_a_package_only_after_its_name() {
        let words = "is not available";
        let yes = [
            "libfoo is not available",
            "E: libfoo is not available",
            "Package libzzbar-dev is not available, but is referred to by another package.",
            "[ERROR] opam-depext.1.1.1 is not available because".trim_end_matches(" because"),
            "E: Package 'libX11' is not available.",
            "  - libgtk-3-dev is not available (universe)",
        ];
        for text in yes {
            assert!(judged(Context::Package, text, words).is_some(), "{text}");
        }
        let no = [
            "checking whether <sys/epoll.h> is not available... no",
            "colour support is not available on this terminal",
            "Error: Unix.fork is not available on this platform",
            "Fatal error: exception Failure(\"fork is not available\")",
            "Error: fork is not available",
            "it is not available",
            "libfoo is not available on this platform",
            "the feature is not available",
            " is not available",
            "Domain is not available",
            "test libfoo is not available ... ok",
            "libpng is not available (optional)",
            "libpng is not available, disabling support for it",
        ];
        for text in no {
            assert_eq!(judged(Context::Package, text, words), None, "{text}");
        }
    }

    #[test]
    fn a_reason_is_told_from_a_mention() {
        let words = "No space left on device";
        let table = [
            ("No space left on device", Some(Evidence::Bare)),
            ("Error: No space left on device", Some(Evidence::Told)),
            ("copy failed: No space left on device", Some(Evidence::Told)),
            ("io_test.go:12: No space left on device", Some(Evidence::Told)),
            ("/usr/bin/ld: final link failed: No space left on device", Some(Evidence::Said)),
            ("  No space left on device (os error 28)", Some(Evidence::Bare)),
            ("tee: out: No space left on device", Some(Evidence::Said)),
            ("a.s: Fatal error: can't write to a.o: 'No space left on device'", Some(Evidence::Said)),
            ("Os { code: 28, message: \"No space left on device\" }", None),
            ("prints No space left on device", None),
            ("test_prints \"No space left on device\" ... ok", None),
            ("\"No space left on device\" ... ok", None),
            ("see what happens when No space left on device comes", None),
        ];
        for (text, expected) in table {
            assert_eq!(judged(Context::Reported, text, words), expected, "{text}");
        }
    }
}
