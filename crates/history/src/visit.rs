//! Passing over a history without taking apart what was taken apart before.

use crate::EntryRef;

/// What is done with the entries of a history, in the order of the file.
pub trait EntryVisitor {
    /// What is made of an entry, for those that are like it.
    type Made;

    /// An entry in full.
    fn anew(&mut self, entry: EntryRef<'_>) -> Self::Made;

    /// An entry that is an earlier one of the same history but for its time and its run.
    fn again(&mut self, again: Again<'_>, like: &Self::Made);
}

/// What an entry has of its own that is like an earlier one.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Again<'a> {
    /// As in [`EntryRef`].
    pub ts: Ascii<'a>,
    /// As in [`EntryRef`].
    pub run: Ascii<'a>,
    /// At least so many entries directly before it are like it, too.
    pub streak: u64,
}

/// A text of ASCII characters, which has yet to become a `str`: for short texts that are hardly ever looked at, or are
/// known already, that is a good part of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ascii<'a>(&'a [u8]);

impl<'a> Ascii<'a> {
    /// The text, if it is one.
    pub(crate) fn new(bytes: &'a [u8]) -> Option<Ascii<'a>> {
        bytes.is_ascii().then(|| Ascii::known(bytes))
    }

    /// A text whose characters have been looked at.
    pub(crate) fn known(bytes: &'a [u8]) -> Ascii<'a> {
        debug_assert!(bytes.is_ascii());
        Ascii(bytes)
    }

    /// Its characters.
    #[must_use]
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The text.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        str::from_utf8(self.0).expect("ASCII is UTF-8")
    }
}
