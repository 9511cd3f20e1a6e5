//! Entries that were found lately, so that they need not be opened again.
//!
//! The file `recent` is [sealed](super::sealed). For each entry it has the key, the identity of the entry's file, the
//! exit code, the number of payloads, and for each payload its digest, length and rights; a flag says whether the first
//! one is the output. An entry that something is to be taken out of the cache for counts only if its file is still the one
//! that it was; where everything that an operation wrote is in its place, what is here says so as well as that file.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use buildbook_atomic_swap::replace_file;
use buildbook_fsio::{Durability, create_folders, read_file};

use super::sealed::{Body, Sealed};
use super::{Blob, Cache, Entry};
use crate::Result;
use crate::contents::hold;
use crate::digest::Digest;
use crate::identity::{IDENTITY_BYTES, Identity};
use crate::key::Key;
use crate::mix::Table;

const FORMAT: &[u8; 8] = b"bbrecnt1";
/// How many entries are remembered.
const LIMIT: usize = 1 << 16;
const LIMIT_BYTES: u64 = 256 << 20;
const BLOB_BYTES: usize = 32 + 8 + 4;
/// Most records have no more: one file, and no output.
const USUAL_BYTES: usize = 32 + IDENTITY_BYTES + 2 + 4 + 8 + BLOB_BYTES;
/// A use that is so much later than the last one that was noted is noted, and not sooner: noting it means writing.
const PRECISION: Duration = Duration::from_secs(600);

/// Entries that were found lately.
#[derive(Debug, Default)]
pub(super) struct Recent {
    entries: Mutex<Entries>,
    is_new: AtomicBool,
}

#[derive(Debug, Default)]
struct Entries {
    /// By this build.
    found: Table<Key, Remembered>,
    /// By earlier ones.
    recalled: Recalled,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Remembered {
    /// That of the entry's file.
    identity: Identity,
    entry: Entry,
}

/// What earlier builds found, as it lies in the file. A record is taken apart when it is asked for.
#[derive(Debug, Default)]
struct Recalled {
    bytes: Vec<u8>,
    index: Table<Key, Record>,
}

#[derive(Debug, Clone, Copy)]
struct Record {
    start: u32,
    /// Whether this build asked for it.
    is_used: bool,
}

impl Recalled {
    /// What is in a file; `None` when that is damaged.
    fn open(bytes: Vec<u8>) -> Option<Recalled> {
        let mut body = Body::open(FORMAT, &bytes)?;
        let end = FORMAT.len() + body.rest().len();
        let room = body.rest().len() / USUAL_BYTES;
        let mut index = Table::with_capacity_and_hasher(room, Default::default());
        while !body.is_empty() {
            let start = u32::try_from(end - body.rest().len()).ok()?;
            index.insert(skip(&mut body)?, Record { start, is_used: false });
        }
        Some(Recalled { bytes, index })
    }

    fn find(&mut self, key: &Key) -> Option<Remembered> {
        let record = self.index.get_mut(key)?;
        record.is_used = true;
        let body = self.bytes.get(record.start as usize..)?;
        take(&mut Body::of(body)).map(|(_, remembered)| remembered)
    }

    /// All there is, and whether it was asked for.
    fn records(&self) -> impl Iterator<Item = (Key, Remembered, bool)> {
        self.index.values().filter_map(|record| {
            let (key, remembered) = take(&mut Body::of(self.bytes.get(record.start as usize..)?))?;
            Some((key, remembered, record.is_used))
        })
    }
}

impl Recent {
    /// An entry, with the identity that its file had, if it is known and its use need not be noted.
    pub(super) fn find(&self, key: &Key, now: SystemTime) -> Option<(Identity, Entry)> {
        let mut entries = hold(&self.entries);
        let found = entries.found.get(key).cloned();
        let Remembered { identity, entry } = found.or_else(|| entries.recalled.find(key))?;
        drop(entries);
        let used = u64::try_from(identity.modified.0).ok()?;
        let used = UNIX_EPOCH.checked_add(Duration::from_secs(used))?;
        (now.duration_since(used).ok()? <= PRECISION).then_some((identity, entry))
    }

    /// Remembers an entry that was found, if there is room: more than the file takes would be kept for nothing.
    pub(super) fn add(&self, key: &Key, identity: Identity, entry: &Entry) {
        let mut entries = hold(&self.entries);
        if entries.found.len() < LIMIT || entries.found.contains_key(key) {
            entries.found.insert(*key, Remembered { identity, entry: entry.clone() });
            self.is_new.store(true, Ordering::Relaxed);
        }
    }

    /// Whether there is something to be left to later builds since this was last asked.
    pub(super) fn take_new(&self) -> bool {
        self.is_new.swap(false, Ordering::Relaxed)
    }

    /// Says that what was there to be left to later builds could not be left.
    pub(super) fn give_back_new(&self) {
        self.is_new.store(true, Ordering::Relaxed);
    }

    pub(super) fn forget(&self, key: &Key) {
        let mut entries = hold(&self.entries);
        entries.found.remove(key);
        entries.recalled.index.remove(key);
    }

    /// All that is known; first what this build asked for.
    fn list(&self) -> Vec<(Key, Remembered)> {
        let entries = hold(&self.entries);
        let found = entries.found.iter().map(|(key, remembered)| (*key, remembered.clone(), true));
        let recalled = entries.recalled.records().filter(|(key, ..)| !entries.found.contains_key(key));
        let mut all: Vec<(Key, Remembered, bool)> = found.chain(recalled).collect();
        drop(entries);
        all.sort_by_key(|(key, _, is_used)| (!is_used, *key));
        all.into_iter().map(|(key, remembered, _)| (key, remembered)).collect()
    }
}

impl Cache {
    /// Takes over what earlier builds found.
    pub(super) fn recall_recent(&self) {
        let recalled = self.read_recent();
        hold(&self.recent.entries).recalled = recalled;
    }

    /// Leaves what this build found to later ones, with what others left meanwhile behind it.
    pub(super) fn remember_recent(&self) -> Result<()> {
        create_folders(&self.folder)?;
        let lock = self.lock_remembered()?;
        let mut records = self.recent.list();
        let own: HashSet<Key> = records.iter().map(|(key, _)| *key).collect();
        let left = self.read_recent();
        let others = left.records().filter(|(key, ..)| !own.contains(key));
        records.extend(others.map(|(key, remembered, _)| (key, remembered)));
        records.truncate(LIMIT);
        replace_file(&self.recent_path(), &print(&records), Durability::Cached)?;
        lock.release();
        Ok(())
    }

    fn read_recent(&self) -> Recalled {
        let bytes = read_file(&self.recent_path(), LIMIT_BYTES).ok().flatten();
        bytes.and_then(Recalled::open).unwrap_or_default()
    }

    fn recent_path(&self) -> PathBuf {
        self.folder.join("recent")
    }
}

fn print(records: &[(Key, Remembered)]) -> Vec<u8> {
    let mut sealed = Sealed::new(FORMAT, 0);
    for (key, Remembered { identity, entry }) in records {
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

/// Takes a record apart.
fn take(body: &mut Body<'_>) -> Option<(Key, Remembered)> {
    let key = Key::from(Digest::from_bytes(*body.take()?));
    let identity = Identity::from_bytes(body.take()?);
    let [has_exit, has_output] = *body.take()?;
    let exit = i32::from_le_bytes(*body.take()?);
    let writes = u64::from_le_bytes(*body.take()?);
    let output = if has_output == 1 { Some(blob(body)?) } else { None };
    let writes = (0..writes).map(|_| blob(body)).collect::<Option<Vec<Blob>>>()?;
    Some((
        key,
        Remembered { identity, entry: Entry { exit: (has_exit == 1).then_some(exit), output, writes } },
    ))
}

/// Passes over a record.
fn skip(body: &mut Body<'_>) -> Option<Key> {
    let key = Key::from(Digest::from_bytes(*body.take()?));
    body.take::<IDENTITY_BYTES>()?;
    let [_, has_output] = *body.take()?;
    body.take::<4>()?;
    let writes = u64::from_le_bytes(*body.take()?);
    for _ in 0..writes.checked_add(u64::from(has_output == 1))? {
        body.take::<BLOB_BYTES>()?;
    }
    Some(key)
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
        let mut records: Vec<(Key, Remembered)> = Vec::new();
        for (number, entry) in entries.into_iter().enumerate() {
            let key = Key::from(Digest::of(&[number.to_le_bytes()[0]]));
            records.push((key, Remembered { identity, entry }));
        }
        let bytes = print(&records);
        let mut recalled = Recalled::open(bytes.clone()).unwrap();
        for (key, remembered) in records.iter().rev() {
            assert_eq!(recalled.find(key).as_ref(), Some(remembered));
        }
        assert_eq!(recalled.find(&Key::from(Digest::of(b"other"))), None);
        let mut read: Vec<_> = recalled.records().map(|(key, remembered, _)| (key, remembered)).collect();
        read.sort_by_key(|(key, _)| *key);
        records.sort_by_key(|(key, _)| *key);
        assert_eq!(read, records);
        for length in 0..bytes.len() - 32 {
            // Sealed as it is, but too short for what it says.
            let mut sealed = Sealed::new(FORMAT, 0);
            sealed.add(&bytes[FORMAT.len()..length.max(FORMAT.len())]);
            let records = Recalled::open(sealed.finish()).map(|recalled| recalled.records().count());
            assert!(records.is_none_or(|count| count < 3), "{length} bytes");
        }
    }

    #[test]
    fn what_was_asked_for_comes_first_and_what_was_forgotten_is_gone() {
        let key = |name: &[u8]| Key::from(Digest::of(name));
        let identity = Identity { device: 1, inode: 2, size: 3, modified: (1_000, 5), changed: (1_000, 5) };
        let remembered = Remembered { identity, entry: entry(Some(0), false, 1) };
        let mut names: Vec<Key> = (0..8_u8).map(|name| key(&[name])).collect();
        names.sort();
        let records: Vec<_> = names.iter().map(|name| (*name, remembered.clone())).collect();
        let recent = Recent::default();
        hold(&recent.entries).recalled = Recalled::open(print(&records)).unwrap();
        let now = UNIX_EPOCH + Duration::from_secs(1_001);
        assert!(recent.find(&names[5], now).is_some());
        recent.add(&names[3], identity, &remembered.entry);
        recent.forget(&names[0]);
        let listed: Vec<Key> = recent.list().into_iter().map(|(key, _)| key).collect();
        assert_eq!(listed, [3, 5, 1, 2, 4, 6, 7].map(|place: usize| names[place]));
    }

    #[test]
    fn no_more_is_remembered_than_the_file_takes() {
        let recent = Recent::default();
        let key = |number: usize| Key::from(Digest::of(&number.to_le_bytes()));
        let identity = Identity { device: 1, inode: 2, size: 3, modified: (1_000, 5), changed: (1_000, 5) };
        let (entry, later) = (entry(Some(0), false, 0), Identity { modified: (1_100, 0), ..identity });
        (0..=LIMIT).for_each(|number| recent.add(&key(number), identity, &entry));
        assert_eq!(hold(&recent.entries).found.len(), LIMIT);
        recent.add(&key(0), later, &entry);
        let now = UNIX_EPOCH + Duration::from_secs(1_101);
        assert_eq!(recent.find(&key(0), now), Some((later, entry)), "what is there is kept up");
        assert_eq!(recent.find(&key(LIMIT), now), None);
    }

    #[test]
    fn an_entry_is_known_while_its_use_was_noted_lately() {
        let (recent, key) = (Recent::default(), Key::from(Digest::of(b"key")));
        let identity = Identity { device: 1, inode: 2, size: 3, modified: (1_000, 5), changed: (1_000, 5) };
        let entry = entry(Some(0), true, 1);
        recent.add(&key, identity, &entry);
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(recent.find(&key, at(1_001)), Some((identity, entry)));
        assert!(recent.find(&key, at(1_600)).is_some());
        assert!(recent.find(&key, at(1_601)).is_none());
        assert!(recent.find(&key, at(999)).is_none(), "used in the future");
        assert!(recent.find(&Key::from(Digest::of(b"other")), at(1_001)).is_none());
        recent.forget(&key);
        assert!(recent.find(&key, at(1_001)).is_none());
    }
}
