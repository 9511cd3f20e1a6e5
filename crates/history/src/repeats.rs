//! Lines that say once more what an earlier line of their file said.
//!
//! Most builds end as they ended in the run before, with the same inputs: such a line differs from an earlier one in
//! its time and its run alone. What follows these is compared with what followed them on some earlier lines, and if
//! it is the same, byte for byte, it is not taken apart again.

use buildbook_fsio::{LineRef, Lines};

use crate::parse::parse_line;
use crate::problem::Problems;
use crate::start_of_line::start_of_line;
use crate::{Again, EntryVisitor, Problem, Result};

/// What was made of some entries of a history, for those that are like them.
///
/// It is handed to [`Follower::visit`](crate::Follower::visit), which forgets all that is of another history, and keeps
/// the memory: at most 16 ends of lines, of at most 1024 bytes each.
#[derive(Debug)]
pub struct Repeats<T> {
    ends: Vec<End<T>>,
    /// How many of the ends are of this history.
    count: usize,
    /// The one that is replaced next.
    next: usize,
    /// That of the line before.
    last: usize,
    /// How many lines in a row, up to the one before, have it.
    streak: u64,
}

/// What follows the run on a line that is one entry, with the line feed.
#[derive(Debug)]
struct End<T> {
    bytes: Vec<u8>,
    mark: Option<Mark>,
    made: T,
    /// The one that came after it the last time. The builds of a run come in the order in which they came in the run
    /// before, so it is tried first.
    follower: usize,
}

/// Where the hash stands in the usual spelling: other ends differ there, as a rule.
type Mark = [u8; 16];

fn mark(end: &[u8]) -> Option<Mark> {
    end.get(16..32)?.first_chunk().copied()
}

/// As a rule more than the builds of a package in one run, and so few that looking at each costs less than reading an
/// entry.
const MOST: usize = 16;

/// Longer ends are rare: they have long error texts.
const LONGEST: usize = 1024;

impl<T> Default for Repeats<T> {
    fn default() -> Self {
        Repeats { ends: Vec::new(), count: 0, next: 0, last: 0, streak: 0 }
    }
}

impl<T> Repeats<T> {
    /// Hands out the entries of all lines of another history. Says where the last line ends, unless it is not ended;
    /// `None` without any.
    pub(crate) fn visit(
        &mut self,
        lines: &mut Lines,
        visitor: &mut impl EntryVisitor<Made = T>,
    ) -> Result<(Vec<Problem>, Option<u64>)> {
        (self.count, self.next, self.last, self.streak) = (0, 0, 0, 0);
        let (mut problems, mut number, mut end) = (Problems::default(), 1, None);
        loop {
            let expected = self.visit_expected(lines, visitor);
            if expected > 0 {
                end = Some(lines.offset());
            }
            number += expected;
            let Some(line) = lines.next_line()? else { break };
            end = Some(if line.ended { line.end() } else { u64::MAX });
            if let Some(problem) = self.visit_line(line, visitor) {
                problems.push(Problem { line: Some(number), ..problem });
            }
            number += 1;
        }
        Ok((problems.into_vec(), end))
    }

    /// Passes over lines for as long as each is the one that came next the last time, and says how many these are.
    /// Where such a line ends is known before anybody has looked for it.
    fn visit_expected(&mut self, lines: &mut Lines, visitor: &mut impl EntryVisitor<Made = T>) -> u64 {
        let known = self.ends.get(..self.count).unwrap_or_default();
        let (bytes, mut count) = (lines.buffered(), 0);
        let mut rest = bytes;
        while let Some(at) = known.get(self.last).map(|last| last.follower)
            && let Some(expected) = known.get(at)
            && let Some((ts, run, end)) = start_of_line(rest)
            && let Some(next) = end.strip_prefix(expected.bytes.as_slice())
        {
            self.streak = if at == self.last { self.streak } else { 0 };
            visitor.again(Again { ts, run, streak: self.streak }, &expected.made);
            self.streak += 1;
            (rest, self.last) = (next, at);
            count += 1;
        }
        let passed = bytes.len() - rest.len();
        lines.pass_over(passed);
        count
    }

    /// Hands out the entries of a line as [`parse_line`] does.
    fn visit_line(
        &mut self,
        line: LineRef<'_>,
        visitor: &mut impl EntryVisitor<Made = T>,
    ) -> Option<Problem> {
        let start = start_of_line(line.bytes).filter(|(_, _, end)| end.len() <= LONGEST);
        if let Some((ts, run, end)) = start
            && let Some(at) = self.find(end)
        {
            self.go_to(at);
            if let Some(known) = self.ends.get(at) {
                visitor.again(Again { ts, run, streak: self.streak - 1 }, &known.made);
            }
            return None;
        }
        let mut made = None;
        let problem = parse_line(line, |entry| made = Some(visitor.anew(entry)));
        // An end that, with a time and a run, is one entry and nothing else, is so with any.
        if let (Some((_, _, end)), Some(made), None) = (start, made, &problem) {
            self.keep(end, made);
        } else {
            self.streak = 0;
        }
        problem
    }

    /// Which of the ends this is.
    fn find(&self, end: &[u8]) -> Option<usize> {
        let known = self.ends.get(..self.count).unwrap_or_default();
        let mark = mark(end);
        known.iter().position(|known| known.mark == mark && known.bytes.strip_suffix(b"\n") == Some(end))
    }

    /// Keeps what was made of an entry, in place of what has been there longest.
    fn keep(&mut self, end: &[u8], made: T) {
        let at = self.next;
        match self.ends.get_mut(at) {
            Some(place) => {
                place.bytes.clear();
                place.bytes.extend_from_slice(end);
                place.bytes.push(b'\n');
                place.mark = mark(end);
                place.made = made;
                // The same once more is likelier than what came after another one.
                place.follower = at;
            }
            None => {
                self.ends.push(End { bytes: [end, b"\n"].concat(), mark: mark(end), made, follower: at });
            }
        }
        self.count = self.count.max(at + 1);
        self.next = (at + 1) % MOST;
        self.streak = 0;
        self.go_to(at);
    }

    /// Notes that the next line has this end.
    fn go_to(&mut self, at: usize) {
        if let Some(last) = self.ends.get_mut(self.last) {
            last.follower = at;
        }
        self.streak = if at == self.last { self.streak + 1 } else { 1 };
        self.last = at;
    }
}
