//! What can go wrong with a replacement.

use std::io;
use std::path::PathBuf;

/// A replacement that failed. What stood there before stands there still, unless the variant says
/// otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused.
    #[error(transparent)]
    File(#[from] buildbook_fsio::Error),
    /// The caller's own writing failed; nothing was replaced.
    #[error("cannot write the new contents of {}", path.display())]
    Contents {
        /// The file that was to be replaced.
        path: PathBuf,
        /// What the caller returned, or the system's answer.
        source: io::Error,
    },
    /// The path names no file or folder in a folder, such as `/` or `..`.
    #[error("cannot replace {}: the path does not end in a name", path.display())]
    NoName {
        /// The path.
        path: PathBuf,
    },
    /// A folder is to be published where something else stands, which is left alone.
    #[error("cannot publish the folder {}: something that is not a folder has the name", path.display())]
    NotAFolder {
        /// What stands there.
        path: PathBuf,
    },
    /// The prepared folder is gone, so there is nothing to publish.
    #[error("cannot publish the folder {}: what was prepared in {} is gone", target.display(), staging.display())]
    StagingGone {
        /// The folder that was to be replaced.
        target: PathBuf,
        /// Where its new contents were.
        staging: PathBuf,
    },
    /// A file, a link or a folder was replaced, and the system did not confirm that its name is on the device:
    /// a power cut may bring the old one back.
    #[error("{} is replaced, but a power cut may bring the old one back", target.display())]
    NotDurable {
        /// What was replaced; the new one is in its place.
        target: PathBuf,
        /// What the sync said.
        source: buildbook_fsio::Error,
    },
    /// A folder is to be prepared directly in one that is itself being prepared. Nobody reads that one yet, so
    /// nothing in it needs to be replaced in one step.
    #[error("cannot prepare {}: the folder above it is itself being prepared", target.display())]
    InStaging {
        /// The folder that was to be replaced.
        target: PathBuf,
    },
    /// A folder could neither be published nor put back in its place. Its contents are safe under
    /// another name, and [`recover`](crate::recover) puts them back.
    #[error("cannot publish the folder {}: its old contents are in {} until recovery", target.display(), old.display())]
    Displaced {
        /// The folder, which is missing now.
        target: PathBuf,
        /// Where its contents are.
        old: PathBuf,
        /// Why it could not be put back.
        source: buildbook_fsio::Error,
    },
}

impl Error {
    /// The system's answer, where there was one.
    #[must_use]
    pub fn kind(&self) -> Option<io::ErrorKind> {
        match self {
            Error::File(source) | Error::Displaced { source, .. } | Error::NotDurable { source, .. } => {
                source.kind()
            }
            Error::Contents { source, .. } => Some(source.kind()),
            Error::NoName { .. }
            | Error::NotAFolder { .. }
            | Error::StagingGone { .. }
            | Error::InStaging { .. } => None,
        }
    }
}
