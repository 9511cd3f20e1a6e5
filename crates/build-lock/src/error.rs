//! What can go wrong with a build lock.

use std::io;
use std::path::{Path, PathBuf};

/// An operation on build locks that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused, or something that is not a file has the name of a lock.
    #[error(transparent)]
    File(#[from] buildbook_fsio::Error),
    /// A log's path does not fit into its line of a lock file: it has a line end in it, or begins or ends
    /// with white space.
    #[error("cannot note the log {log:?} in {}: it is not one line of text", lock.display())]
    LogPath {
        /// The lock file, which was not changed.
        lock: PathBuf,
        /// The path that was to be noted.
        log: PathBuf,
    },
}

impl Error {
    pub(crate) fn folder(path: &Path) -> impl FnOnce(io::Error) -> Error {
        let path = path.to_owned();
        move |source| buildbook_fsio::Error::Io { operation: "read the folder", path, source }.into()
    }

    /// The system's answer, where there was one.
    #[must_use]
    pub fn kind(&self) -> Option<io::ErrorKind> {
        match self {
            Error::File(source) => source.kind(),
            Error::LogPath { .. } => None,
        }
    }
}
