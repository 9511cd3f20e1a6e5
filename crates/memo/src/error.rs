//! Why an operation or a task did not end well.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why an operation or a task did not end well. It can be cloned: everybody who waited is told.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A tool ended in a way that its caller does not take for success. Nothing of it was recorded.
    #[error("{command} ended with {ended}")]
    Exit {
        /// The command.
        command: String,
        /// How it ended.
        ended: Ended,
        /// What it printed to where the build shows it.
        output: Arc<[u8]>,
    },
    /// A tool could not be started.
    #[error("cannot start {}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// The system's answer.
        source: Arc<io::Error>,
    },
    /// An operation succeeded and files that it promised are not there.
    #[error("did not write {}", list(paths))]
    DidNotWrite {
        /// The files.
        paths: Vec<PathBuf>,
    },
    /// An operation never ran, because a file that it reads is not going to be there. The source is what went
    /// wrong first.
    #[error("given up: {} will not be there", path.display())]
    Aborted {
        /// The file.
        path: PathBuf,
        /// The failure that everything follows from.
        source: Arc<Error>,
    },
    /// A file that operations wait for is neither declared ready nor written by any operation.
    #[error("nobody makes {}", path.display())]
    NeverReady {
        /// The file.
        path: PathBuf,
    },
    /// Operations wait for each other.
    #[error("waiting in a circle: {}", members.join(", "))]
    InCycle {
        /// The operations of the circle.
        members: Vec<String>,
    },
    /// A tool is not to be found.
    #[error("no tool {tool}")]
    MissingTool {
        /// The tool as it was asked for.
        tool: String,
    },
    /// An operation wants to write a file that another one writes, or that was declared ready. It did not run.
    #[error("{} has another writer: {by}", path.display())]
    WrittenBefore {
        /// The file.
        path: PathBuf,
        /// Who has it.
        by: String,
    },
    /// Files that an operation reads were declared ready, and are not there.
    #[error("not there: {}", list(paths))]
    ReadsMissing {
        /// The files.
        paths: Vec<PathBuf>,
    },
    /// Files changed while the build used them: an operation may have seen the old or the new contents, and
    /// other operations may have seen others. Nothing of it was recorded.
    #[error("changed during the build: {}", list(paths))]
    ReadsChanged {
        /// The files.
        paths: Vec<PathBuf>,
    },
    /// Something else stands where a regular file is expected.
    #[error("cannot {operation} {}: it is not a regular file", path.display())]
    NotAFile {
        /// What was attempted.
        operation: &'static str,
        /// What stands there.
        path: PathBuf,
    },
    /// The system refused.
    #[error("cannot {operation} {}", path.display())]
    Io {
        /// What was attempted, as a verb.
        operation: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: Arc<io::Error>,
    },
    /// The system refused; the source says what and where.
    #[error(transparent)]
    File(Arc<buildbook_fsio::Error>),
    /// A file could not be replaced; the source says why.
    #[error(transparent)]
    Replace(Arc<buildbook_atomic_swap::Error>),
    /// Processes of a build that was killed are still running, and could write to files that are made anew. They could
    /// not be killed.
    #[error("processes of a killed build are still running; their output is in {}", folder.display())]
    LeftRunning {
        /// Where what they print goes.
        folder: PathBuf,
    },
    /// What was learned is not left to later builds, which are slower for it and give the same results: somebody has
    /// held the lock for seconds.
    #[error("not remembered: somebody holds {}", path.display())]
    NotRemembered {
        /// The lock.
        path: PathBuf,
    },
    /// A payload or an entry of the cache is not what was put there. It was dropped.
    #[error("damaged in the cache: {}", path.display())]
    Damaged {
        /// The file in the cache.
        path: PathBuf,
    },
    /// An entry of the cache was written by a program that knows another version of its format. It stays as it is.
    #[error("of another version: {}", path.display())]
    OtherVersion {
        /// The file in the cache.
        path: PathBuf,
    },
    /// A closure or a task of the application panicked.
    #[error("panicked: {message}")]
    Panicked {
        /// What it said.
        message: String,
    },
    /// The application gave up, by [`fail`].
    #[error("{message}")]
    Failed {
        /// Its reason.
        message: String,
    },
    /// A future value will never be set.
    #[error("the value promised at {created} is never set")]
    Abandoned {
        /// Where in the source the promise was made.
        created: String,
    },
    /// A task waits for something that this memo knows nothing of.
    #[error("the task started at {created} waits for something that never comes")]
    Stuck {
        /// Where in the source the task was started.
        created: String,
    },
    /// The build was cancelled.
    #[error("cancelled")]
    Cancelled,
}

impl Error {
    pub(crate) fn io(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        let path = path.to_owned();
        move |source| Error::Io { operation, path, source: Arc::new(source) }
    }

    /// What went wrong first: for what was given up, the failure that it follows from.
    #[must_use]
    pub fn root(&self) -> &Error {
        let mut error = self;
        while let Error::Aborted { source, .. } = error {
            error = source;
        }
        error
    }

    /// Whether a file or folder was not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        match self {
            Error::Io { source, .. } => source.kind() == io::ErrorKind::NotFound,
            Error::File(source) => source.is_not_found(),
            Error::ReadsMissing { .. } => true,
            _ => false,
        }
    }
}

impl From<buildbook_fsio::Error> for Error {
    fn from(error: buildbook_fsio::Error) -> Error {
        Error::File(Arc::new(error))
    }
}

impl From<buildbook_atomic_swap::Error> for Error {
    fn from(error: buildbook_atomic_swap::Error) -> Error {
        Error::Replace(Arc::new(error))
    }
}

/// Gives up with a reason: `return Err(fail("no main module"))`. The task or the operation fails, and so does
/// the build.
#[must_use]
pub fn fail(message: impl fmt::Display) -> Error {
    Error::Failed { message: message.to_string() }
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ended {
    /// By itself, with this exit code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// It was ended, because its time was up.
    TimedOut,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ended::Code(code) => write!(f, "exit code {code}"),
            Ended::Signal(signal) => write!(f, "signal {signal}"),
            Ended::TimedOut => f.write_str("its time being up"),
        }
    }
}

fn list(paths: &[PathBuf]) -> String {
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    names.join(", ")
}

/// What a panic said.
pub(crate) fn panic_message(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
        .to_owned()
}
