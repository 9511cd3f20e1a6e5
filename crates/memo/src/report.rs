//! How a build ended.

use std::fmt;
use std::path::PathBuf;

use crate::{Error, Op};

/// How a build ended. It is a success only if there is nothing in it.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
#[must_use = "a build that failed shows nowhere else"]
pub struct Report {
    /// Operations that failed, each with the reason.
    pub failed: Vec<Unfinished>,
    /// Operations that never ran or were killed, each with what went wrong first.
    pub aborted: Vec<Unfinished>,
    /// Files that operations waited for, that were not declared ready, and that nobody makes.
    pub never_ready: Vec<PathBuf>,
    /// Operations that waited for each other, circle by circle.
    pub cycles: Vec<Vec<Op>>,
    /// Where the future values were made that were never set.
    pub abandoned: Vec<String>,
    /// Tools that were asked for and not found.
    pub missing_tools: Vec<String>,
    /// Tasks that ended with an error, by a panic, or not at all.
    pub tasks: Vec<FailedTask>,
    /// Files that changed, by other hands than the build's, after something was made from them or between two uses.
    /// Operations that used them afterwards may have been revived for what they were. A file that was only looked at
    /// once, to revive an operation, is not looked at again. The folder of the build is among them if another one was
    /// put in its place: what was found in place may have been found in the old one.
    pub changed: Vec<PathBuf>,
    /// Whether the build was cancelled.
    pub cancelled: bool,
}

/// An operation that did not come to a good end.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Unfinished {
    /// The operation.
    pub op: Op,
    /// Why; for an aborted one, [`Error::root`] is what went wrong first.
    pub error: Error,
}

/// A task that did not come to a good end.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FailedTask {
    /// Where in the source it was started.
    pub created: String,
    /// Why.
    pub error: Error,
}

impl Report {
    /// Whether everything that was asked for is done and well.
    #[must_use]
    pub fn is_success(&self) -> bool {
        let Report {
            failed,
            aborted,
            never_ready,
            cycles,
            abandoned,
            missing_tools,
            tasks,
            changed,
            cancelled,
        } = self;
        failed.is_empty()
            && aborted.is_empty()
            && never_ready.is_empty()
            && cycles.is_empty()
            && abandoned.is_empty()
            && missing_tools.is_empty()
            && tasks.is_empty()
            && changed.is_empty()
            && !cancelled
    }

    /// Nothing, or the report as an error.
    ///
    /// # Errors
    ///
    /// The report, if the build is no success.
    pub fn into_result(self) -> Result<(), Report> {
        if self.is_success() { Ok(()) } else { Err(self) }
    }
}

impl std::error::Error for Report {}

impl fmt::Display for Report {
    /// One line for each thing in it. What follows from something else is counted and not listed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_success() {
            return f.write_str("the build is a success");
        }
        f.write_str("the build is no success")?;
        if self.cancelled {
            f.write_str("\n  it was cancelled")?;
        }
        for unfinished in &self.failed {
            let reason = buildbook_fsio::explained(&unfinished.error);
            write!(f, "\n  failed: {}: {reason}", unfinished.op)?;
        }
        for tool in &self.missing_tools {
            write!(f, "\n  no tool {tool}")?;
        }
        for path in &self.never_ready {
            write!(f, "\n  nobody makes {}", path.display())?;
        }
        for members in &self.cycles {
            let labels: Vec<&str> = members.iter().map(|op| op.label.as_str()).collect();
            write!(f, "\n  waiting in a circle: {}", labels.join(", "))?;
        }
        for place in &self.abandoned {
            write!(f, "\n  the value promised at {place} was never set")?;
        }
        for task in &self.tasks {
            let reason = buildbook_fsio::explained(&task.error);
            write!(f, "\n  the task started at {} failed: {reason}", task.created)?;
        }
        for path in &self.changed {
            write!(f, "\n  changed during the build: {}", path.display())?;
        }
        match self.aborted.len() {
            0 => Ok(()),
            1 => f.write_str("\n  1 operation was given up because of that"),
            count => write!(f, "\n  {count} operations were given up because of that"),
        }
    }
}
