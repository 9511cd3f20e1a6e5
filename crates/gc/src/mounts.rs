//! Where file systems are mounted: nothing is removed through a mount.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{Read as _, Seek as _};
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// The entries of a folder in which something is mounted, as far as the system tells.
#[derive(Debug, Default)]
pub(crate) struct Mounts {
    folder: PathBuf,
    /// The system's table. Where there is none, only a change of device gives a mount away.
    table: Option<File>,
    entries: HashSet<OsString>,
}

impl Mounts {
    /// Asks the system.
    pub(crate) fn below(folder: &Path) -> Self {
        let table = File::open("/proc/self/mountinfo").ok();
        let mut mounts = Mounts { folder: folder.to_owned(), table, entries: HashSet::new() };
        mounts.read();
        mounts
    }

    /// Whether anything is mounted at this entry or below it, by the table as it was read last.
    pub(crate) fn reach_into(&self, name: &OsStr) -> bool {
        self.entries.contains(name)
    }

    /// Whether anything is mounted at this entry or below it now. The system says when its table has changed, which
    /// is cheaper to ask than what is in it.
    pub(crate) fn reach_into_now(&mut self, name: &OsStr) -> bool {
        if self.table.as_ref().is_some_and(has_changed) {
            self.read();
        }
        self.reach_into(name)
    }

    fn read(&mut self) {
        let Some(table) = &mut self.table else { return };
        let mut text = Vec::new();
        let whole = table.rewind().and_then(|()| table.read_to_end(&mut text));
        // The table has no links in its paths.
        let folder = fs::canonicalize(&self.folder).unwrap_or_else(|_| self.folder.clone());
        self.entries = parse(&text, &folder);
        if whole.is_err() {
            self.table = None;
        }
    }
}

/// Whether the table was changed since it was opened, or since this was asked last.
fn has_changed(table: &File) -> bool {
    let mut asked = [PollFd::new(table.as_fd(), PollFlags::POLLPRI)];
    let answered = poll(&mut asked, PollTimeout::ZERO).is_ok();
    let [asked] = asked;
    !answered
        || asked.revents().is_none_or(|events| events.intersects(PollFlags::POLLPRI | PollFlags::POLLERR))
}

/// The mount point is the fifth field of a line; white space in it is written as three octal digits.
fn parse(table: &[u8], folder: &Path) -> HashSet<OsString> {
    table
        .split(|b| *b == b'\n')
        .filter_map(|line| line.split(|b| *b == b' ').nth(4))
        .map(|field| PathBuf::from(OsString::from_vec(unescape(field))))
        .filter_map(|point| Some(point.strip_prefix(folder).ok()?.iter().next()?.to_owned()))
        .collect()
}

fn unescape(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let escaped = (*first == b'\\').then(|| after.split_at_checked(3)).flatten();
        match escaped.and_then(|(digits, after)| Some((octal(digits)?, after))) {
            Some((byte, after)) => {
                bytes.push(byte);
                rest = after;
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}

fn octal(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_at_and_below_a_place_are_found() {
        let table = b"36 35 98:0 / /srv/farm/build-0123456789ab/merged rw - overlay overlay rw\n\
            37 35 98:0 / /srv/with\\040space rw - ext4 /dev/sda rw\n\
            38 35 98:0 /x /srv/back\\134slash\\9 rw\n\
            short line\n";
        for (place, expected) in [
            ("/srv/farm/build-0123456789ab", true),
            ("/srv/farm/build-0123456789a", false),
            ("/srv/farm/build-0123456789ab/merged", true),
            ("/srv/farm/build-0123456789ab/merged/deeper", false),
            ("/srv/with space", true),
            ("/srv/back\\slash\\9", true),
            ("/srv/farm", true),
            ("/other", false),
        ] {
            let place = Path::new(place);
            let entries = parse(table, place.parent().unwrap());
            assert_eq!(entries.contains(place.file_name().unwrap()), expected, "{}", place.display());
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_system_tells() {
        let mut mounts = Mounts::below(Path::new("/"));
        assert!(mounts.reach_into(OsStr::new("proc")));
        assert!(mounts.reach_into_now(OsStr::new("proc")));
        assert!(!mounts.reach_into_now(OsStr::new("nothing has this name")));
    }

    /// Mounting takes a name space of one's own; where the system gives none, there is nothing to show.
    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_mounted_later_is_noticed() {
        use std::process::Command;

        let unshare = || {
            let mut command = Command::new("unshare");
            command.args(["--user", "--map-root-user", "--mount"]);
            command
        };
        let folder = std::env::current_dir().unwrap();
        if folder.join("inside-a-name-space").exists() {
            fs::create_dir(folder.join("layer")).unwrap();
            let mut mounts = Mounts::below(&folder);
            for (program, expected) in [("true", false), ("mount", true), ("umount", false)] {
                let mut command = Command::new(program);
                command.args(if program == "mount" { &["-t", "tmpfs", "none"][..] } else { &[] });
                assert!(command.arg("layer").status().unwrap().success());
                assert_eq!(mounts.reach_into_now(OsStr::new("layer")), expected, "{program}");
            }
            return;
        }
        if !unshare().arg("true").output().is_ok_and(|tried| tried.status.success()) {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("inside-a-name-space")).unwrap();
        let ran = unshare()
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "mounts::tests::what_is_mounted_later_is_noticed"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success() && said.contains("1 passed"), "{said}");
    }
}
