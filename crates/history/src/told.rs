//! Lines that say once more what an earlier line of their file said.
//!
//! Most builds end as they ended in the run before, with the same inputs: such a line differs from an earlier one in
//! its time and its run alone. What follows these is compared with what followed them on some earlier lines, and if
//! it is the same, byte for byte, it is not taken apart again.

use buildbook_fsio::LineRef;

use crate::parse::parse_line;
use crate::{EntryRef, Problem, canonical};

/// An entry, for a reader that makes a `T` of each.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it is passed on once and never kept")]
pub enum Told<'a, T> {
    /// An entry in full.
    Anew(EntryRef<'a>),
    /// An entry that is an earlier one of the same history but for its time and its run.
    Again {
        /// As in [`EntryRef`].
        ts: Ascii<'a>,
        /// As in [`EntryRef`].
        run: Ascii<'a>,
        /// What was made of the earlier entry.
        like: &'a T,
    },
}

/// A text of ASCII characters, which has yet to become a `str`: for short texts that are hardly ever looked at, or are
/// known already, that is a good part of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ascii<'a>(&'a [u8]);

impl<'a> Ascii<'a> {
    /// The text, if it is one.
    pub(crate) fn new(bytes: &'a [u8]) -> Option<Ascii<'a>> {
        bytes.is_ascii().then_some(Ascii(bytes))
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

/// What was made of some entries of a history, for those that are like them.
///
/// It is handed to [`Follower::for_each_told`](crate::Follower::for_each_told), which forgets all that is of another
/// history, and keeps the memory: at most 16 ends of lines, of at most 1024 bytes each.
#[derive(Debug)]
pub struct Repeats<T> {
    ends: Vec<End<T>>,
    /// How many of the ends are of this history.
    count: usize,
    /// The one that is replaced next.
    next: usize,
    /// That of the line before.
    last: usize,
}

/// What follows the run on a line that is one entry.
#[derive(Debug)]
struct End<T> {
    bytes: Vec<u8>,
    made: T,
    /// The one that came after it the last time. The builds of a run come in the order in which they came in the run
    /// before, so it is tried first.
    follower: usize,
}

/// As a rule more than the builds of a package in one run, and so few that looking at each costs less than reading an
/// entry.
const MOST: usize = 16;

/// Longer ends are rare: they have long error texts.
const LONGEST: usize = 1024;

impl<T> Default for Repeats<T> {
    fn default() -> Self {
        Repeats { ends: Vec::new(), count: 0, next: 0, last: 0 }
    }
}

impl<T> Repeats<T> {
    /// Begins with another history.
    pub(crate) fn clear(&mut self) {
        (self.count, self.next, self.last) = (0, 0, 0);
    }

    /// Hands out the entries of a line as [`parse_line`] does.
    #[inline]
    pub(crate) fn parse_line(
        &mut self,
        line: LineRef<'_>,
        mut each: impl FnMut(Told<'_, T>) -> T,
    ) -> Option<Problem> {
        let start = canonical::start(line.bytes).filter(|(_, _, end)| end.len() <= LONGEST);
        if let Some((ts, run, end)) = start
            && let Some(like) = self.find(end)
        {
            each(Told::Again { ts, run, like });
            return None;
        }
        let mut made = None;
        let problem = parse_line(line, |entry| made = Some(each(Told::Anew(entry))));
        // An end that, with a time and a run, is one entry and nothing else, is so with any.
        if let (Some((_, _, end)), Some(made), None) = (start, made, &problem) {
            self.keep(end, made);
        }
        problem
    }

    /// What was made of an entry whose line ended like this.
    #[inline]
    fn find(&mut self, end: &[u8]) -> Option<&T> {
        let known = self.ends.get(..self.count).unwrap_or_default();
        let is_it = |at: &usize| known.get(*at).is_some_and(|known| known.bytes == end);
        let expected = known.get(self.last).map(|last| last.follower);
        let at = expected.filter(is_it).or_else(|| (0..known.len()).find(is_it))?;
        self.go_to(at);
        self.ends.get(at).map(|known| &known.made)
    }

    /// Keeps what was made of an entry, in place of what has been there longest.
    fn keep(&mut self, end: &[u8], made: T) {
        let at = self.next;
        match self.ends.get_mut(at) {
            Some(place) => {
                place.bytes.clear();
                place.bytes.extend_from_slice(end);
                place.made = made;
            }
            None => self.ends.push(End { bytes: end.to_owned(), made, follower: at }),
        }
        self.count = self.count.max(at + 1);
        self.next = (at + 1) % MOST;
        self.go_to(at);
    }

    fn go_to(&mut self, at: usize) {
        if let Some(last) = self.ends.get_mut(self.last) {
            last.follower = at;
        }
        self.last = at;
    }
}
