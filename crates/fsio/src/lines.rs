//! Reading lines in bounded memory, from the start or from the end.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use crate::{Error, Result, open_file};

/// The longest line whose bytes are handed out. A longer one is reported by its length alone, so that a
/// broken file of any size cannot fill the memory.
pub const MAX_LINE_BYTES: usize = 16 << 20;

const BLOCK: usize = 64 << 10;

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
        self.length > MAX_LINE_BYTES as u64
    }
}

/// The lines of a file, first to last.
///
/// The file is read up to where it ends when the end is reached; lines that are added meanwhile may or
/// may not be seen. If an append fails meanwhile and is taken back, as on a full disk, the part of it that was
/// read can run into the line that comes in its place; whoever must not see that holds the file's
/// [`Lock`](crate::Lock). After an error there are no more lines.
#[derive(Debug)]
pub struct Lines {
    path: PathBuf,
    file: Option<File>,
    block: Vec<u8>,
    at: usize,
    offset: u64,
}

impl Lines {
    /// Opens a file; `None` when there is nothing of that name.
    ///
    /// # Errors
    ///
    /// As [`open_file`].
    pub fn open(path: &Path) -> Result<Option<Lines>> {
        Ok(open_file(path)?.map(|file| Lines {
            path: path.to_owned(),
            file: Some(file),
            block: Vec::new(),
            at: 0,
            offset: 0,
        }))
    }

    /// Reads the next block; `false` at the end of the file.
    fn fill(&mut self) -> Result<bool> {
        let Some(file) = &mut self.file else { return Ok(false) };
        self.block.resize(BLOCK, 0);
        self.at = 0;
        let read = loop {
            match file.read(&mut self.block) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        match read {
            Ok(count) => {
                self.block.truncate(count);
                if count == 0 {
                    self.file = None;
                }
                Ok(count > 0)
            }
            Err(error) => {
                self.file = None;
                self.block.clear();
                Err(Error::io("read", &self.path)(error))
            }
        }
    }
}

impl Iterator for Lines {
    type Item = Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut line = Line { offset: self.offset, length: 0, bytes: Vec::new(), ended: false };
        loop {
            if self.at >= self.block.len() {
                match self.fill() {
                    Ok(true) => {}
                    Ok(false) if line.length == 0 => return None,
                    Ok(false) => return Some(Ok(line)),
                    Err(error) => return Some(Err(error)),
                }
            }
            let rest = self.block.get(self.at..).unwrap_or_default();
            let (part, ended) = match memchr::memchr(b'\n', rest) {
                Some(end) => (rest.get(..end).unwrap_or_default(), true),
                None => (rest, false),
            };
            add(&mut line, part);
            let used = part.len() + usize::from(ended);
            self.at += used;
            self.offset += used as u64;
            if ended {
                line.ended = true;
                return Some(Ok(line));
            }
        }
    }
}

fn add(line: &mut Line, part: &[u8]) {
    line.length += part.len() as u64;
    if line.is_too_long() {
        line.bytes = Vec::new();
    } else {
        line.bytes.extend_from_slice(part);
    }
}

/// The lines of a file, last to first, so that the newest few cost a few reads however long the file is.
///
/// It covers the file as it was when it was opened. What is cut off meanwhile may be missing, and shows as lines
/// that are not ended. After an error there are no more lines.
#[derive(Debug)]
pub struct LinesFromEnd {
    path: PathBuf,
    file: File,
    /// The part of the file that is still to be handed out ends here.
    end: u64,
    /// `block` holds the bytes from `block_start` on, and ends at or after `end`.
    block: Vec<u8>,
    block_start: u64,
    /// Whether the line that ends at `end` has a line feed behind it.
    ended: bool,
    done: bool,
}

impl LinesFromEnd {
    /// Opens a file; `None` when there is nothing of that name.
    ///
    /// # Errors
    ///
    /// As [`open_file`].
    pub fn open(path: &Path) -> Result<Option<LinesFromEnd>> {
        let Some(file) = open_file(path)? else { return Ok(None) };
        let length = file.metadata().map_err(Error::io("look at", path))?.len();
        let mut lines = LinesFromEnd {
            path: path.to_owned(),
            file,
            end: length,
            block: Vec::new(),
            block_start: length,
            ended: false,
            done: length == 0,
        };
        if !lines.done && lines.byte_before(length)? == b'\n' {
            lines.ended = true;
            lines.end = length - 1;
        }
        Ok(Some(lines))
    }

    /// The byte before a position, which must be above 0.
    fn byte_before(&mut self, position: u64) -> Result<u8> {
        if position <= self.block_start {
            self.load_before(position)?;
        }
        let index = usize::try_from(position - 1 - self.block_start).unwrap_or(usize::MAX);
        // A file that shrank under us reads as if it had NUL bytes there.
        Ok(self.block.get(index).copied().unwrap_or(0))
    }

    /// Loads the block that ends at a position.
    fn load_before(&mut self, position: u64) -> Result<()> {
        let start = position.saturating_sub(BLOCK as u64);
        self.block = self.read_range(start, position)?;
        self.block_start = start;
        Ok(())
    }

    /// Reads a part of the file. A file that was cut off under us gives fewer bytes.
    fn read_range(&self, start: u64, end: u64) -> Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(end - start).unwrap_or(0)];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, start + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io("read", &self.path)(error)),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    /// Where the line begins that ends at `self.end`.
    fn line_start(&mut self) -> Result<u64> {
        let mut position = self.end;
        while position > 0 {
            self.byte_before(position)?;
            let known = usize::try_from(position - self.block_start).unwrap_or(usize::MAX);
            let part = self.block.get(..known).unwrap_or(&self.block);
            if let Some(index) = memchr::memrchr(b'\n', part) {
                return Ok(self.block_start + index as u64 + 1);
            }
            position = self.block_start;
        }
        Ok(0)
    }

    /// A part of the file that is in memory already.
    fn in_block(&self, start: u64, end: u64) -> Option<&[u8]> {
        let first = usize::try_from(start.checked_sub(self.block_start)?).ok()?;
        let last = usize::try_from(end.checked_sub(self.block_start)?).ok()?;
        self.block.get(first..last)
    }

    fn take_line(&mut self) -> Result<Line> {
        let start = self.line_start()?;
        let length = self.end - start;
        let mut line = Line { offset: start, length, bytes: Vec::new(), ended: self.ended };
        if !line.is_too_long() {
            line.bytes = match self.in_block(start, self.end) {
                Some(bytes) => bytes.to_vec(),
                None => self.read_range(start, self.end)?,
            };
            // The file was cut off under us, and the line feed with it.
            line.ended &= line.bytes.len() as u64 == line.length;
            line.length = line.bytes.len() as u64;
        }
        if start == 0 {
            self.done = true;
        } else {
            self.end = start - 1;
            self.ended = true;
        }
        Ok(line)
    }
}

impl Iterator for LinesFromEnd {
    type Item = Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let line = self.take_line();
        self.done |= line.is_err();
        Some(line)
    }
}
