//! Processes that are killed together.

use std::path::Path;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, getpgrp};

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

/// Kills the groups of all processes that have a file open, as far as the system says who they are, and as far as they
/// are not the caller's own.
pub(crate) fn kill_holders(file: &Path) {
    let own = getpgrp().as_raw();
    for process in processes() {
        let group = if has_open(process, file) { group_of(process) } else { None };
        if let Some(group) = group.filter(|group| *group != own) {
            kill(group);
        }
    }
}

/// All processes that the system lists, as Linux does.
fn processes() -> impl Iterator<Item = i32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn has_open(process: i32, file: &Path) -> bool {
    let files = std::fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
    files.filter_map(|entry| std::fs::read_link(entry.path()).ok()).any(|target| target == file)
}

fn group_of(process: i32) -> Option<i32> {
    let text = std::fs::read(format!("/proc/{process}/stat")).ok()?;
    let text = String::from_utf8_lossy(&text);
    // The name of the program is in parentheses, and may contain any character, parentheses among them.
    let (_, fields) = text.rsplit_once(')')?;
    fields.split_whitespace().nth(2)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_process_is_known_by_what_it_has_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap().join("f");
        let own = i32::try_from(std::process::id()).unwrap();
        let file = std::fs::File::create(&path).unwrap();
        assert!(processes().any(|process| process == own));
        assert!(has_open(own, &path));
        drop(file);
        assert!(!has_open(own, &path));
        assert_eq!(group_of(own), Some(getpgrp().as_raw()));
        assert_eq!(group_of(i32::MAX), None);
    }
}
