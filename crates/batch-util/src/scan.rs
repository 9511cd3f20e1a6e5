//! One pass over a log of any size.

use std::io::{self, Read, Write};

use memchr::{memchr_iter, memchr2, memrchr2};

use crate::decide::decide;
use crate::evidence::Findings;
use crate::exit::Exit;
use crate::line::Line;
use crate::matcher::Matcher;
use crate::tail::Tail;
use crate::verdict::Verdict;

/// A longer line is looked at in pieces: [`STEP`] apart, each [`PIECE`] long, so that what crosses
/// the end of one piece is whole in the next. Where pieces start depends on the line alone, never
/// on how the log was fed.
const STEP: usize = 8 * 1024;
const OVERLAP: usize = 1024;
const PIECE: usize = STEP + OVERLAP;

/// A classification in progress, fed with a log piece by piece.
///
/// How the log is cut into pieces does not matter: the verdict is that of [`crate::classify_build`]
/// on the whole. Memory is bounded by some tens of kilobytes whatever is fed, a line without end
/// included. Also an [`io::Write`] that never fails, so a log can be copied into it while it is
/// being written.
///
/// ```
/// use buildbook_batch_util::{Exit, Scan, category};
///
/// let mut scan = Scan::new();
/// scan.feed(b"tee: build.log: No space le");
/// scan.feed(b"ft on device\n");
/// assert_eq!(scan.finish(Exit::Code(2)).category, category::TRANSIENT_FAILURE);
/// ```
#[derive(Debug)]
pub struct Scan {
    findings: Findings,
    tail: Tail,
    /// The line in progress, or what is left of it after its first pieces. Always shorter than a
    /// piece between calls.
    pending: Vec<u8>,
    /// Whether `pending` is a later piece of its line.
    continued: bool,
    /// How many lines have ended.
    newlines: u64,
    /// Where `pending` starts in the log, in bytes.
    offset: u64,
}

impl Default for Scan {
    fn default() -> Self {
        Scan::new()
    }
}

impl Scan {
    /// A scan that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Scan {
            findings: Findings::new(Matcher::get()),
            tail: Tail::default(),
            pending: Vec::new(),
            continued: false,
            newlines: 0,
            offset: 0,
        }
    }

    /// Takes the next bytes of the log.
    pub fn feed(&mut self, data: &[u8]) {
        self.tail.feed(data);
        let data = self.finish_pending(data);
        let whole = memrchr2(b'\n', b'\r', data).map_or(0, |end| end + 1);
        let (lines, mut rest) = data.split_at(whole);
        self.whole_lines(lines);
        // Only a line in progress is left, straight from the caller's memory as long as it is
        // longer than a piece.
        while let Some(piece) = rest.get(..PIECE) {
            self.look_at(piece, self.newlines + 1, self.offset, self.continued);
            self.advance_piece();
            rest = rest.get(STEP..).unwrap_or_default();
        }
        self.pending.extend_from_slice(rest);
    }

    /// The verdict on what was fed, given how the build's process ended.
    #[must_use]
    pub fn finish(mut self, exit: Exit) -> Verdict {
        if !self.pending.is_empty() {
            let pending = std::mem::take(&mut self.pending);
            self.look_at(&pending, self.newlines + 1, self.offset, self.continued);
        }
        decide(self.findings, &self.tail, self.newlines, exit)
    }

    /// Completes the line in progress from the start of `data` and gives what follows it.
    fn finish_pending<'a>(&mut self, mut data: &'a [u8]) -> &'a [u8] {
        while !self.pending.is_empty() && !data.is_empty() {
            let room = data.len().min(PIECE - self.pending.len());
            let (near, _) = data.split_at(room);
            let end = memchr2(b'\n', b'\r', near);
            let (taken, rest) = data.split_at(end.unwrap_or(room));
            self.pending.extend_from_slice(taken);
            data = rest;
            if end.is_none() && self.pending.len() < PIECE {
                break;
            }
            let mut pending = std::mem::take(&mut self.pending);
            self.look_at(&pending, self.newlines + 1, self.offset, self.continued);
            if end.is_none() {
                self.advance_piece();
                pending.drain(..STEP);
            } else {
                // The end of the line stays in `data`, where whole lines are counted.
                self.offset += pending.len() as u64;
                pending.clear();
            }
            self.pending = pending;
        }
        data
    }

    fn advance_piece(&mut self) {
        self.offset += STEP as u64;
        self.continued = true;
    }

    /// Looks at those lines of `text` that have words of a rule. Every line in it is complete, and
    /// the first may be empty because its text was taken from the line in progress.
    fn whole_lines(&mut self, text: &[u8]) {
        let matcher = Matcher::get();
        let mut at = 0;
        while let Some((start, end)) = matcher.first_words(text, at) {
            let gap = text.get(at..start).unwrap_or_default();
            let from = memrchr2(b'\n', b'\r', gap).map_or(at, |last| at + last + 1);
            let behind = text.get(end..).unwrap_or_default();
            let to = memchr2(b'\n', b'\r', behind).map_or(text.len(), |next| end + next);
            self.newlines += count_newlines(text.get(at..from).unwrap_or_default());
            self.long_line(text.get(from..to).unwrap_or_default(), self.offset + from as u64);
            at = to;
        }
        self.newlines += count_newlines(text.get(at..).unwrap_or_default());
        self.offset += text.len() as u64;
        if !text.is_empty() {
            self.continued = false;
        }
    }

    fn long_line(&mut self, mut line: &[u8], mut offset: u64) {
        let mut continued = false;
        while let Some(piece) = line.get(..PIECE) {
            self.look_at(piece, self.newlines + 1, offset, continued);
            line = line.get(STEP..).unwrap_or_default();
            offset += STEP as u64;
            continued = true;
        }
        self.look_at(line, self.newlines + 1, offset, continued);
    }

    fn look_at(&mut self, text: &[u8], number: u64, offset: u64, continued: bool) {
        self.findings.look_at(Matcher::get(), &Line::new(text, number, offset, continued));
    }
}

fn count_newlines(text: &[u8]) -> u64 {
    memchr_iter(b'\n', text).count() as u64
}

impl Write for Scan {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.feed(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Classifies what a reader gives, to its end. See [`crate::classify_build`].
///
/// # Errors
///
/// The reader's own error, as it is; an interrupted read is tried again.
pub fn classify_reader(mut log: impl Read, exit: Exit) -> io::Result<Verdict> {
    /// Small enough to stay in the processor's cache between the two looks at it, large enough to
    /// make the calls cheap.
    const BUFFER: usize = 128 * 1024;
    let mut scan = Scan::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        match log.read(&mut buffer) {
            Ok(0) => return Ok(scan.finish(exit)),
            Ok(read) => scan.feed(buffer.get(..read).unwrap_or(&buffer)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
