//! Keys: what an operation depends on, as one number.

use std::cell::Cell;
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::digest::Digest;

/// Everything that an operation's result depends on, as a SHA-256. Two operations have the same key only if they
/// have the same fields with the same values: each field is preceded by its name and by the lengths of both, and
/// each list by its number of elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Digest);

impl Key {
    /// The number.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.0
    }
}

impl From<Digest> for Key {
    fn from(digest: Digest) -> Key {
        Key(digest)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// So much is collected before it is hashed: each single piece costs the hash more than its bytes do.
const ENOUGH_BYTES: usize = 16 << 10;

thread_local! {
    /// Room for what is collected, as large as the keys before took it.
    static ROOM: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Collects the fields of a key.
pub(crate) struct KeyBuilder {
    hasher: Sha256,
    collected: Vec<u8>,
}

impl KeyBuilder {
    /// Starts a key. The kind says which fields follow, and changes when they do.
    pub(crate) fn new(kind: &str) -> KeyBuilder {
        let mut builder = KeyBuilder { hasher: Sha256::new(), collected: ROOM.take() };
        builder.field("buildbook-memo", kind.as_bytes());
        builder
    }

    pub(crate) fn field(&mut self, name: &str, value: &[u8]) {
        for part in [name.as_bytes(), value] {
            self.collected.extend_from_slice(&(part.len() as u64).to_le_bytes());
            self.collected.extend_from_slice(part);
        }
        if self.collected.len() >= ENOUGH_BYTES {
            self.hasher.update(&self.collected);
            self.collected.clear();
        }
    }

    pub(crate) fn text(&mut self, name: &str, value: &OsStr) {
        self.field(name, value.as_bytes());
    }

    pub(crate) fn number(&mut self, name: &str, value: u64) {
        self.field(name, &value.to_le_bytes());
    }

    pub(crate) fn digest(&mut self, name: &str, value: &Digest) {
        self.field(name, value.as_bytes());
    }

    /// Says that this many groups of fields follow.
    pub(crate) fn count(&mut self, name: &str, count: usize) {
        self.number(name, count as u64);
    }

    pub(crate) fn finish(mut self) -> Key {
        self.hasher.update(&self.collected);
        if self.collected.capacity() <= 2 * ENOUGH_BYTES {
            self.collected.clear();
            ROOM.set(self.collected);
        }
        Key(Digest::from_hasher(self.hasher))
    }
}

/// How paths are named in keys.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    /// Where the build is at home.
    pub(crate) home: PathBuf,
    /// Whether the build gives the same results wherever its home is.
    pub(crate) relocatable: bool,
}

impl Names {
    /// Adds a path: in full, or from home on if the home does not matter. The two can never be mistaken for each
    /// other, because they are different fields.
    pub(crate) fn add(&self, key: &mut KeyBuilder, name: &str, path: &Path) {
        key.field("path", name.as_bytes());
        let inside = if self.relocatable { path.strip_prefix(&self.home).ok() } else { None };
        match inside {
            Some(inside) => key.text("from home", inside.as_os_str()),
            None => key.text("in full", path.as_os_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(fields: &[(&str, &[u8])]) -> Key {
        let mut builder = KeyBuilder::new("test");
        for (name, value) in fields {
            builder.field(name, value);
        }
        builder.finish()
    }

    #[test]
    fn fields_do_not_run_into_each_other() {
        let keys = [
            key(&[("a", b"ab"), ("a", b"c")]),
            key(&[("a", b"a"), ("a", b"bc")]),
            key(&[("a", b"abc")]),
            key(&[("aa", b"bc")]),
            key(&[("a", b""), ("a", b"abc")]),
            key(&[("a", b"abc"), ("a", b"")]),
            key(&[]),
            KeyBuilder::new("tes").finish(),
        ];
        for (position, one) in keys.iter().enumerate() {
            assert!(keys.iter().skip(position + 1).all(|other| other != one), "{position}");
        }
        assert_eq!(key(&[("a", b"b")]), key(&[("a", b"b")]));
    }

    /// However it is collected, the key is the hash of the lengths and parts one after the other.
    #[test]
    fn keys_of_any_length_are_the_hash_of_their_fields() {
        for length in [0, 1, ENOUGH_BYTES / 2, ENOUGH_BYTES, 3 * ENOUGH_BYTES + 7] {
            let value = vec![b'x'; length];
            let parts: [&[u8]; 8] =
                [b"buildbook-memo", b"test", b"one", &value, b"two", &value, b"three", b""];
            let mut all = Vec::new();
            for part in parts {
                all.extend_from_slice(&(part.len() as u64).to_le_bytes());
                all.extend_from_slice(part);
            }
            let fields: [(&str, &[u8]); 3] = [("one", &value), ("two", &value), ("three", b"")];
            assert_eq!(key(&fields).digest(), Digest::of(&all), "{length} bytes");
        }
    }

    #[test]
    fn a_path_is_relative_only_where_the_home_does_not_matter() {
        let key = |home: &str, relocatable, path: &str| {
            let mut builder = KeyBuilder::new("test");
            Names { home: home.into(), relocatable }.add(&mut builder, "read", Path::new(path));
            builder.finish()
        };
        assert_eq!(key("/one", true, "/one/a"), key("/two", true, "/two/a"));
        assert_ne!(key("/one", false, "/one/a"), key("/two", false, "/two/a"));
        assert_ne!(key("/one", true, "/one/a"), key("/one", true, "/a"));
        assert_ne!(key("/", true, "/a"), key("/one", true, "/a"), "from home is not in full");
        assert_eq!(key("/one", true, "/usr/a"), key("/two", true, "/usr/a"));
    }
}
