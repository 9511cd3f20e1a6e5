//! Where file systems are mounted: nothing is removed through a mount.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

/// The places where something is mounted, as far as the system tells.
#[derive(Debug, Default)]
pub(crate) struct Mounts {
    points: Vec<PathBuf>,
}

impl Mounts {
    /// Asks the system. Where it does not tell, only a change of device gives a mount away.
    pub(crate) fn now() -> Self {
        fs::read("/proc/self/mountinfo").map(|table| Mounts::parse(&table)).unwrap_or_default()
    }

    /// The mount point is the fifth field of a line; white space in it is written as three octal digits.
    fn parse(table: &[u8]) -> Self {
        let points = table
            .split(|b| *b == b'\n')
            .filter_map(|line| line.split(|b| *b == b' ').nth(4))
            .map(|field| PathBuf::from(OsString::from_vec(unescape(field))))
            .collect();
        Mounts { points }
    }

    /// Whether anything is mounted at this place or below it. The place is given without links.
    pub(crate) fn reach_into(&self, place: &Path) -> bool {
        self.points.iter().any(|point| point.starts_with(place))
    }
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
        let mounts = Mounts::parse(table);
        for (place, expected) in [
            ("/srv/farm/build-0123456789ab", true),
            ("/srv/farm/build-0123456789ab/merged", true),
            ("/srv/farm/build-0123456789a", false),
            ("/srv/farm/build-0123456789ab/merged/deeper", false),
            ("/srv/with space", true),
            ("/srv/back\\slash\\9", true),
            ("/other", false),
        ] {
            assert_eq!(mounts.reach_into(Path::new(place)), expected, "{place}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_system_tells() {
        assert!(Mounts::now().reach_into(Path::new("/")));
    }
}
