//! Reading lines from the end of a file, in bounded memory.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use crate::lines::BLOCK;
use crate::open::open_with_metadata;
use crate::{Error, Line, Result};

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
    /// As [`open_file`](crate::open_file).
    pub fn open(path: &Path) -> Result<Option<LinesFromEnd>> {
        let Some((file, metadata)) = open_with_metadata(path)? else { return Ok(None) };
        let length = metadata.len();
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
