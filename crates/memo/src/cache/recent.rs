//! Entries that were found lately, so that they need not be opened again.
//!
//! The file `recent` is [sealed](super::sealed). For each entry it has the key, the identity of the entry's file, the
//! exit code, the number of payloads, and for each payload its digest, length and rights; a flag says whether the first
//! one is the output. An entry is taken from here only if its file is still the one that it was.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use buildbook_atomic_swap::replace_file;
use buildbook_fsio::{Durability, Lock, create_folders, read_file};

use super::sealed::{Body, Sealed};
use super::{Blob, Cache, Entry};
use crate::Result;
use crate::contents::hold;
use crate::digest::Digest;
use crate::identity::Identity;
use crate::key::Key;

const FORMAT: &[u8; 8] = b"bbrecnt1";
/// How many entries are remembered.
const LIMIT: usize = 1 << 16;
const LIMIT_BYTES: u64 = 256 << 20;
/// A use that is so much later than the last one that was noted is noted, and not sooner: noting it means writing.
const PRECISION: Duration = Duration::from_secs(600);

/// Entries that were found lately.
#[derive(Debug, Default)]
pub(super) struct Recent {
    entries: Mutex<HashMap<Key, Remembered>>,
    is_new: AtomicBool,
}

#[derive(Debug, Clone)]
struct Remembered {
    /// That of the entry's file.
    identity: Identity,
    entry: Entry,
    /// Whether this build asked for it.
    is_used: bool,
}

impl Recent {
    /// An entry, if it is known and its file has this identity, and if its use need not be noted.
    pub(super) fn find(&self, key: &Key, identity: Identity, now: SystemTime) -> Option<Entry> {
        let used = u64::try_from(identity.modified.0).ok()?;
        let used = UNIX_EPOCH.checked_add(Duration::from_secs(used))?;
        if now.duration_since(used).ok()? > PRECISION {
            return None;
        }
        let mut entries = hold(&self.entries);
        let remembered = entries.get_mut(key).filter(|remembered| remembered.identity == identity)?;
        remembered.is_used = true;
        Some(remembered.entry.clone())
    }

    /// Remembers an entry that was found.
    pub(super) fn add(&self, key: &Key, identity: Identity, entry: &Entry) {
        let remembered = Remembered { identity, entry: entry.clone(), is_used: true };
        hold(&self.entries).insert(*key, remembered);
        self.is_new.store(true, Ordering::Relaxed);
    }

    pub(super) fn forget(&self, key: &Key) {
        hold(&self.entries).remove(key);
    }
}

impl Cache {
    /// Takes over what earlier builds found.
    pub(super) fn recall_recent(&self) {
        let recalled = self.read_recent().into_iter().collect::<HashMap<_, _>>();
        *hold(&self.recent.entries) = recalled;
    }

    /// Leaves what this build found to later ones, with what others left meanwhile behind it.
    pub(super) fn remember_recent(&self) -> Result<()> {
        if !self.recent.is_new.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        create_folders(&self.folder)?;
        let lock = Lock::acquire(&self.folder.join("known.lock"))?;
        let mut records: Vec<(Key, Remembered)> =
            hold(&self.recent.entries).iter().map(|(key, remembered)| (*key, remembered.clone())).collect();
        records.sort_by_key(|(key, remembered)| (!remembered.is_used, *key));
        let own: HashSet<Key> = records.iter().map(|(key, _)| *key).collect();
        records.extend(self.read_recent().into_iter().filter(|(key, _)| !own.contains(key)));
        records.truncate(LIMIT);
        replace_file(&self.recent_path(), &print(&records), Durability::Cached)?;
        lock.release();
        Ok(())
    }

    fn read_recent(&self) -> Vec<(Key, Remembered)> {
        let bytes = read_file(&self.recent_path(), LIMIT_BYTES).ok().flatten();
        bytes.as_deref().and_then(parse).unwrap_or_default()
    }

    fn recent_path(&self) -> PathBuf {
        self.folder.join("recent")
    }
}

fn print(records: &[(Key, Remembered)]) -> Vec<u8> {
    let mut sealed = Sealed::new(FORMAT, 0);
    for (key, Remembered { identity, entry, is_used: _ }) in records {
        sealed.add(key.digest().as_bytes());
        sealed.add(&identity.to_bytes());
        sealed.add(&[u8::from(entry.exit.is_some()), u8::from(entry.output.is_some())]);
        sealed.add(&entry.exit.unwrap_or_default().to_le_bytes());
        sealed.add(&(entry.writes.len() as u64).to_le_bytes());
        for blob in entry.blobs() {
            sealed.add(blob.digest.as_bytes());
            sealed.add(&blob.bytes.to_le_bytes());
            sealed.add(&blob.mode.to_le_bytes());
        }
    }
    sealed.finish()
}

fn parse(bytes: &[u8]) -> Option<Vec<(Key, Remembered)>> {
    let mut body = Body::open(FORMAT, bytes)?;
    let mut records = Vec::new();
    while !body.is_empty() {
        let key = Key::from(Digest::from_bytes(*body.take()?));
        let identity = Identity::from_bytes(body.take()?);
        let [has_exit, has_output] = *body.take()?;
        let exit = i32::from_le_bytes(*body.take()?);
        let writes = u64::from_le_bytes(*body.take()?);
        let output = if has_output == 1 { Some(blob(&mut body)?) } else { None };
        let writes = (0..writes).map(|_| blob(&mut body)).collect::<Option<Vec<Blob>>>()?;
        let entry = Entry { exit: (has_exit == 1).then_some(exit), output, writes };
        records.push((key, Remembered { identity, entry, is_used: false }));
    }
    Some(records)
}

fn blob(body: &mut Body<'_>) -> Option<Blob> {
    Some(Blob {
        digest: Digest::from_bytes(*body.take()?),
        bytes: u64::from_le_bytes(*body.take()?),
        mode: u32::from_le_bytes(*body.take()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(exit: Option<i32>, output: bool, writes: usize) -> Entry {
        let blob = Blob { digest: Digest::of(b"payload"), bytes: 7, mode: 0o755 };
        Entry { exit, output: output.then_some(blob), writes: vec![blob; writes] }
    }

    #[test]
    fn every_kind_of_entry_reads_back() {
        let entries = [entry(None, false, 0), entry(Some(-3), true, 2), entry(Some(0), false, 1)];
        let identity = Identity { device: 1, inode: 2, size: 3, modified: (-4, 5), changed: (6, 7) };
        let records: Vec<(Key, Remembered)> = entries
            .iter()
            .enumerate()
            .map(|(number, entry)| {
                let key = Key::from(Digest::of(&[number.to_le_bytes()[0]]));
                (key, Remembered { identity, entry: entry.clone(), is_used: false })
            })
            .collect();
        let read = parse(&print(&records)).unwrap();
        assert_eq!(read.len(), 3);
        for ((key, remembered), (read_key, read)) in records.iter().zip(&read) {
            assert_eq!((key, &remembered.entry, remembered.identity), (read_key, &read.entry, read.identity));
        }
    }

    #[test]
    fn an_entry_is_taken_only_while_its_file_is_the_same_and_its_use_was_noted_lately() {
        let (recent, key) = (Recent::default(), Key::from(Digest::of(b"key")));
        let identity = Identity { device: 1, inode: 2, size: 3, modified: (1_000, 5), changed: (1_000, 5) };
        recent.add(&key, identity, &entry(Some(0), true, 1));
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        assert!(recent.find(&key, identity, at(1_001)).is_some());
        assert!(recent.find(&key, identity, at(1_600)).is_some());
        assert!(recent.find(&key, identity, at(1_601)).is_none());
        assert!(recent.find(&key, identity, at(999)).is_none(), "used in the future");
        assert!(recent.find(&key, Identity { inode: 3, ..identity }, at(1_001)).is_none());
        recent.forget(&key);
        assert!(recent.find(&key, identity, at(1_001)).is_none());
    }
}
