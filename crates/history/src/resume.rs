//! Reading of a history only what was added since it was read last.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use buildbook_fsio::{LineRef, Lines, OpenFolder, Stamp, digest, leads_nowhere};
use buildbook_layout::{PackageId, PackagesTree};

use crate::packages::nowhere;
use crate::parse::parse_line;
use crate::reader::{for_each_entry, for_each_line};
use crate::{EntryRef, EntryVisitor, History, Problem, Repeats, Result};

/// How many bytes before a position are looked at to tell whether it is still in the same text. A file that has no
/// more is read from its start: that costs the same.
const BLOCK: u64 = 4096;

/// Where a history ended when it was read, and what it was like then.
///
/// There is a position only if all before it could be used: every line was ended, and was exactly one entry or empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Position {
    /// The file. What was read is as long as it was.
    pub stamp: Stamp,
    /// The digest of the last 4096 bytes; `None` in a file that has no more than these.
    pub tail: Option<u64>,
}

impl Position {
    /// A position that was written down.
    #[must_use]
    pub fn new(stamp: Stamp, tail: Option<u64>) -> Position {
        Position { stamp, tail }
    }
}

/// What there was to say of a history that was read from its start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Followed {
    /// The lines that could not be used.
    pub problems: Vec<Problem>,
    /// Where to read on another time; `None` if it has to be read from its start then, too.
    pub position: Option<Position>,
}

/// Looks at and reads many histories, one after another, with the same memory and without walking the way to them
/// each time.
#[derive(Debug)]
pub struct Follower<'a> {
    folder: &'a OpenFolder,
    lines: Lines,
    /// The way to the history from the folder, and from where the program is.
    relative: String,
    path: PathBuf,
    block: Vec<u8>,
}

impl History {
    /// Opens the folder of all histories, to follow them; `None` if there is none.
    ///
    /// # Errors
    ///
    /// The system's answer; [`Error::LeadsNowhere`](crate::Error::LeadsNowhere).
    pub fn open_folder(&self) -> Result<Option<OpenFolder>> {
        let folder = self.tree().path();
        match OpenFolder::open(folder)? {
            None if leads_nowhere(folder) => Err(nowhere(folder)),
            open => Ok(open),
        }
    }
}

impl<'a> Follower<'a> {
    /// Follows the histories in a folder that [`History::open_folder`] opened.
    #[must_use]
    pub fn new(folder: &'a OpenFolder) -> Follower<'a> {
        Follower {
            folder,
            lines: Lines::new(),
            relative: String::new(),
            path: PathBuf::new(),
            block: Vec::new(),
        }
    }

    /// Looks at a history without opening it; `None` when there is none, or something else than a file.
    ///
    /// # Errors
    ///
    /// The system's answer.
    pub fn look(&mut self, package: &PackageId) -> Result<Option<Stamp>> {
        PackagesTree::history_from_here(package, &mut self.relative);
        Ok(self.folder.look(&self.relative)?)
    }

    /// Passes over all entries of a package, as [`History::for_each`] does.
    ///
    /// # Errors
    ///
    /// As [`History::for_each`].
    pub fn for_each(&mut self, package: &PackageId, each: impl FnMut(EntryRef<'_>)) -> Result<Vec<Problem>> {
        let Some((file, stamp)) = self.open(package)? else { return Ok(Vec::new()) };
        self.lines.read_on(&self.path, file, stamp.length, 0);
        for_each_entry(&mut self.lines, 1, each)
    }

    /// As [`Follower::for_each`], for a visitor that knows what it made of entries before.
    ///
    /// # Errors
    ///
    /// As [`Follower::for_each`].
    pub fn visit<V: EntryVisitor>(
        &mut self,
        package: &PackageId,
        repeats: &mut Repeats<V::Made>,
        visitor: &mut V,
    ) -> Result<Vec<Problem>> {
        let Some((file, stamp)) = self.open(package)? else { return Ok(Vec::new()) };
        self.lines.read_on(&self.path, file, stamp.length, 0);
        Ok(repeats.visit(&mut self.lines, visitor)?.0)
    }

    /// Passes over all entries of a package, and says where to read on another time.
    ///
    /// # Errors
    ///
    /// As [`History::for_each`].
    pub fn read(&mut self, package: &PackageId, mut each: impl FnMut(EntryRef<'_>)) -> Result<Followed> {
        self.read_lines(package, |lines| pass(lines, |line| parse_line(line, &mut each)))
    }

    /// As [`Follower::read`], for a visitor that knows what it made of entries before.
    ///
    /// # Errors
    ///
    /// As [`Follower::read`].
    pub fn read_visiting<V: EntryVisitor>(
        &mut self,
        package: &PackageId,
        repeats: &mut Repeats<V::Made>,
        visitor: &mut V,
    ) -> Result<Followed> {
        self.read_lines(package, |lines| repeats.visit(lines, visitor))
    }

    fn read_lines(
        &mut self,
        package: &PackageId,
        pass: impl FnOnce(&mut Lines) -> Result<(Vec<Problem>, Option<u64>)>,
    ) -> Result<Followed> {
        let Some((file, stamp)) = self.open(package)? else { return Ok(Followed::default()) };
        let tail = self.tail(&file, stamp.length)?;
        self.lines.read_on(&self.path, file, stamp.length, 0);
        let (problems, end) = pass(&mut self.lines)?;
        // What does not end where the file ended was written while it was read, or has no end yet.
        let is_whole = problems.is_empty() && end.unwrap_or(0) == stamp.length;
        Ok(Followed { problems, position: is_whole.then_some(Position { stamp, tail }) })
    }

    /// Passes over the entries behind a position, and says where the next ones will be.
    ///
    /// `None` if it has to be read from its start: there is another file, or it has not just grown, or not by whole
    /// lines that are entries. Some entries may have been handed out then.
    ///
    /// # Errors
    ///
    /// As [`History::for_each`].
    pub fn read_on(
        &mut self,
        package: &PackageId,
        position: &Position,
        mut each: impl FnMut(EntryRef<'_>),
    ) -> Result<Option<Position>> {
        let Some((file, stamp)) = self.open(package)? else { return Ok(None) };
        let (old, start) = (&position.stamp, position.stamp.length);
        let is_same_file = (old.device, old.inode) == (stamp.device, stamp.inode);
        if !is_same_file || stamp.length < start || position.tail.is_none() {
            return Ok(None);
        }
        if self.tail(&file, start)? != position.tail {
            return Ok(None);
        }
        let tail = self.tail(&file, stamp.length)?;
        self.lines.read_on(&self.path, file, stamp.length, start);
        let (problems, end) = pass(&mut self.lines, |line| parse_line(line, &mut each))?;
        let is_whole = problems.is_empty() && end.unwrap_or(start) == stamp.length;
        Ok(is_whole.then_some(Position { stamp, tail }))
    }

    fn open(&mut self, package: &PackageId) -> Result<Option<(File, Stamp)>> {
        PackagesTree::history_from_here(package, &mut self.relative);
        let Some((file, metadata)) = self.folder.open_file(&self.relative)? else { return Ok(None) };
        self.path.as_mut_os_string().clear();
        self.path.push(self.folder.path());
        self.path.push(&self.relative);
        Ok(Some((file, Stamp::of(&metadata))))
    }

    /// The digest of the block that ends at a position.
    fn tail(&mut self, file: &File, end: u64) -> Result<Option<u64>> {
        if end <= BLOCK {
            return Ok(None);
        }
        self.block.resize(usize::try_from(BLOCK).unwrap_or(0), 0);
        match file.read_exact_at(&mut self.block, end - BLOCK) {
            Ok(()) => Ok(Some(digest(&self.block))),
            // It was cut off meanwhile.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(io_error(&self.path, error)),
        }
    }
}

/// Passes over the lines that are left. Says where the last of them ends, unless it is not ended; `None` without any.
fn pass(
    lines: &mut Lines,
    mut parse: impl FnMut(LineRef<'_>) -> Option<Problem>,
) -> Result<(Vec<Problem>, Option<u64>)> {
    let mut end = None;
    let problems = for_each_line(lines, 1, |line| {
        end = Some(if line.ended { line.end() } else { u64::MAX });
        parse(line)
    })?;
    Ok((problems, end))
}

fn io_error(path: &Path, source: std::io::Error) -> crate::Error {
    buildbook_fsio::Error::Io { operation: "read", path: path.to_owned(), source }.into()
}
