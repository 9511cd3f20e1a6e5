//! Digests of files that survive the build.
//!
//! The file `known` is a list of records of 88 bytes: device, inode, size, the time of the last modification and of
//! the last change, each as seconds and nanoseconds, and the digest; all numbers are little-endian and have 64 bits.
//! Before them are eight bytes that name the format, and after them is the SHA-256 of all before it: a file that is
//! not exactly what was written is not used, and everything is hashed anew.

use std::collections::HashSet;
use std::path::PathBuf;

use buildbook_atomic_swap::replace_file;
use buildbook_fsio::{Durability, Lock, create_folders, read_file};

use super::Cache;
use crate::Result;
use crate::digest::Digest;
use crate::identity::Identity;

const FORMAT: &[u8; 8] = b"bbknown1";
const RECORD_BYTES: usize = 7 * 8 + 32;
/// How many files are remembered.
const LIMIT: usize = 1 << 19;
const LIMIT_BYTES: u64 = (LIMIT * 2 * RECORD_BYTES) as u64;

impl Cache {
    /// What earlier builds knew; nothing when that is lost.
    pub(crate) fn recall(&self) -> Vec<(Identity, Digest)> {
        let bytes = read_file(&self.known_path(), LIMIT_BYTES).ok().flatten();
        bytes.as_deref().and_then(parse).unwrap_or_default()
    }

    /// Leaves what this build knows to later ones, with what others left meanwhile behind it. What was not asked for
    /// for long gets ever further back, and is forgotten one day.
    pub(crate) fn remember(&self, known: Vec<(Identity, Digest)>) -> Result<()> {
        create_folders(&self.folder)?;
        let lock = Lock::acquire(&self.folder.join("known.lock"))?;
        let own: HashSet<Identity> = known.iter().map(|(identity, _)| *identity).collect();
        let others = self.recall().into_iter().filter(|(identity, _)| !own.contains(identity));
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
    let mut bytes = Vec::with_capacity(FORMAT.len() + records.len() * RECORD_BYTES + 32);
    bytes.extend_from_slice(FORMAT);
    for (identity, digest) in records {
        for number in [identity.device, identity.inode, identity.size] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        for (seconds, nanoseconds) in [identity.modified, identity.changed] {
            bytes.extend_from_slice(&seconds.to_le_bytes());
            bytes.extend_from_slice(&nanoseconds.to_le_bytes());
        }
        bytes.extend_from_slice(digest.as_bytes());
    }
    let digest = Digest::of(&bytes);
    bytes.extend_from_slice(digest.as_bytes());
    bytes
}

fn parse(bytes: &[u8]) -> Option<Vec<(Identity, Digest)>> {
    let (all, digest) = bytes.split_last_chunk::<32>()?;
    let records = all.strip_prefix(FORMAT)?;
    if Digest::of(all).as_bytes() != digest {
        return None;
    }
    let (records, rest) = records.as_chunks::<RECORD_BYTES>();
    rest.is_empty().then(|| records.iter().filter_map(record).collect())
}

fn record(bytes: &[u8; RECORD_BYTES]) -> Option<(Identity, Digest)> {
    let (numbers, digest) = bytes.split_last_chunk::<32>()?;
    let (numbers, _) = numbers.as_chunks::<8>();
    let [device, inode, size, m, m_ns, c, c_ns] = *<&[[u8; 8]; 7]>::try_from(numbers).ok()?;
    let identity = Identity {
        device: u64::from_le_bytes(device),
        inode: u64::from_le_bytes(inode),
        size: u64::from_le_bytes(size),
        modified: (i64::from_le_bytes(m), i64::from_le_bytes(m_ns)),
        changed: (i64::from_le_bytes(c), i64::from_le_bytes(c_ns)),
    };
    Some((identity, Digest::from_bytes(*digest)))
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
