//! What can go wrong with the index as a whole.

use std::path::{Path, PathBuf};

/// An operation on the index that failed. What concerns one package is a [`Problem`](crate::Problem).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The histories could not be listed, so that nothing can be said.
    #[error(transparent)]
    Histories(#[from] buildbook_history::Error),
    /// The file could not be read.
    #[error(transparent)]
    File(#[from] buildbook_fsio::Error),
    /// The file could not be replaced; the old one stands as it was.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: buildbook_atomic_swap::Error,
    },
    /// The file is there and is no status. Generating it anew replaces it.
    #[error("cannot read {}: {reason}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A later version of this library wrote the file. It is neither read nor overwritten.
    #[error(
        "cannot use {}: it has format version {version}, and this library knows versions up to {}",
        path.display(),
        crate::VERSION
    )]
    TooNew {
        /// The file.
        path: PathBuf,
        /// The version that it has.
        version: u64,
    },
}

impl Error {
    /// The file or folder that the operation was about.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Error::Histories(source) => source.path(),
            Error::File(source) => source.path(),
            Error::Write { path, .. } | Error::Corrupt { path, .. } | Error::TooNew { path, .. } => path,
        }
    }

    /// The system's answer, where there was one.
    #[must_use]
    pub fn kind(&self) -> Option<std::io::ErrorKind> {
        match self {
            Error::Histories(source) => source.kind(),
            Error::File(source) => source.kind(),
            Error::Write { source, .. } => source.kind(),
            Error::Corrupt { .. } | Error::TooNew { .. } => None,
        }
    }
}
