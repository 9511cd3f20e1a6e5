//! What can go wrong with a run.

use std::path::PathBuf;

use buildbook_layout::RunId;

/// An operation on runs that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or a folder could not be made, read or written.
    #[error(transparent)]
    File(#[from] buildbook_fsio::Error),
    /// A file or a link could not be replaced, and what stood there stands there still; or it was, and may not
    /// survive a power cut.
    #[error(transparent)]
    Replace(#[from] buildbook_atomic_swap::Error),
    /// A file of a run is there, and what is in it is not what belongs there.
    #[error("cannot understand {}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and where.
        source: buildbook_json::Error,
    },
    /// An event is longer than the lines that readers accept. Nothing was written.
    #[error("cannot log to {}: the event has {bytes} bytes, more than the {limit} that a line may have", path.display())]
    EventTooLong {
        /// The file of the run's events.
        path: PathBuf,
        /// How many bytes the line would have.
        bytes: usize,
        /// How many bytes it may have.
        limit: usize,
    },
    /// The link to the newest finished run does not name one. The next run that finishes replaces it.
    #[error("the link {} does not lead to a run: {reason}", path.display())]
    BadLatest {
        /// The link.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Among the runs, there is something that is none. It is left alone.
    #[error("{} is not the folder of a run", path.display())]
    NotARun {
        /// What it is.
        path: PathBuf,
    },
    /// No run has this name, nor one that begins so.
    #[error("no run is called {selector:?}")]
    NoSuchRun {
        /// What was asked for.
        selector: String,
    },
    /// Several runs have names that begin so.
    #[error("{} runs are called {selector:?}, such as {}", candidates.len(), first_of(candidates))]
    AmbiguousRun {
        /// What was asked for.
        selector: String,
        /// The runs that it may mean, oldest first.
        candidates: Vec<RunId>,
    },
    /// Every name that a run which begins now could have is taken.
    #[error("cannot start a run in {}: every name from {first} on is taken", folder.display())]
    NoFreeName {
        /// The folder of all runs.
        folder: PathBuf,
        /// The name that was tried first.
        first: RunId,
    },
}

/// Enough names to see what is meant, few enough to read.
fn first_of(candidates: &[RunId]) -> String {
    const SHOWN: usize = 3;
    let mut text = candidates.iter().take(SHOWN).map(RunId::as_str).collect::<Vec<_>>().join(", ");
    if candidates.len() > SHOWN {
        text.push_str(", …");
    }
    text
}
