//! Processes that are killed together.

use std::path::Path;

use nix::fcntl::OFlag;
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

/// Kills all processes that have a file open for writing, with their groups, as far as the system says who they are.
/// Of the group that is to be spared, and of the caller's own, only they are killed: a process that was about to run its
/// program is still in the group of who started it. Children of the caller are left alone, because one that is being
/// started has everything open that the caller has.
pub(crate) fn kill_holders(file: &Path, spared: Option<i32>) {
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    let own_group = getpgrp().as_raw();
    for process in processes().filter(|process| *process != own) {
        if !has_open(process, file) {
            continue;
        }
        let Some(stat) = Stat::of(process).filter(|stat| stat.parent != own) else { continue };
        let is_alone = match spared {
            Some(spared) => stat.group == spared,
            None => stat.group != process,
        };
        if is_alone || stat.group == own_group {
            let _ = nix::sys::signal::kill(Pid::from_raw(process), Signal::SIGKILL);
        } else {
            kill(stat.group);
        }
    }
}

/// All processes that the system lists, as Linux does.
fn processes() -> impl Iterator<Item = i32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Whether a process has a file open for writing. Those that read it, to make a backup perhaps, are none of ours.
fn has_open(process: i32, file: &Path) -> bool {
    let files = std::fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
    let of_file = files.filter(|entry| std::fs::read_link(entry.path()).is_ok_and(|target| target == file));
    let mut numbers = of_file.filter_map(|entry| entry.file_name().into_string().ok());
    numbers.any(|number| {
        let info = std::fs::read_to_string(format!("/proc/{process}/fdinfo/{number}")).unwrap_or_default();
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
        let flags = flags.and_then(|flags| i32::from_str_radix(flags.trim(), 8).ok());
        flags.is_some_and(|flags| flags & OFlag::O_ACCMODE.bits() != OFlag::O_RDONLY.bits())
    })
}

/// What the system says of a process.
struct Stat {
    is_zombie: bool,
    parent: i32,
    group: i32,
    /// In ticks since the machine was started. It tells a process from a later one of the same number.
    started: u64,
}

impl Stat {
    fn of(process: i32) -> Option<Stat> {
        let text = std::fs::read(format!("/proc/{process}/stat")).ok()?;
        let text = String::from_utf8_lossy(&text);
        // The name of the program is in parentheses, and may contain any character, parentheses among them.
        let (_, fields) = text.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        Some(Stat {
            is_zombie: matches!(*fields.first()?, "Z" | "X"),
            parent: fields.get(1)?.parse().ok()?,
            group: fields.get(2)?.parse().ok()?,
            started: fields.get(19)?.parse().ok()?,
        })
    }
}

/// A process, described in such a way that others can find out later whether it is alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trace {
    process: i32,
    pub(crate) group: i32,
    started: u64,
    /// The machine, since it was started, and the place in it where the number means this process.
    place: String,
}

impl Trace {
    /// The trace of the caller; `None` where the system does not tell enough.
    pub(crate) fn own() -> Option<Trace> {
        let process = i32::try_from(std::process::id()).ok()?;
        let stat = Stat::of(process)?;
        Some(Trace { process, group: stat.group, started: stat.started, place: place()? })
    }

    pub(crate) fn print(&self) -> String {
        format!("{} {} {} {}\n", self.process, self.group, self.started, self.place)
    }

    pub(crate) fn parse(text: &str) -> Option<Trace> {
        let mut words = text.strip_suffix('\n')?.splitn(4, ' ');
        Some(Trace {
            process: words.next()?.parse().ok()?,
            group: words.next()?.parse().ok()?,
            started: words.next()?.parse().ok()?,
            place: words.next()?.to_owned(),
        })
    }

    /// Whether the process is known to be dead. One on another machine or in another container is not.
    pub(crate) fn is_dead(&self) -> bool {
        let is_here = place().is_some_and(|place| place == self.place);
        is_here && Stat::of(self.process).is_none_or(|stat| stat.is_zombie || stat.started != self.started)
    }
}

fn place() -> Option<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = std::fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", boot.trim(), namespace.to_str()?))
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
        let _reader = std::fs::File::open(&path).unwrap();
        assert!(!has_open(own, &path));
        assert_eq!(Stat::of(own).map(|stat| stat.group), Some(getpgrp().as_raw()));
        assert!(Stat::of(i32::MAX).is_none());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_trace_tells_whether_its_process_is_dead() {
        let own = Trace::own().unwrap();
        assert_eq!(Trace::parse(&own.print()), Some(own.clone()));
        assert!(!own.is_dead());
        assert!(
            Trace { started: own.started + 1, ..own.clone() }.is_dead(),
            "the number is another one's now"
        );
        assert!(Trace { process: i32::MAX, ..own.clone() }.is_dead());
        let elsewhere = Trace { process: i32::MAX, place: "elsewhere".to_owned(), ..own };
        assert!(!elsewhere.is_dead(), "who knows");
        for text in ["", "1\n", "1 2 3\n", "1 2 3 4", "a 2 3 4\n"] {
            assert_eq!(Trace::parse(text), None, "{text:?}");
        }
    }
}
