//! Substring search that does not look at the case of ASCII letters.

/// Whether `text` contains `pattern`, taking ASCII capitals and small letters as equal.
///
/// Works on bytes, so text in any encoding is accepted; letters outside ASCII are compared as they
/// are. The empty pattern is contained in everything. The time is proportional to the text for
/// ordinary patterns; for many patterns over a large text use [`crate::Scan`], which reads it once.
///
/// ```
/// assert!(buildbook_batch_util::contains_substring_ci("no space", "write: No Space left"));
/// ```
pub fn contains_substring_ci(pattern: impl AsRef<[u8]>, text: impl AsRef<[u8]>) -> bool {
    contains(pattern.as_ref(), text.as_ref())
}

/// Whether `text` contains at least one of `patterns`, in the sense of [`contains_substring_ci`].
///
/// No patterns, no match: an empty list gives `false`.
///
/// ```
/// use buildbook_batch_util::matches_any;
///
/// assert!(matches_any(["timed out", "unreachable"], "Network is UNREACHABLE"));
/// assert!(!matches_any([""; 0], "anything"));
/// ```
pub fn matches_any<P: AsRef<[u8]>>(patterns: impl IntoIterator<Item = P>, text: impl AsRef<[u8]>) -> bool {
    let text = text.as_ref();
    patterns.into_iter().any(|pattern| contains(pattern.as_ref(), text))
}

pub(crate) fn contains(pattern: &[u8], text: &[u8]) -> bool {
    let Some(&first) = pattern.first() else { return true };
    memchr::memchr2_iter(first.to_ascii_lowercase(), first.to_ascii_uppercase(), text)
        .any(|at| text.get(at..at + pattern.len()).is_some_and(|found| found.eq_ignore_ascii_case(pattern)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_case_of_ascii_letters_is_ignored() {
        let table: &[(&[u8], &[u8], bool)] = &[
            (b"", b"", true),
            (b"", b"x", true),
            (b"x", b"", false),
            (b"abc", b"xxABCxx", true),
            (b"ABC", b"aabc", true),
            (b"abc", b"ab", false),
            (b"aab", b"aaab", true),
            (b"[", b"{", false),
            (b"@", b"`", false),
            ("\u{e9}".as_bytes(), "\u{c9}".as_bytes(), false),
            (b"\xff", b"a\xffb", true),
            (b"is not available", b"is  not available", false),
        ];
        for (pattern, text, expected) in table {
            assert_eq!(contains_substring_ci(pattern, text), *expected, "{pattern:?} in {text:?}");
        }
    }

    #[test]
    fn an_empty_list_matches_nothing_and_an_empty_pattern_everything() {
        assert!(!matches_any::<&str>([], ""));
        assert!(matches_any([""], ""));
        assert!(matches_any(["no", "YES"], "oh yes"));
        assert!(!matches_any(["no", "never"], "oh yes"));
    }
}
