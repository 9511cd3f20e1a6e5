//! What a memo tells while it works.

use std::path::PathBuf;

use crate::{Error, Op};

/// What a memo tells while it works. It is told from [`stir`](crate::Memo::stir) and
/// [`finish`](crate::Memo::finish), in the order in which it happens.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Feedback {
    /// An operation came to its end, whichever. Told exactly once for each operation.
    OpComplete {
        /// The operation, with its status and its output.
        op: Op,
    },
    /// The cache could not be used for an operation, which ran instead; or what it gave could not be put there.
    OpCacheProblem {
        /// The operation.
        op: Op,
        /// Why.
        error: Error,
    },
    /// A tool was asked for that is not to be found.
    MissingTool {
        /// The tool, as it was asked for.
        tool: String,
    },
    /// A task ended with an error.
    TaskFailed {
        /// Where in the source it was started.
        created: String,
        /// The error.
        error: Error,
    },
    /// The status of a file was told again, or told to be another. The first one stays.
    FileStatus {
        /// What is wrong.
        problem: buildbook_guard::Error,
    },
    /// A file was declared ready that an operation writes. The declaration does not count.
    ReadyAndWritten {
        /// The file.
        path: PathBuf,
    },
    /// What was learned about files could not be left to later builds, or the staging area could not be removed.
    Upkeep {
        /// Why.
        error: Error,
    },
}
