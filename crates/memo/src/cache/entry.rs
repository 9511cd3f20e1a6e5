//! What an operation gave, as it is written down.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::key::Key;

/// The version of the format. Readers take no other for an answer; a key of another version never leads here,
/// because the version of the keys changes with it.
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

    /// Reads a file. `None` unless every byte is as it was written, for this key.
    pub(crate) fn parse(bytes: &[u8], key: &Key) -> Option<Entry> {
        let text = str::from_utf8(bytes).ok()?;
        let (json, digest) = text.strip_suffix('\n')?.split_once('\n')?;
        if digest.parse() != Ok(Digest::of(json.as_bytes())) {
            return None;
        }
        let line: Line = serde_json::from_str(json).ok()?;
        let is_ours = line.version == VERSION && line.key == key.digest();
        is_ours.then_some(Entry { exit: line.exit, output: line.output, writes: line.writes })
    }
    /// Every payload that the entry needs.
    pub(crate) fn blobs(&self) -> impl Iterator<Item = &Blob> {
        self.output.iter().chain(&self.writes)
    }
}

/// The payloads of an entry of any key; `None` when it is damaged.
pub(crate) fn payloads(bytes: &[u8]) -> Option<Vec<Digest>> {
    let json = bytes.split(|byte| *byte == b'\n').next()?;
    let line: Line = serde_json::from_slice(json).ok()?;
    let entry = Entry::parse(bytes, &Key::from(line.key))?;
    Some(entry.blobs().map(|blob| blob.digest).collect())
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
        assert_eq!(Entry::parse(text.as_bytes(), &key), Some(entry));
        assert_eq!(payloads(text.as_bytes()), Some(vec![blob.digest; 3]));
        assert_eq!(Entry::parse(text.as_bytes(), &Key::from(Digest::of(b"other"))), None);
        for position in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[position] ^= 1;
            assert_eq!(Entry::parse(&bytes, &key), None, "byte {position}");
            assert_eq!(Entry::parse(&text.as_bytes()[..position], &key), None, "cut at {position}");
        }
    }
}
