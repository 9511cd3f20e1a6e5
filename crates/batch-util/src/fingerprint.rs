//! Telling that two failures are the same failure.

/// The line with everything replaced that differs between two occurrences of the same failure.
///
/// Paths become `<path>`, versions `<version>`, hashes and addresses `<hex>`, numbers `<n>`; runs
/// of blanks become one. Names stay, since they are what a failure is about: a missing `libfoo2` is
/// not a missing `libbar`. Two lines with equal fingerprints belong in one group.
///
/// ```
/// use buildbook_batch_util::fingerprint;
///
/// assert_eq!(
///     fingerprint("/build/a-1f/x.c:12:3: error: unknown type 'foo_t'"),
///     fingerprint("/build/b-2e/x.c:90:11: error: unknown type 'foo_t'"),
/// );
/// ```
#[must_use]
pub fn fingerprint(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line.trim();
    while let Some(first) = rest.chars().next() {
        let belongs: fn(char) -> bool = if in_word(first) {
            in_word
        } else if first.is_whitespace() {
            char::is_whitespace
        } else {
            |c| !in_word(c) && !c.is_whitespace()
        };
        let (part, tail) = rest.split_at(rest.find(|c| !belongs(c)).unwrap_or(rest.len()));
        rest = tail;
        if in_word(first) {
            mask(part, &mut out);
        } else if first.is_whitespace() {
            out.push(' ');
        } else {
            out.push_str(part);
        }
    }
    out
}

fn in_word(c: char) -> bool {
    c.is_alphanumeric() || "_./+~@-".contains(c)
}

fn mask(word: &str, out: &mut String) {
    // The full stop of a sentence is not part of its last word.
    let body = word.trim_end_matches('.');
    let masked = if body.contains('/') {
        "<path>"
    } else if is_number(body) {
        "<n>"
    } else if is_hex(body) {
        "<hex>"
    } else if is_version(body) {
        "<version>"
    } else if let Some((name, version)) = name_and_version(body) {
        out.push_str(name);
        version
    } else {
        body
    };
    out.push_str(masked);
    out.push_str(word.get(body.len()..).unwrap_or_default());
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// An address, or at least eight hexadecimal digits, groups of a UUID included. A word without any
/// digit is a word.
fn is_hex(word: &str) -> bool {
    let digits = word.strip_prefix("0x").unwrap_or(word);
    let all = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    all && (digits.len() < word.len()
        || digits.len() >= 8 && digits.bytes().any(|byte| byte.is_ascii_digit()))
}

fn is_version(word: &str) -> bool {
    let digits = word.strip_prefix('v').unwrap_or(word);
    digits.starts_with(|c: char| c.is_ascii_digit()) && digits.contains('.')
}

/// `name.1.2`, `name-1.2` and `name@1.2`: the name with its separator, and the mask of the version.
fn name_and_version(word: &str) -> Option<(&str, &'static str)> {
    // Asked once: every separator asking for itself would read a long word over and over.
    let last_dot = word.rfind('.');
    word.match_indices(['.', '-', '@']).find_map(|(at, separator)| {
        let (name, version) = (word.get(..at + separator.len())?, word.get(at + separator.len()..)?);
        let may_be_version = last_dot.is_some_and(|dot| dot > at);
        let versioned = may_be_version && is_version(version) || separator != "-" && is_number(version);
        (at > 0 && versioned).then_some((name, "<version>"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_between_occurrences_is_masked_and_names_stay() {
        let table = [
            ("", ""),
            ("  plain   words\there ", "plain words here"),
            ("/a/b/c.rs:12:3: error", "<path>:<n>:<n>: error"),
            ("error[E0308]: mismatched types", "error[E0308]: mismatched types"),
            ("cannot find -lfoo2", "cannot find -lfoo2"),
            ("at 0x7fff12 in 1f2e3d4c5b6a", "at <hex> in <hex>"),
            ("123e4567-e89b-12d3-a456-426614174000", "<hex>"),
            ("deadbeef facade", "deadbeef facade"),
            ("dune.3.17 or dune-3.17.1 or dune@3", "dune.<version> or dune-<version> or dune@<version>"),
            ("rustc 1.95.0.", "rustc <version>."),
            ("took 12 s", "took <n> s"),
            ("Package 'é' 日本 ok", "Package 'é' 日本 ok"),
        ];
        for (line, expected) in table {
            assert_eq!(fingerprint(line), expected, "{line:?}");
        }
    }

    #[test]
    fn a_long_word_of_separators_is_masked_in_time_that_grows_with_its_length() {
        // Done in a second; reading the rest of the word for each separator takes many minutes.
        let started = std::time::Instant::now();
        for word in ["z".to_owned() + &"-1".repeat(2_000_000), "1@z".repeat(1_000_000)] {
            assert_eq!(fingerprint(&word), word);
        }
        assert!(started.elapsed() < std::time::Duration::from_secs(120));
    }

    #[test]
    fn a_fingerprint_is_its_own_fingerprint() {
        for line in ["/a/b.c:1: x 1.2.3 0xff", "dune.3.17 failed at 12"] {
            assert_eq!(fingerprint(&fingerprint(line)), fingerprint(line));
        }
    }
}
