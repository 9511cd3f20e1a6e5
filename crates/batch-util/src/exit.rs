//! How the build's process ended.

use serde::{Deserialize, Serialize};

/// How the process of a build ended: what the operating system knows, before a word of the log is
/// read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// It ended with status 0.
    Success,
    /// It ended with this status. 0 is the same as [`Exit::Success`].
    Code(i32),
    /// It was ended by this signal.
    Signal(i32),
    /// The caller stopped it because its time was up.
    TimedOut,
    /// There is only the log.
    Unknown,
}

impl From<std::process::ExitStatus> for Exit {
    /// The status of a process that was waited for. A timeout is nothing the system knows of: the
    /// caller that stopped the process says [`Exit::TimedOut`] itself.
    fn from(status: std::process::ExitStatus) -> Self {
        #[cfg(unix)]
        if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
            return Exit::Signal(signal);
        }
        match status.code() {
            Some(0) => Exit::Success,
            Some(code) => Exit::Code(code),
            None => Exit::Unknown,
        }
    }
}

/// What an exit says by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Succeeded,
    TimedOut,
    /// Somebody outside ended it without asking, most often the kernel for want of memory.
    Killed,
    /// Somebody outside asked it to end: an operator, a shutdown.
    Interrupted,
    /// It ended itself by a fault.
    Crashed,
    /// It failed in the ordinary way: the log knows more.
    Failed,
    /// Nobody knows whether it failed at all.
    Unknown,
}

impl Exit {
    pub(crate) fn ending(self) -> Ending {
        match self {
            Exit::Success | Exit::Code(0) => Ending::Succeeded,
            Exit::TimedOut => Ending::TimedOut,
            Exit::Signal(signal) => by_signal(signal),
            // A shell reports a child ended by signal n as status 128 + n. Only the signals that
            // come from outside are taken from a status: other programs use the numbers above 128
            // as they like, and 129 is what git answers to an option it does not know.
            Exit::Code(137) => Ending::Killed,
            Exit::Code(130 | 143) => Ending::Interrupted,
            Exit::Code(_) => Ending::Failed,
            Exit::Unknown => Ending::Unknown,
        }
    }
}

fn by_signal(signal: i32) -> Ending {
    match signal {
        9 => Ending::Killed,
        // SIGHUP, SIGINT and SIGTERM, the same numbers on every Unix.
        1 | 2 | 15 => Ending::Interrupted,
        _ => Ending::Crashed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_signals_from_outside_are_read_from_a_status() {
        let table = [
            (Exit::Success, Ending::Succeeded),
            (Exit::Code(0), Ending::Succeeded),
            (Exit::Code(1), Ending::Failed),
            (Exit::Code(9), Ending::Failed),
            (Exit::Code(101), Ending::Failed),
            (Exit::Code(124), Ending::Failed),
            (Exit::Code(137), Ending::Killed),
            (Exit::Code(129), Ending::Failed),
            (Exit::Code(130), Ending::Interrupted),
            (Exit::Code(143), Ending::Interrupted),
            (Exit::Code(139), Ending::Failed),
            (Exit::Code(i32::MIN), Ending::Failed),
            (Exit::Signal(9), Ending::Killed),
            (Exit::Signal(15), Ending::Interrupted),
            (Exit::Signal(11), Ending::Crashed),
            (Exit::TimedOut, Ending::TimedOut),
            (Exit::Unknown, Ending::Unknown),
        ];
        for (exit, expected) in table {
            assert_eq!(exit.ending(), expected, "{exit:?}");
        }
    }
}
