//! Processes that are killed together.

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// Kills all processes of a group. Whether any were left does not matter.
pub(crate) fn kill(group: i32) {
    signal(group, Signal::SIGKILL);
}

/// Asks all processes of a group to end.
pub(crate) fn terminate(group: i32) {
    signal(group, Signal::SIGTERM);
}

fn signal(group: i32, signal: Signal) {
    // 0 and 1 stand for the caller's own group and for all processes.
    if group > 1 {
        let _ = killpg(Pid::from_raw(group), signal);
    }
}

/// When a process was started, in ticks since the machine was: with its number, this tells it from a later one that
/// got the same number. `None` when there is none, or where the system does not say.
pub(crate) fn start_time(process: i32) -> Option<u64> {
    let text = std::fs::read(format!("/proc/{process}/stat")).ok()?;
    let text = String::from_utf8_lossy(&text);
    // The name of the program is in parentheses, and may contain any character, parentheses among them.
    let (_, fields) = text.rsplit_once(')')?;
    fields.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_a_start_time_while_it_is_there() {
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(start_time(own).is_some_and(|ticks| ticks > 0));
        assert_eq!(start_time(own), start_time(own));
        assert_eq!(start_time(i32::MAX), None);
    }
}
