//! What the guard has to say about a word about a file.

use std::path::PathBuf;

use crate::FileStatus;

/// The feedback of [`set_file_ready`](crate::Guard::set_file_ready) and
/// [`set_file_never`](crate::Guard::set_file_never). The first word about a file stands, and the one that
/// is answered with this changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The same was said before. This is harmless, and often a sign that two operations write one file.
    #[error("set file {status}: {}{}, as was said before", path.display(), phrase(*status))]
    FileStatusRepeat {
        /// The file.
        path: PathBuf,
        /// What was said both times.
        status: FileStatus,
    },
    /// The opposite was said before, and operations may have been allowed because of it.
    #[error("set file {told}: {}{}, as was said before", path.display(), phrase(*status))]
    FileStatusUnstable {
        /// The file.
        path: PathBuf,
        /// What was said first, and stands.
        status: FileStatus,
        /// What was said now.
        told: FileStatus,
    },
}

fn phrase(status: FileStatus) -> &'static str {
    match status {
        FileStatus::Undecided => " is undecided",
        FileStatus::Ready => " is ready",
        FileStatus::Never => " will never be ready",
    }
}
