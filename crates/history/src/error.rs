//! What can go wrong with a history as a whole.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use buildbook_layout::InvalidName;

/// An operation on a history that failed. Lines that cannot be read are not errors but
/// [`Problem`](crate::Problem)s.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused, or something else than a file has the name. Nothing was lost.
    #[error(transparent)]
    File(#[from] buildbook_fsio::Error),
    /// The compacted file could not be put in the place of the old one, which stands as it was; or it is in
    /// place, and a power cut may bring the old one back.
    #[error("cannot compact {}", path.display())]
    Compact {
        /// The history.
        path: PathBuf,
        /// Why.
        source: buildbook_atomic_swap::Error,
    },
    /// The history without its broken lines could not be put in the place of the old one, which stands as it was;
    /// or it is in place, and a power cut may bring the old one back. The lines are in the other file already.
    #[error("cannot set broken lines of {} aside", path.display())]
    SetAside {
        /// The history.
        path: PathBuf,
        /// Why.
        source: buildbook_atomic_swap::Error,
    },
    /// The folder of all histories could not be listed.
    #[error("cannot list {}", path.display())]
    List {
        /// The folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The folder of all histories, or that of a package, is a link that leads nowhere: what it led to is perhaps on a
    /// disk that is not mounted, so nobody knows what there is.
    #[error("{} is a link that leads nowhere: mount what it leads to, or remove it", path.display())]
    LeadsNowhere {
        /// The link.
        path: PathBuf,
    },
    /// A folder among the histories has a name that no package can have.
    #[error("cannot take the folder {} for a package", path.display())]
    Name {
        /// The folder.
        path: PathBuf,
        /// What is wrong with the name.
        source: InvalidName,
    },
    /// An entry is so long that no reader would take it; nothing was written.
    #[error("cannot append to {}: an entry has {bytes} bytes, more than the {limit} that a line may have", path.display())]
    EntryTooLong {
        /// The history.
        path: PathBuf,
        /// How many bytes the entry has.
        bytes: usize,
        /// How many it may have.
        limit: usize,
    },
    /// What was written or synced for several callers at once failed. Each of them is told the same.
    #[error(transparent)]
    Group(Arc<Error>),
}

impl Error {
    /// The file or folder that the operation was about.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Error::File(source) => source.path(),
            Error::Compact { path, .. }
            | Error::SetAside { path, .. }
            | Error::List { path, .. }
            | Error::LeadsNowhere { path }
            | Error::Name { path, .. }
            | Error::EntryTooLong { path, .. } => path,
            Error::Group(source) => source.path(),
        }
    }

    /// The system's answer, where there was one.
    #[must_use]
    pub fn kind(&self) -> Option<io::ErrorKind> {
        match self {
            Error::File(source) => source.kind(),
            Error::Compact { source, .. } | Error::SetAside { source, .. } => source.kind(),
            Error::List { source, .. } => Some(source.kind()),
            Error::Group(source) => source.kind(),
            Error::LeadsNowhere { .. } | Error::Name { .. } | Error::EntryTooLong { .. } => None,
        }
    }
}
