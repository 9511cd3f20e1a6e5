//! What can go wrong with a file.

use std::io;
use std::path::{Path, PathBuf};

/// An operation on a file that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused; the source says why.
    #[error("cannot {operation} {}", path.display())]
    Io {
        /// What was attempted, as a verb: `read`, `lock`, `rename`.
        operation: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// Something else stands where a regular file is expected: a symbolic link, a folder, a FIFO or a
    /// device. Nothing was done to it.
    #[error("cannot {operation} {}: it is not a regular file", path.display())]
    NotAFile {
        /// What was attempted.
        operation: &'static str,
        /// What stands there.
        path: PathBuf,
    },
    /// The file is larger than the caller is prepared to hold in memory.
    #[error("cannot read {}: it has {size} bytes, more than the {limit} that such a file may have", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// How many bytes it has, at least: it may be growing.
        size: u64,
        /// How many bytes it may have.
        limit: u64,
    },
    /// What was handed in to be appended is not one or more whole lines.
    #[error("cannot append to {}: a record must be one or more lines that end in a line feed", path.display())]
    NotLines {
        /// The file, which was not touched.
        path: PathBuf,
    },
}

impl Error {
    pub(crate) fn io(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        move |source| Error::Io { operation, path: path.to_owned(), source }
    }

    /// The file or folder that the operation was about.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Error::Io { path, .. }
            | Error::NotAFile { path, .. }
            | Error::TooLarge { path, .. }
            | Error::NotLines { path } => path,
        }
    }

    /// The system's answer, where there was one.
    #[must_use]
    pub fn kind(&self) -> Option<io::ErrorKind> {
        match self {
            Error::Io { source, .. } => Some(source.kind()),
            _ => None,
        }
    }

    /// Whether the file or folder does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.kind() == Some(io::ErrorKind::NotFound)
    }
}

/// An error and the whole chain of its reasons as one text, for documents that have no place for a chain.
#[must_use]
pub fn explained(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(reason) = cause {
        text.push_str(": ");
        text.push_str(&reason.to_string());
        cause = reason.source();
    }
    text
}
