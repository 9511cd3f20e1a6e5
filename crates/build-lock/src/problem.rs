//! What could not be told or done about one lock, while the others were.

use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer, ser::SerializeStruct as _};

/// One entry of a folder that could not be treated as a lock. It was left alone.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The system refused, or something that is not a file has the name of a lock.
    #[error(transparent)]
    File(#[from] buildbook_fsio::Error),
    /// Somebody holds a lock whose name does not say what it is for.
    #[error("somebody holds {}, whose name does not say what it is for", path.display())]
    UnknownName {
        /// The lock file.
        path: PathBuf,
    },
}

impl Problem {
    /// The entry.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Problem::File(source) => source.path(),
            Problem::UnknownName { path } => path,
        }
    }
}

/// The path, and the whole chain of reasons as one text.
impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Problem", 2)?;
        fields.serialize_field("path", &self.path().to_string_lossy())?;
        fields.serialize_field("problem", &buildbook_fsio::explained(self))?;
        fields.end()
    }
}

/// Writes a path as text: one that is not UTF-8 must not keep all the others from being written.
pub(crate) fn lossy<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}
