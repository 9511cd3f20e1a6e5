//! Operations, as they are shown.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::Error;

/// The number of an operation of a memo, counted from 0 in the order of creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OpId(pub(crate) u32);

impl OpId {
    /// The number.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for OpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Runs a process.
    Spawn,
    /// Reads a file for a task.
    Read,
    /// Writes a file.
    Write,
    /// Copies a file.
    Copy,
    /// Makes a folder.
    Mkdir,
    /// Waits for files.
    WaitFiles,
}

impl Kind {
    /// The kind as a word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Spawn => "spawn",
            Kind::Read => "read",
            Kind::Write => "write",
            Kind::Copy => "copy",
            Kind::Mkdir => "mkdir",
            Kind::WaitFiles => "wait",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How far an operation is.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Status {
    /// It waits for its reads, or for a thread.
    Waiting,
    /// It did its work.
    Executed,
    /// Its result came from the cache, or was in place already. Nothing ran.
    Revived,
    /// It failed.
    Failed(Error),
    /// It never ran, because of the failure of something else.
    Aborted(Error),
}

impl Status {
    /// Whether it is done and well.
    #[must_use]
    pub fn is_success(&self) -> bool {
        matches!(self, Status::Executed | Status::Revived)
    }
}

/// What an operation was busy with, on which thread, from when to when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// With what.
    pub activity: Activity,
    /// The thread: its number among those for files or for processes.
    pub slot: usize,
    /// The start, from the making of the memo on.
    pub start: Duration,
    /// The end, from the making of the memo on.
    pub end: Duration,
}

/// What an operation was busy with: one thing, unless it is a process that ran.
#[derive(Debug, Default)]
pub(crate) struct Spans {
    first: Option<Span>,
    more: Vec<Span>,
}

impl Spans {
    pub(crate) fn push(&mut self, span: Span) {
        match self.first {
            None => self.first = Some(span),
            Some(_) => self.more.push(span),
        }
    }

    pub(crate) fn list(&self) -> Vec<Span> {
        self.first.iter().chain(&self.more).copied().collect()
    }
}

/// What an operation can be busy with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Activity {
    /// On a file thread: hashing, looking into the cache, reviving, and all work of operations without a process.
    Files,
    /// On a process thread: running the process and recording what it gave.
    Process,
}

/// An operation, as it was when it was asked for.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Op {
    /// Its number.
    pub id: OpId,
    /// What it does.
    pub kind: Kind,
    /// The command, or the kind and the file.
    pub label: String,
    /// The files that must be ready before it runs.
    pub reads: Vec<PathBuf>,
    /// The files that it promises.
    pub writes: Vec<PathBuf>,
    /// How far it is.
    pub status: Status,
    /// When it was created, from the making of the memo on.
    pub created: Duration,
    /// What it was busy with.
    pub spans: Vec<Span>,
    /// The exit code of a spawn that succeeded.
    pub exit: Option<i32>,
    /// What a spawn printed to where the build shows it.
    pub output: Arc<[u8]>,
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_spans_are_listed_in_the_order_in_which_they_came() {
        let mut spans = Spans::default();
        assert_eq!(spans.list(), []);
        let made: Vec<Span> = [Activity::Files, Activity::Process, Activity::Files]
            .into_iter()
            .zip(0..)
            .map(|(activity, second)| {
                let start = Duration::from_secs(second);
                Span { activity, slot: 0, start, end: start }
            })
            .collect();
        made.iter().for_each(|span| spans.push(*span));
        assert_eq!(spans.list(), made);
    }
}
