//! Digests of files that survive the build.
//!
//! The file `known` is [sealed](super::sealed); it is a list of records of 88 bytes, an identity and a digest each.
//! Without it, everything is hashed anew.

use std::collections::HashSet;
use std::path::PathBuf;

use buildbook_atomic_swap::replace_file;
use buildbook_fsio::{Durability, Lock, create_folders, read_file};

use super::Cache;
use super::sealed::{Body, Sealed};
use crate::Result;
use crate::digest::Digest;
use crate::identity::{IDENTITY_BYTES, Identity};

const FORMAT: &[u8; 8] = b"bbknown1";
const RECORD_BYTES: usize = IDENTITY_BYTES + 32;
/// How many files are remembered.
const LIMIT: usize = 1 << 19;
const LIMIT_BYTES: u64 = (LIMIT * 2 * RECORD_BYTES) as u64;

impl Cache {
    /// What earlier builds knew; nothing when that is lost.
    pub(super) fn recall_known(&self) -> Vec<(Identity, Digest)> {
        let bytes = read_file(&self.known_path(), LIMIT_BYTES).ok().flatten();
        bytes.as_deref().and_then(parse).unwrap_or_default()
    }

    /// Leaves what this build knows to later ones, with what others left meanwhile behind it. What was not asked for
    /// for long gets ever further back, and is forgotten one day.
    pub(super) fn remember_known(&self, known: Vec<(Identity, Digest)>) -> Result<()> {
        create_folders(&self.folder)?;
        let lock = Lock::acquire(&self.folder.join("known.lock"))?;
        let own: HashSet<Identity> = known.iter().map(|(identity, _)| *identity).collect();
        let others = self.recall_known().into_iter().filter(|(identity, _)| !own.contains(identity));
        let mut records = known;
        records.extend(others);
        records.truncate(LIMIT);
        replace_file(&self.known_path(), &print(&records), Durability::Cached)?;
        lock.release();
        Ok(())
    }

    fn known_path(&self) -> PathBuf {
        self.folder.join("known")
    }
}

fn print(records: &[(Identity, Digest)]) -> Vec<u8> {
    let mut sealed = Sealed::new(FORMAT, records.len() * RECORD_BYTES);
    for (identity, digest) in records {
        sealed.add(&identity.to_bytes());
        sealed.add(digest.as_bytes());
    }
    sealed.finish()
}

fn parse(bytes: &[u8]) -> Option<Vec<(Identity, Digest)>> {
    let mut body = Body::open(FORMAT, bytes)?;
    let mut records = Vec::with_capacity(body.len() / RECORD_BYTES);
    while !body.is_empty() {
        let identity = Identity::from_bytes(body.take()?);
        records.push((identity, Digest::from_bytes(*body.take()?)));
    }
    Some(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_list_is_not_used() {
        let identity =
            Identity { device: 1, inode: 2, size: 3, modified: (-4, 5), changed: (6, 999_999_999) };
        let records =
            vec![(identity, Digest::of(b"one")), (Identity { inode: 7, ..identity }, Digest::of(b"two"))];
        let bytes = print(&records);
        assert_eq!(parse(&bytes), Some(records));
        assert_eq!(parse(&print(&[])), Some(Vec::new()));
        for position in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[position] ^= 0x10;
            assert_eq!(parse(&changed), None, "byte {position}");
            assert_eq!(parse(&bytes[..position]), None, "cut at {position}");
        }
    }
}
