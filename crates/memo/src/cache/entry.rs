//! What an operation gave, as it is written down.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::key::Key;

/// The version of the format. Readers take no other for an answer, and leave it where it is.
const VERSION: u32 = 1;

/// What an operation gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The exit code of a process.
    pub(crate) exit: Option<i32>,
    /// What it printed to where the build shows it.
    pub(crate) output: Option<Blob>,
    /// The files that it wrote, in the order in which it declared them.
    pub(crate) writes: Vec<Blob>,
}

/// A payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Blob {
    pub(crate) digest: Digest,
    pub(crate) bytes: u64,
    /// The rights of the file.
    pub(crate) mode: u32,
}

/// What a file that should be an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Parsed<T> {
    /// As it was written.
    Whole(T),
    /// As it was written, by a program that knows another version of the format.
    OtherVersion,
    /// Not as it was written.
    Damaged,
}

/// What every version begins with.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

/// The line in the file. Its keys are the format.
#[derive(Serialize, Deserialize)]
struct Line {
    version: u32,
    key: Digest,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<Blob>,
    writes: Vec<Blob>,
}

impl Entry {
    /// The text of the file.
    pub(crate) fn print(&self, key: &Key) -> String {
        let line = Line {
            version: VERSION,
            key: key.digest(),
            exit: self.exit,
            output: self.output,
            writes: self.writes.clone(),
        };
        let json = serde_json::to_string(&line).expect("numbers and texts have a spelling in JSON");
        let digest = Digest::of(json.as_bytes());
        format!("{json}\n{digest}\n")
    }

    /// Reads a file. It is damaged unless every byte is as it was written, for this key.
    pub(crate) fn parse(bytes: &[u8], key: &Key) -> Parsed<Entry> {
        match line(bytes) {
            Parsed::Whole(line) if line.key == key.digest() => Parsed::Whole(line.into()),
            Parsed::Whole(_) | Parsed::Damaged => Parsed::Damaged,
            Parsed::OtherVersion => Parsed::OtherVersion,
        }
    }

    /// Every payload that the entry needs.
    pub(crate) fn blobs(&self) -> impl Iterator<Item = &Blob> {
        self.output.iter().chain(&self.writes)
    }
}

impl From<Line> for Entry {
    fn from(line: Line) -> Entry {
        Entry { exit: line.exit, output: line.output, writes: line.writes }
    }
}

fn line(bytes: &[u8]) -> Parsed<Line> {
    let sealed = || {
        let (json, digest) = str::from_utf8(bytes).ok()?.strip_suffix('\n')?.split_once('\n')?;
        (digest.parse() == Ok(Digest::of(json.as_bytes()))).then_some(json)
    };
    let Some(json) = sealed() else { return Parsed::Damaged };
    match serde_json::from_str::<Line>(json) {
        Ok(line) if line.version == VERSION => Parsed::Whole(line),
        _ => match serde_json::from_str::<Version>(json) {
            Ok(Version { version }) if version != VERSION => Parsed::OtherVersion,
            _ => Parsed::Damaged,
        },
    }
}

/// The payloads of an entry of any key.
pub(crate) fn payloads(bytes: &[u8]) -> Parsed<Vec<Digest>> {
    match line(bytes) {
        Parsed::Whole(line) => Parsed::Whole(Entry::from(line).blobs().map(|blob| blob.digest).collect()),
        Parsed::OtherVersion => Parsed::OtherVersion,
        Parsed::Damaged => Parsed::Damaged,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_with_any_other_byte_is_no_answer() {
        let key = Key::from(Digest::of(b"key"));
        let blob = Blob { digest: Digest::of(b"payload"), bytes: 7, mode: 0o755 };
        let entry = Entry { exit: Some(3), output: Some(blob), writes: vec![blob, blob] };
        let text = entry.print(&key);
        assert_eq!(Entry::parse(text.as_bytes(), &key), Parsed::Whole(entry));
        assert_eq!(payloads(text.as_bytes()), Parsed::Whole(vec![blob.digest; 3]));
        assert_eq!(Entry::parse(text.as_bytes(), &Key::from(Digest::of(b"other"))), Parsed::Damaged);
        for position in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[position] ^= 1;
            assert_eq!(Entry::parse(&bytes, &key), Parsed::Damaged, "byte {position}");
            assert_eq!(
                Entry::parse(&text.as_bytes()[..position], &key),
                Parsed::Damaged,
                "cut at {position}"
            );
        }
    }

    #[test]
    fn an_entry_of_another_version_is_not_damaged() {
        let key = Key::from(Digest::of(b"key"));
        let sealed = |json: &str| format!("{json}\n{}\n", Digest::of(json.as_bytes()));
        for json in [r#"{"version":2,"key":7,"parts":[]}"#, r#"{"version":0}"#] {
            assert_eq!(Entry::parse(sealed(json).as_bytes(), &key), Parsed::OtherVersion);
            assert_eq!(payloads(sealed(json).as_bytes()), Parsed::OtherVersion);
            assert_eq!(Entry::parse(sealed(json).replace('}', "} ").as_bytes(), &key), Parsed::Damaged);
        }
        for json in [r#"{"version":1}"#, "{}", "2"] {
            assert_eq!(payloads(sealed(json).as_bytes()), Parsed::Damaged, "{json}");
        }
    }
}
