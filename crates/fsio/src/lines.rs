//! Reading lines in bounded memory, from the start or from a place in the middle.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use crate::open::open_with_metadata;
use crate::{Error, Result};

/// The longest line whose bytes are handed out. A longer one is reported by its length alone, so that a
/// broken file of any size cannot fill the memory.
pub const MAX_LINE_BYTES: usize = 16 << 20;

/// How much is read at a time, unless a line is longer.
pub(crate) const BLOCK: usize = 64 << 10;

/// One line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Line {
    /// Where it begins, in bytes from the start of the file.
    pub offset: u64,
    /// How many bytes it has, without its line feed.
    pub length: u64,
    /// The bytes, without the line feed; empty if there are more than [`MAX_LINE_BYTES`].
    pub bytes: Vec<u8>,
    /// Whether a line feed ends it. Only the last line of a file can lack it: it was cut off, or is
    /// being written, or the file shrinks while it is read.
    pub ended: bool,
}

impl Line {
    /// Whether the line is so long that its bytes are left out.
    #[must_use]
    pub fn is_too_long(&self) -> bool {
        self.borrowed().is_too_long()
    }

    /// The same line, borrowed.
    #[must_use]
    pub fn borrowed(&self) -> LineRef<'_> {
        LineRef { offset: self.offset, length: self.length, bytes: &self.bytes, ended: self.ended }
    }
}

/// A [`Line`] whose bytes are where they were read to, for passing over many lines quickly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are those of Line")]
pub struct LineRef<'a> {
    pub offset: u64,
    pub length: u64,
    pub bytes: &'a [u8],
    pub ended: bool,
}

impl LineRef<'_> {
    /// Whether the line is so long that its bytes are left out.
    #[must_use]
    pub fn is_too_long(&self) -> bool {
        self.length > MAX_LINE_BYTES as u64
    }

    /// Where the next line begins.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.offset + self.length + u64::from(self.ended)
    }

    /// Copies what is borrowed.
    #[must_use]
    pub fn to_line(self) -> Line {
        Line { offset: self.offset, length: self.length, bytes: self.bytes.to_vec(), ended: self.ended }
    }
}

/// The lines of a file, first to last.
///
/// [`Lines::next_line`] lends each line and copies nothing; as an iterator, each is copied. One value can read one
/// file after another with the same memory: a block, or as much as the longest line needed that may be handed out.
///
/// The file is read at least up to where it ended when it was opened; lines that are added meanwhile may or
/// may not be seen. If an append fails meanwhile and is taken back, as on a full disk, the part of it that was
/// read can run into the line that comes in its place; whoever must not see that holds the file's
/// [`Lock`](crate::Lock). After an error there are no more lines.
#[derive(Debug, Default)]
pub struct Lines {
    path: PathBuf,
    /// `None` when nothing more is to be read from it.
    file: Option<File>,
    /// How long the file was when it was opened.
    size: u64,
    block: Vec<u8>,
    /// `block[start..end]` was read and not yet handed out.
    start: usize,
    end: usize,
    /// Where in the file `block[start]` is.
    offset: u64,
}

impl Lines {
    /// Reads nothing yet, and takes no memory; see [`Lines::reopen`].
    #[must_use]
    pub fn new() -> Lines {
        Lines::default()
    }

    /// Opens a file; `None` when there is nothing of that name.
    ///
    /// # Errors
    ///
    /// As [`open_file`](crate::open_file).
    pub fn open(path: &Path) -> Result<Option<Lines>> {
        let mut lines = Lines::new();
        Ok(lines.reopen(path)?.then_some(lines))
    }

    /// Leaves the file that was read, and begins with another one; `false` when there is nothing of that name, and
    /// there are no lines then.
    ///
    /// # Errors
    ///
    /// As [`open_file`](crate::open_file).
    pub fn reopen(&mut self, path: &Path) -> Result<bool> {
        self.close();
        let Some((file, metadata)) = open_with_metadata(path)? else { return Ok(false) };
        self.read_on(path, file, metadata.len(), 0);
        Ok(true)
    }

    /// Leaves the file that was read, and goes on in an open one from a place where a line begins. `size` is how
    /// long that file is known to be at least; `path` is for errors alone.
    pub fn read_on(&mut self, path: &Path, file: File, size: u64, offset: u64) {
        self.close();
        path.clone_into(&mut self.path);
        self.file = Some(file);
        self.size = size;
        self.offset = offset;
    }

    fn close(&mut self) {
        self.file = None;
        (self.start, self.end) = (0, 0);
        if self.block.len() > BLOCK {
            self.block = Vec::new();
        }
    }

    /// The next line; `None` at the end of the file.
    ///
    /// # Errors
    ///
    /// The system's answer.
    pub fn next_line(&mut self) -> Result<Option<LineRef<'_>>> {
        let mut searched = 0;
        let (length, ended) = loop {
            let unsearched = self.block.get(self.start + searched..self.end).unwrap_or_default();
            if let Some(at) = memchr::memchr(b'\n', unsearched) {
                break (searched + at, true);
            }
            searched += unsearched.len();
            if searched > MAX_LINE_BYTES {
                return self.pass_over_line().map(Some);
            }
            if !self.fill()? {
                break (searched, false);
            }
        };
        if length == 0 && !ended {
            return Ok(None);
        }
        let (offset, first) = (self.offset, self.start);
        self.take(length + usize::from(ended));
        let mut bytes = self.block.get(first..first + length).unwrap_or_default();
        if length > MAX_LINE_BYTES {
            bytes = &[];
        }
        Ok(Some(LineRef { offset, length: length as u64, bytes, ended }))
    }

    /// What has been read and not yet handed out, for whoever knows lines by their first bytes. It begins where a line
    /// does, and can end in the middle of one.
    #[must_use]
    pub fn buffered(&self) -> &[u8] {
        self.block.get(self.start..self.end).unwrap_or_default()
    }

    /// Passes over whole lines at the start of [`Lines::buffered`]: so many bytes.
    pub fn pass_over(&mut self, count: usize) {
        self.take(count.min(self.end - self.start));
    }

    /// Where in the file the next line begins.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Looks for the end of a line that is too long to be handed out.
    fn pass_over_line(&mut self) -> Result<LineRef<'_>> {
        let offset = self.offset;
        loop {
            let part = self.block.get(self.start..self.end).unwrap_or_default();
            if let Some(at) = memchr::memchr(b'\n', part) {
                self.take(at);
                let length = self.offset - offset;
                self.take(1);
                return Ok(LineRef { offset, length, bytes: &[], ended: true });
            }
            self.take(part.len());
            if !self.fill()? {
                return Ok(LineRef { offset, length: self.offset - offset, bytes: &[], ended: false });
            }
        }
    }

    fn take(&mut self, count: usize) {
        self.start += count;
        self.offset += count as u64;
    }

    /// Reads more behind what is there; `false` at the end of the file.
    fn fill(&mut self) -> Result<bool> {
        let Some(file) = &self.file else { return Ok(false) };
        self.block.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        if self.end == self.block.len() {
            let larger = (self.block.len() * 2).clamp(BLOCK, MAX_LINE_BYTES + BLOCK);
            self.block.resize(larger, 0);
        }
        let space = self.block.get_mut(self.end..).unwrap_or_default();
        let position = self.offset + self.end as u64;
        let read = loop {
            match file.read_at(space, position) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        match read {
            Ok(count) => {
                // Less than there was room for, and all that was there at the beginning: asking once more would
                // tell the same, and for many small files it would cost as much as reading them.
                let is_all = count < space.len() && self.size > 0 && position + count as u64 >= self.size;
                if count == 0 || is_all {
                    self.file = None;
                }
                self.end += count;
                Ok(count > 0)
            }
            Err(error) => {
                self.file = None;
                self.end = 0;
                Err(Error::io("read", &self.path)(error))
            }
        }
    }
}

impl Iterator for Lines {
    type Item = Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_line().map(|line| line.map(LineRef::to_line)).transpose()
    }
}
