//! Digests of files that survive the build.
//!
//! The file `known` is [sealed](super::sealed); it is a list of records of 88 bytes, an identity and a digest each.
//! Without it, everything is hashed anew.

use std::collections::HashSet;
use std::hash::Hasher as _;
use std::path::PathBuf;

use buildbook_atomic_swap::replace_file;
use buildbook_fsio::{Durability, create_folders, read_file};

use super::Cache;
use super::sealed::{Body, Sealed};
use crate::Result;
use crate::digest::Digest;
use crate::identity::{IDENTITY_BYTES, Identity};
use crate::mix::{Mix, Table};

const FORMAT: &[u8; 8] = b"bbknown1";
const RECORD_BYTES: usize = IDENTITY_BYTES + 32;
/// How many files are remembered.
const LIMIT: usize = 1 << 19;
const LIMIT_BYTES: u64 = (LIMIT * 2 * RECORD_BYTES) as u64;

/// What earlier builds knew, as it lies in the file: most of it is asked for once or never, so nothing is made of it
/// before.
#[derive(Debug, Default)]
pub(crate) struct Recalled {
    /// All records.
    bytes: Vec<u8>,
    /// Which record is of an identity, by the hash of that. Where two have one, one is forgotten, and its file hashed.
    index: Table<u64, u32>,
    /// Which were asked for.
    is_used: Vec<bool>,
}

impl Recalled {
    /// What is in a file; `None` when that is damaged.
    fn open(mut bytes: Vec<u8>) -> Option<Recalled> {
        let records = Body::open(FORMAT, &bytes)?.rest();
        let (start, length) = (FORMAT.len(), records.len());
        let (records, cut) = records.as_chunks::<RECORD_BYTES>();
        if !cut.is_empty() {
            return None;
        }
        let mut index = Table::with_capacity_and_hasher(records.len(), Default::default());
        let hashes = records.iter().filter_map(|record| record.first_chunk().map(hash));
        index.extend(hashes.zip(0..));
        let is_used = vec![false; records.len()];
        bytes.drain(..start);
        bytes.truncate(length);
        Some(Recalled { bytes, index, is_used })
    }

    /// The digest of a file.
    pub(crate) fn find(&mut self, identity: &Identity) -> Option<Digest> {
        let identity = identity.to_bytes();
        let number = *self.index.get(&hash(&identity))? as usize;
        let (found, digest) = self.bytes.as_chunks::<RECORD_BYTES>().0.get(number)?.split_first_chunk()?;
        if *found != identity {
            return None;
        }
        *self.is_used.get_mut(number)? = true;
        Some(Digest::from_bytes(*digest.first_chunk()?))
    }

    /// All there is, and whether it was asked for.
    pub(crate) fn records(&self) -> impl Iterator<Item = (Identity, Digest, bool)> {
        let records = self.bytes.as_chunks::<RECORD_BYTES>().0.iter().zip(&self.is_used);
        records.filter_map(|(record, is_used)| {
            let (identity, digest) = record.split_first_chunk()?;
            let digest = Digest::from_bytes(*digest.first_chunk()?);
            Some((Identity::from_bytes(identity), digest, *is_used))
        })
    }
}

fn hash(identity: &[u8; IDENTITY_BYTES]) -> u64 {
    let mut mix = Mix::default();
    mix.write(identity);
    mix.finish()
}

impl Cache {
    /// What earlier builds knew; nothing when that is lost.
    pub(super) fn recall_known(&self) -> Recalled {
        let bytes = read_file(&self.known_path(), LIMIT_BYTES).ok().flatten();
        bytes.and_then(Recalled::open).unwrap_or_default()
    }

    /// Leaves what this build knows to later ones, with what others left meanwhile behind it. What was not asked for
    /// for long gets ever further back, and is forgotten one day.
    pub(super) fn remember_known(&self, known: Vec<(Identity, Digest)>) -> Result<()> {
        create_folders(&self.folder)?;
        let lock = self.lock_remembered()?;
        let own: HashSet<Identity> = known.iter().map(|(identity, _)| *identity).collect();
        let left = self.recall_known();
        let others = left.records().filter(|(identity, ..)| !own.contains(identity));
        let mut records = known;
        records.extend(others.map(|(identity, digest, _)| (identity, digest)));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_list_is_not_used() {
        let identity =
            Identity { device: 1, inode: 2, size: 3, modified: (-4, 5), changed: (6, 999_999_999) };
        let (other, third) = (Identity { inode: 7, ..identity }, Identity { inode: 8, ..identity });
        let (one, two) = (Digest::of(b"one"), Digest::of(b"two"));
        let bytes = print(&[(identity, one), (other, two)]);
        let mut recalled = Recalled::open(bytes.clone()).unwrap();
        assert_eq!((recalled.find(&other), recalled.find(&third)), (Some(two), None));
        let records: Vec<_> = recalled.records().collect();
        assert_eq!(records, [(identity, one, false), (other, two, true)]);
        assert_eq!(recalled.find(&identity), Some(one));
        recalled.index.insert(hash(&third.to_bytes()), 0);
        assert_eq!(recalled.find(&third), None, "another identity with its hash");
        assert_eq!(Recalled::open(print(&[])).unwrap().records().count(), 0);
        let mut cut = Sealed::new(FORMAT, 0);
        cut.add(&[0; RECORD_BYTES + 1]);
        assert!(Recalled::open(cut.finish()).is_none());
        for position in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[position] ^= 0x10;
            assert!(Recalled::open(changed).is_none(), "byte {position}");
            assert!(Recalled::open(bytes[..position].to_vec()).is_none(), "cut at {position}");
        }
    }
}
