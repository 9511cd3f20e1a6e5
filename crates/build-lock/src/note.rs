//! The text in a lock file.

use std::ffi::OsStr;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use buildbook_layout::{LayerName, RunId, Timestamp};

use crate::process::Identity;

/// What a builder tells onlookers about itself. Its process and machine are found without being told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// When the build began.
    pub start: Timestamp,
    /// The layer that is being made.
    pub layer: Option<LayerName>,
    /// Where the log grows.
    pub temp_log_path: Option<PathBuf>,
    /// The run that the build is part of.
    pub run: Option<RunId>,
}

impl Holder {
    /// A builder that began at this time, and tells nothing else yet.
    #[must_use]
    pub fn since(start: Timestamp) -> Self {
        Holder { start, layer: None, temp_log_path: None, run: None }
    }
}

/// The text of a lock file. Every part may be missing: notes are written by several programs, and read
/// while they are being written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Note {
    pub(crate) process: Identity,
    pub(crate) start_time: Option<Timestamp>,
    pub(crate) layer_name: Option<String>,
    pub(crate) temp_log_path: Option<PathBuf>,
    pub(crate) run: Option<String>,
}

impl Note {
    pub(crate) fn of(holder: &Holder) -> Self {
        Note {
            process: Identity::of_this_process(),
            start_time: Some(holder.start),
            layer_name: holder.layer.as_ref().map(ToString::to_string),
            temp_log_path: holder.temp_log_path.clone(),
            run: holder.run.as_ref().map(ToString::to_string),
        }
    }

    /// Whether a path can be told from what surrounds it.
    pub(crate) fn can_hold(log: &Path) -> bool {
        let bytes = log.as_os_str().as_bytes();
        !bytes.contains(&b'\n') && bytes.trim_ascii().len() == bytes.len()
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        fn text<T: ToString>(value: Option<T>) -> String {
            value.map_or_else(String::new, |value| value.to_string())
        }
        let lines = [
            text(self.process.pid),
            text(self.start_time.map(Timestamp::as_unix)),
            text(self.layer_name.as_ref()),
        ];
        let mut bytes = lines.join("\n").into_bytes();
        bytes.push(b'\n');
        bytes.extend(self.temp_log_path.as_deref().map_or(&[][..], |path| path.as_os_str().as_bytes()));
        bytes.push(b'\n');
        let mut more = |key: &str, value: Option<String>| {
            if let Some(value) = value {
                writeln!(bytes, "{key}={value}").expect("writing to memory does not fail");
            }
        };
        more("host", self.process.host.clone());
        more("boot", self.process.boot_id.clone());
        more("started", self.process.process_start.map(|ticks| ticks.to_string()));
        more("run", self.run.clone());
        bytes
    }

    /// Reads what it can, and never fails.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let mut lines = bytes.split(|b| *b == b'\n').map(<[u8]>::trim_ascii);
        let mut next = || lines.next().filter(|line| !line.is_empty());
        let pid = next().and_then(number);
        let start_time = next().and_then(number::<f64>).and_then(Timestamp::from_unix_f64);
        let (third, fourth) = (next(), next());
        // The later writer of the original has no line for the layer.
        let (layer, log) = match third {
            Some(line) if line.contains(&b'/') => (None, fourth.or(third)),
            layer => (layer, fourth),
        };
        let mut note = Note {
            start_time,
            layer_name: layer.map(text),
            temp_log_path: log.map(|line| PathBuf::from(OsStr::from_bytes(line))),
            ..Note::default()
        };
        note.process.pid = pid;
        for line in lines {
            note.take(line);
        }
        note
    }

    /// Reads a line after the fourth. Unknown ones belong to later versions.
    fn take(&mut self, line: &[u8]) {
        let mut parts = line.splitn(2, |b| *b == b'=');
        let (Some(key), Some(value)) = (parts.next(), parts.next()) else { return };
        match key {
            b"host" => self.process.host = Some(text(value)),
            b"boot" => self.process.boot_id = Some(text(value)),
            b"started" => self.process.process_start = number(value),
            b"run" => self.run = Some(text(value)),
            _ => {}
        }
    }
}

fn number<T: std::str::FromStr>(line: &[u8]) -> Option<T> {
    std::str::from_utf8(line).ok()?.parse().ok()
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_note_has_the_lines_of_the_original_first() {
        let holder = Holder {
            start: Timestamp::from_unix_f64(1_773_060_885.75).unwrap(),
            layer: Some("build-0123456789ab".parse().unwrap()),
            temp_log_path: Some("/tmp/build.log".into()),
            run: Some("2026-03-09-125444".parse().unwrap()),
        };
        let note = Note::of(&holder);
        let bytes = String::from_utf8(note.to_bytes()).unwrap();
        let lines: Vec<&str> = bytes.lines().collect();
        let pid = std::process::id().to_string();
        assert_eq!(lines[..4], [pid.as_str(), "1773060885", "build-0123456789ab", "/tmp/build.log"]);
        assert_eq!(lines.last(), Some(&"run=2026-03-09-125444"));
        let bare = Note::of(&Holder::since(holder.start)).to_bytes();
        assert!(
            bare.starts_with(format!("{pid}\n1773060885\n\n\n").as_bytes()),
            "blank lines keep their place"
        );
    }

    #[test]
    fn notes_of_all_writers_are_read() {
        type Expected<'a> = (Option<u32>, Option<f64>, Option<&'a str>, Option<&'a str>);
        let table: [(&[u8], Expected<'_>); 16] = [
            (
                b"12\n1773060885\nbuild-1\n/tmp/l\n",
                (Some(12), Some(1_773_060_885.0), Some("build-1"), Some("/tmp/l")),
            ),
            (b"12\n1773060900.25\n", (Some(12), Some(1_773_060_900.25), None, None)),
            (
                b"12\n1773060901\nbuild-00000000abcd\n",
                (Some(12), Some(1_773_060_901.0), Some("build-00000000abcd"), None),
            ),
            (
                b"12\n1773060904\n/tmp/run/build.log\n",
                (Some(12), Some(1_773_060_904.0), None, Some("/tmp/run/build.log")),
            ),
            (b"12\n1\n/tmp/a\n/tmp/b\n", (Some(12), Some(1.0), None, Some("/tmp/b"))),
            (b"12\n1\n  \n/tmp/x.log\n", (Some(12), Some(1.0), None, Some("/tmp/x.log"))),
            (
                b" 12 \r\n 1 \r\n build-1 \r\n /tmp/y \r\n",
                (Some(12), Some(1.0), Some("build-1"), Some("/tmp/y")),
            ),
            (b"12\n1", (Some(12), Some(1.0), None, None)),
            (b"12\n", (Some(12), None, None, None)),
            (b"", (None, None, None, None)),
            (b"\n\n\n\n", (None, None, None, None)),
            (b"abc\n1773060906\n", (None, Some(1_773_060_906.0), None, None)),
            (b"4027\nsoon\n", (Some(4027), None, None, None)),
            (b"-1\n1e300\n", (None, None, None, None)),
            (b"0x10\n1e3\n", (None, Some(1000.0), None, None)),
            (b"\xff\n\xff\n\xff\n", (None, None, Some("\u{fffd}"), None)),
        ];
        for (bytes, expected) in table {
            let note = Note::parse(bytes);
            let found = (
                note.process.pid,
                note.start_time.map(Timestamp::as_unix_f64),
                note.layer_name.as_deref(),
                note.temp_log_path.as_deref().and_then(Path::to_str),
            );
            assert_eq!(found, expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn a_path_must_be_one_line() {
        for good in ["/tmp/a b.log", "relative", "/tmp/caf\u{e9}"] {
            assert!(Note::can_hold(Path::new(good)), "{good:?}");
        }
        for bad in ["/tmp/a\nb", " /tmp/a", "/tmp/a\r"] {
            assert!(!Note::can_hold(Path::new(bad)), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(log in proptest::option::of("/[^\\s]{1,30}"), seconds in 0_i64..4_000_000_000) {
            let start = Timestamp::from_unix(seconds).unwrap();
            let holder = Holder { temp_log_path: log.map(PathBuf::from), ..Holder::since(start) };
            let note = Note::of(&holder);
            prop_assert_eq!(Note::parse(&note.to_bytes()), note);
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = Note::parse(&bytes);
        }
    }
}
