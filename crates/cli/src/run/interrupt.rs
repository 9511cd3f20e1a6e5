//! Ctrl-C, and the signals by which a service manager ends a program.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

use super::execute::Supervisor;
use super::queue::Queue;

/// From here on a signal does not end the program, but waits to be passed on.
pub(super) fn listen() -> std::io::Result<Signals> {
    // A parent may have left it ignored. The system would then not keep how a command ended until it is asked.
    signal_hook::flag::register(SIGCHLD, Arc::new(AtomicBool::new(false)))?;
    let hangup = (!ignores_hangup()).then_some(SIGHUP);
    Signals::new([SIGINT, SIGTERM].into_iter().chain(hangup))
}

/// Whether the program was started by `nohup` or the like, to go on when its terminal goes.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.is_some_and(|set| is_in_set(SIGHUP, set.trim()))
}

/// Whether a signal is in a set as `/proc` prints it: in hexadecimal, the lowest bit for signal 1.
fn is_in_set(signal: i32, set: &str) -> bool {
    u64::from_str_radix(set, 16).is_ok_and(|bits| bits >> (signal - 1) & 1 == 1)
}

/// Passes signals on until the handle is closed: the first asks the running builds to end, the second kills
/// them. The program itself goes on to its own end, so that the book is left in order.
pub(super) fn pass_on(mut signals: Signals, supervisor: &Supervisor, queue: &Queue<'_>) {
    for _ in signals.forever() {
        queue.stop();
        supervisor.interrupt();
    }
}

/// Ends [`pass_on`] when it goes out of scope, also by a panic: the thread would be waited for otherwise.
pub(super) struct CloseOnDrop(pub(super) Handle);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_signals_is_read_from_the_lowest_bit() {
        assert!(is_in_set(SIGHUP, "0000000000000001"));
        assert!(!is_in_set(SIGHUP, "fffffffffffffffe"));
        assert!(is_in_set(SIGTERM, "0000000000004000"));
        assert!(!is_in_set(SIGHUP, ""));
    }
}
