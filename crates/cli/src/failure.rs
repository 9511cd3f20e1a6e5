//! How the program ends.

use std::fmt;
use std::process::ExitCode;

/// The exit status. Scripts rely on these numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// Done.
    Done,
    /// The thing asked about failed: a build, a delivery, a check; or there is no such thing.
    Failed,
    /// The command cannot be meant: a malformed argument, plan or setting.
    WrongUsage,
    /// The book could not be read or written.
    BadBook,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> ExitCode {
        ExitCode::from(match status {
            Status::Done => 0,
            Status::Failed => 1,
            Status::WrongUsage => 2,
            Status::BadBook => 3,
        })
    }
}

/// An error with the exit status that it means. It is shown as one line, causes included.
#[derive(Debug)]
pub(crate) struct Failure {
    status: Status,
    error: anyhow::Error,
}

impl Failure {
    pub(crate) fn failed(error: impl Into<anyhow::Error>) -> Failure {
        Failure { status: Status::Failed, error: error.into() }
    }

    pub(crate) fn usage(error: impl Into<anyhow::Error>) -> Failure {
        Failure { status: Status::WrongUsage, error: error.into() }
    }

    pub(crate) fn status(&self) -> Status {
        self.status
    }
}

/// Whatever is not said to be something else concerns the book.
impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure { status: Status::BadBook, error: error.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::output::one_line(&format!("{:#}", self.error)))
    }
}

/// What a command returns.
pub(crate) type Outcome = Result<Status, Failure>;
