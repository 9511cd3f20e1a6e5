//! Values that must not be shown, and the removal of them from text of others.

use std::fmt;

/// A value that is never shown: its `Debug` is `***`, and it has no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// Keeps `value` from being shown.
    pub(crate) fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself, for the one place that sends it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

/// What stands in the place of a secret.
pub(crate) const HIDDEN: &str = "***";

/// At most this much of somebody else's text goes into an error, in characters.
const QUOTED: usize = 300;

/// Makes text that comes from a server or from another crate fit to be shown.
///
/// A server may answer with the very request that it refuses, and an error of an HTTP client may
/// name the address it was given; for Telegram and Slack the address is the secret.
#[derive(Clone, Default)]
pub(crate) struct Redactor {
    needles: Vec<String>,
}

impl Redactor {
    /// Hides each of `secrets`, longest first so that a secret inside another leaves no rest.
    pub(crate) fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut needles: Vec<String> = secrets.into_iter().filter(|secret| !secret.is_empty()).collect();
        needles.sort_by_key(|needle| std::cmp::Reverse(needle.len()));
        needles.dedup();
        Self { needles }
    }

    /// One line of `text` without secrets and control characters, at most a few hundred characters.
    pub(crate) fn clean(&self, text: &str) -> String {
        let mut hidden = text.to_owned();
        for needle in &self.needles {
            hidden = hidden.replace(needle.as_str(), HIDDEN);
        }
        let line: String = hidden.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let line = line.trim();
        match line.char_indices().nth(QUOTED) {
            None => line.to_owned(),
            Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        }
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_inside_another_leaves_no_rest() {
        let redactor = Redactor::new(["key".to_owned(), "the-key-itself".to_owned(), String::new()]);
        assert_eq!(redactor.clean("the-key-itself, key"), "***, ***");
    }

    #[test]
    fn shown_text_is_one_short_line() {
        let redactor = Redactor::default();
        assert_eq!(redactor.clean(" a\r\nb\u{1b}[2Jc\n"), "a  b [2Jc");
        assert_eq!(redactor.clean(&"ä".repeat(1000)).chars().count(), QUOTED + 1);
    }

    #[test]
    fn a_secret_shows_as_stars() {
        assert_eq!(format!("{:?}", Secret::new("xoxb-1")), "***");
        assert_eq!(Secret::new("xoxb-1").reveal(), "xoxb-1");
    }
}
