//! The files that a guard has heard of, and what is known about each.

use std::fmt;
use std::mem;
use std::path::Path;

use crate::Error;
use crate::paths::Paths;
use crate::waiting::Slot;

/// The number of a path in one [`Guard`](crate::Guard), from 0 without gaps, in the order in which paths were first
/// named. It means nothing to another guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

impl FileId {
    pub(crate) fn at(index: usize) -> Self {
        Self(u32::try_from(index).expect("memory ends before four thousand million paths"))
    }

    /// The number, for tables that a caller keeps beside the guard.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What is known about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileStatus {
    /// Nobody has said anything about it yet.
    Undecided,
    /// It exists, and it is what the operations that read it are meant to see.
    Ready,
    /// It will never be ready.
    Never,
}

/// One word: `undecided`, `ready` or `never`.
impl fmt::Display for FileStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Undecided => "undecided",
            Self::Ready => "ready",
            Self::Never => "never",
        })
    }
}

/// A decision about a file, and there is only one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Ready,
    Never,
}

impl From<Decision> for FileStatus {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Ready => Self::Ready,
            Decision::Never => Self::Never,
        }
    }
}

/// Files by number.
#[derive(Debug)]
pub(crate) struct Files {
    paths: Paths,
    states: Vec<State>,
}

#[derive(Debug)]
enum State {
    /// The slots of the operations that wait for the file, in the order of addition. One whose
    /// reads name the file twice is here twice.
    Undecided(Vec<Slot>),
    Decided(Decision),
}

impl Files {
    pub(crate) fn new() -> Self {
        Self { paths: Paths::new(), states: Vec::new() }
    }

    pub(crate) fn intern(&mut self, path: &Path) -> FileId {
        let file = FileId(self.paths.intern(path));
        if file.index() == self.states.len() {
            self.states.push(State::Undecided(Vec::new()));
        }
        file
    }

    pub(crate) fn find(&self, path: &Path) -> Option<FileId> {
        self.paths.find(path).map(FileId)
    }

    pub(crate) fn path(&self, file: FileId) -> &Path {
        self.paths.get(file.0).expect(OWN)
    }

    pub(crate) fn status(&self, file: FileId) -> FileStatus {
        match self.states.get(file.index()).expect(OWN) {
            State::Undecided(_) => FileStatus::Undecided,
            State::Decided(decision) => (*decision).into(),
        }
    }

    /// The operations that wait for a file; none once it is decided.
    pub(crate) fn waiters(&self, file: FileId) -> &[Slot] {
        match self.states.get(file.index()) {
            Some(State::Undecided(waiters)) => waiters,
            _ => &[],
        }
    }

    /// Every file, in order.
    pub(crate) fn all(&self) -> impl ExactSizeIterator<Item = FileId> + use<> {
        (0..self.states.len()).map(FileId::at)
    }

    /// Lets an operation wait for a file. False if the file is decided.
    pub(crate) fn wait(&mut self, file: FileId, waiter: Slot) -> bool {
        match self.states.get_mut(file.index()).expect(OWN) {
            State::Undecided(waiters) => {
                waiters.push(waiter);
                true
            }
            State::Decided(_) => false,
        }
    }

    /// Decides a file, and hands over what waited for it.
    pub(crate) fn decide(&mut self, file: FileId, told: Decision) -> Result<Vec<Slot>, Error> {
        let path = || self.paths.get(file.0).expect(OWN).to_path_buf();
        match self.states.get_mut(file.index()).expect(OWN) {
            State::Undecided(waiters) => {
                let waiters = mem::take(waiters);
                self.states[file.index()] = State::Decided(told);
                Ok(waiters)
            }
            State::Decided(decision) if *decision == told => {
                Err(Error::FileStatusRepeat { path: path(), status: told.into() })
            }
            State::Decided(decision) => {
                Err(Error::FileStatusUnstable { path: path(), status: (*decision).into(), told: told.into() })
            }
        }
    }
}

/// Why a file is found by its number.
const OWN: &str = "a file is used with the guard that numbered it";
