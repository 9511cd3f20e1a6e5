//! What can go wrong with a collection.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer, ser::SerializeStruct as _};

/// A collection, or the treatment of one item, that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused, or something else stands where a file is expected.
    #[error(transparent)]
    File(#[from] buildbook_fsio::Error),
    /// Something could not be taken out of sight, and is still in its place.
    #[error("cannot {operation} {}", path.display())]
    Swap {
        /// What was attempted, as a verb.
        operation: &'static str,
        /// The item or the folder.
        path: PathBuf,
        /// Why it could not be done.
        source: buildbook_atomic_swap::Error,
    },
    /// Another collection of the same folder is at work. Nothing was removed.
    #[error("another collection is at work: it holds {}", lock.display())]
    Busy {
        /// The lock that it holds.
        lock: PathBuf,
    },
    /// A layer's description is not what such a file may be, so its parents are unknown.
    #[error("cannot make sense of {}", path.display())]
    MalformedMetadata {
        /// The file.
        path: PathBuf,
        /// Where it is wrong.
        source: buildbook_json::Error,
    },
    /// A package's references cannot be read, so no universe is known to be unneeded. Nothing was removed.
    #[error("no universe can go: the references in {} cannot be read", path.display())]
    UnreadableReferences {
        /// The file or folder.
        path: PathBuf,
        /// Why it cannot be read.
        source: buildbook_fsio::Error,
    },
    /// A package's references make no sense, so no universe is known to be unneeded. Nothing was removed.
    #[error("no universe can go: {} makes no sense", path.display())]
    MalformedReferences {
        /// The file.
        path: PathBuf,
        /// Where it is wrong.
        source: buildbook_json::Error,
    },
    /// A package is published without its references, as after a crash of a publisher that writes them last.
    /// Nothing was removed. Publishing the package again, or writing an empty list, lets the collection go on.
    #[error("no universe can go: a package is published without {}", path.display())]
    MissingReferences {
        /// The file that is missing.
        path: PathBuf,
    },
    /// A package is being published, or its publisher died at it, so its references may be hidden. Nothing
    /// was removed.
    #[error("no universe can go: {} is a publication that has not ended", path.display())]
    UnfinishedPublication {
        /// The folder that is to be published, or that was put aside.
        path: PathBuf,
    },
    /// There are universes and no published packages at all, which looks more like a folder that is not
    /// mounted than like a site that needs none of them. Nothing was removed.
    #[error("no universe can go: nothing is published in {}: is it on a disk that is not mounted? If none is needed, remove them all", path.display())]
    NothingPublished {
        /// The folder that is missing or empty.
        path: PathBuf,
    },
}

impl Error {
    pub(crate) fn io(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        let path = path.to_owned();
        move |source| buildbook_fsio::Error::Io { operation, path, source }.into()
    }

    /// The file or folder that it is about.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Error::File(source) => source.path(),
            Error::Busy { lock } => lock,
            Error::Swap { path, .. }
            | Error::MalformedMetadata { path, .. }
            | Error::UnreadableReferences { path, .. }
            | Error::MalformedReferences { path, .. }
            | Error::MissingReferences { path }
            | Error::UnfinishedPublication { path }
            | Error::NothingPublished { path } => path,
        }
    }
}

/// The path, and the whole chain of reasons as one text.
impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Error", 2)?;
        fields.serialize_field("path", &self.path().to_string_lossy())?;
        fields.serialize_field("problem", &buildbook_fsio::explained(self))?;
        fields.end()
    }
}

/// Writes a path as text: one that is not UTF-8 must not keep all the others from being written.
pub(crate) fn lossy<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}
