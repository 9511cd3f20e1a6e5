//! What can go wrong with a progress file.

use std::path::PathBuf;

/// A progress file that could not be written, read or removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no folder to write the file in: the run was never started, or has been removed.
    #[error("cannot write progress: the run has no folder {}", path.display())]
    NoRunFolder {
        /// The folder.
        path: PathBuf,
    },
    /// The file is there, and what is in it is not the progress of a run. A poller may go on with what it
    /// saw last; the writer's next snapshot replaces the file.
    #[error("cannot understand the progress in {}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and where.
        source: buildbook_json::Error,
    },
    /// The file could not be read or removed.
    #[error(transparent)]
    File(#[from] buildbook_fsio::Error),
    /// The file could not be replaced; the last snapshot stands.
    #[error(transparent)]
    Replace(buildbook_atomic_swap::Error),
}
