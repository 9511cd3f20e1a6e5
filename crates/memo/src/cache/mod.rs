//! The cache: what operations gave, by their keys.
//!
//! ```text
//! <cache>/entries/<2 hex>/<64 hex>   what an operation gave: one line of JSON, and the line's SHA-256
//! <cache>/objects/<2 hex>/<64 hex>   a payload; the name is the SHA-256 of what is in it
//! <cache>/running/<session>/         staging area of a build that is at work; see `session`
//! <cache>/known                      digests of files, by their identities; see `known`
//! <cache>/recent                     entries that were found lately; see `recent`
//! <cache>/known.lock                 held while one of these two is written
//! <cache>/running.lock               held while a build looks for what killed ones have left
//! <cache>/trim.lock                  held while a trim is at work
//! ```
//!
//! Objects and entries appear by renaming and are never changed. An entry's objects are there before the entry is;
//! where they are not, because of a trim or of damage, the entry counts for nothing and is dropped. An entry's
//! modification time says when it was used, to ten minutes.

mod entry;
mod known;
mod objects;
mod place;
mod recent;
mod sealed;
mod session;

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use buildbook_atomic_swap::recover;
use buildbook_fsio::{Durability, Lock, create_folders, op, open_file, sync_folder};

use crate::contents::{KnownFiles, hold};
use crate::digest::Digest;
use crate::identity::Identity;
use crate::key::Key;
use crate::settings::{Clock, Settings};
use crate::{Error, Result};
use session::{Session, Staged};

pub(crate) use entry::{Blob, Entry, Parsed, payloads};
pub(crate) use known::Recalled;
pub(crate) use place::{Restored, is_there};
pub(crate) use session::Capture;

/// An entry is a line for each output; this is room for a hundred thousand of them.
pub(crate) const ENTRY_LIMIT_BYTES: u64 = 32 << 20;

/// How long to wait for others that write what is remembered. That takes them less, and what is given up is only speed,
/// while somebody waits for the end of the build.
const PATIENCE: Duration = Duration::from_secs(2);

/// Most entries fit.
const USUAL_ENTRY_BYTES: usize = 1 << 10;

/// A cache folder.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
    durability: Durability,
    clock: Clock,
    session: Mutex<Option<Session>>,
    is_clean: OnceLock<Result<()>>,
    recent: recent::Recent,
}

/// An answer of the cache.
pub(crate) enum Found {
    /// What the operation gave.
    Entry(Entry),
    /// Nothing.
    Nothing,
    /// Something that is not what was put there. It was dropped.
    Damaged(PathBuf),
}

impl Cache {
    pub(crate) fn new(settings: &Settings) -> Cache {
        let folder = settings.cwd.join(&settings.cache);
        Cache {
            folder,
            durability: settings.durability,
            clock: settings.clock,
            session: Mutex::default(),
            is_clean: OnceLock::new(),
            recent: recent::Recent::default(),
        }
    }

    /// Makes a file that nobody else knows of.
    fn stage(&self) -> Result<Staged> {
        self.in_session(Session::stage)
    }

    /// Makes a file for the output of a process.
    pub(crate) fn capture(&self) -> Result<Capture> {
        self.in_session(Session::capture)
    }

    /// Makes something in the staging area. A long build may find that somebody has removed that; it gets another one
    /// then.
    fn in_session<T>(&self, make: impl Fn(&Session) -> Result<T>) -> Result<T> {
        let session = self.session()?;
        match make(&session) {
            Err(error) if error.is_not_found() => {
                // Another thread may have found it out before.
                hold(&self.session).take_if(|current| current.is_same(&session));
                make(&self.session()?)
            }
            other => other,
        }
    }

    /// The staging area, which the first call makes.
    fn session(&self) -> Result<Session> {
        self.clean()?;
        let mut session: MutexGuard<'_, Option<Session>> = hold(&self.session);
        if let Some(session) = &*session {
            return Ok(session.clone());
        }
        create_folders(&self.running())?;
        Ok(session.insert(Session::start(&self.running())?).clone())
    }

    /// Ends what killed builds have left running, if there is anything. This happens once; when it fails, nothing can be
    /// made by this build.
    pub(crate) fn clean(&self) -> Result<()> {
        let clean = self.is_clean.get_or_init(|| {
            // What a build has left that died while it replaced `known` is in nobody's way.
            let _ = recover(&self.folder);
            let running = self.running();
            if running.is_dir() { session::clean(&running) } else { Ok(()) }
        });
        clean.clone()
    }

    /// The folder of the staging areas, by the name that the system has for it: processes are found by it.
    fn running(&self) -> PathBuf {
        let running = self.folder.join("running");
        running.canonicalize().unwrap_or(running)
    }

    /// Ends the staging area.
    pub(crate) fn end_session(&self) -> Result<()> {
        hold(&self.session).take().map_or(Ok(()), |session| session.end())
    }

    /// Takes over what earlier builds left: what they found here, and digests of files, which it returns.
    pub(crate) fn recall(&self) -> Recalled {
        self.recall_recent();
        self.recall_known()
    }

    /// Leaves what this build found to later ones, and the digests that it knows, each if there is something new. One is of
    /// use without the other, and what fails can be tried again.
    pub(crate) fn remember(&self, known: &KnownFiles) -> Result<()> {
        let mut result = Ok(());
        if known.take_learned() {
            result = self.remember_known(known.list()).inspect_err(|_| known.give_back_learned());
        }
        if self.recent.take_new() {
            result = result.and(self.remember_recent().inspect_err(|_| self.recent.give_back_new()));
        }
        result
    }

    /// Locks the files of what is remembered.
    fn lock_remembered(&self) -> Result<Lock> {
        let path = self.folder.join("known.lock");
        Lock::acquire_within(&path, PATIENCE)?.ok_or(Error::NotRemembered { path })
    }

    /// What an operation with this key gave, if that was found lately. That says what files it should have written; whoever
    /// takes something out of the cache for it asks [`Cache::find`], which looks whether it is still there.
    pub(crate) fn recollect(&self, key: &Key) -> Option<Entry> {
        self.recent.find(key, (self.clock)()).map(|(_, entry)| entry)
    }

    /// What an operation with this key gave, if that is known. Its use is noted, unless that was done lately.
    pub(crate) fn find(&self, key: &Key) -> Result<Found> {
        let path = self.entry_path(key);
        let now = (self.clock)();
        if let Some((identity, entry)) = self.recent.find(key, now)
            && let Ok(metadata) = std::fs::symlink_metadata(&path)
            && Identity::of(&metadata) == identity
        {
            return Ok(Found::Entry(entry));
        }
        let Some((file, bytes)) = read_entry(&path)? else { return Ok(Found::Nothing) };
        let entry = match Entry::parse(&bytes, key) {
            Parsed::Whole(entry) => entry,
            Parsed::OtherVersion => return Ok(Found::Nothing),
            Parsed::Damaged => {
                self.drop_entry(key)?;
                return Ok(Found::Damaged(path));
            }
        };
        // A cache that may not be written to serves as well; a trim does not know about its uses then.
        let _ = file.set_modified(now);
        if let Ok(metadata) = file.metadata() {
            self.recent.add(key, Identity::of(&metadata), &entry);
        }
        Ok(Found::Entry(entry))
    }

    /// Enters what an operation gave. Its payloads are in the cache already. An entry of another version stays as it is,
    /// also one that came while the operation ran, or that nobody looked for before.
    pub(crate) fn enter(&self, key: &Key, entry: &Entry) -> Result<()> {
        let path = self.entry_path(key);
        // What cannot be read is no entry of any version, and gives way as one that is damaged does.
        if let Ok(Some((_, bytes))) = read_entry(&path)
            && Entry::parse(&bytes, key) == Parsed::OtherVersion
        {
            return Ok(());
        }
        let text = entry.print(key);
        let staged = self.stage()?;
        op::write_all(staged.file(), staged.path(), text.as_bytes())?;
        self.settle(&staged, &path)
    }

    /// Removes an entry. The next operation with its key runs.
    pub(crate) fn drop_entry(&self, key: &Key) -> Result<()> {
        self.recent.forget(key);
        fine_if_gone(op::unlink(&self.entry_path(key)))
    }

    /// Gives a staged file its name in the cache.
    fn settle(&self, staged: &session::Staged, path: &Path) -> Result<()> {
        if self.durability == Durability::Synced {
            op::sync_file(staged.file(), staged.path())?;
        }
        match op::rename(staged.path(), path) {
            Err(error) if error.is_not_found() => {
                let folder = path.parent().unwrap_or(&self.folder);
                create_folders(folder)?;
                if self.durability == Durability::Synced {
                    sync_folder(folder.parent().unwrap_or(&self.folder))?;
                }
                op::rename(staged.path(), path)?;
            }
            other => other?,
        }
        staged.keep();
        Ok(())
    }

    fn entry_path(&self, key: &Key) -> PathBuf {
        fan_out(&self.folder.join("entries"), &key.digest())
    }

    fn object_path(&self, digest: &Digest) -> PathBuf {
        fan_out(&self.folder.join("objects"), digest)
    }

    /// Opens an object; `None` when it is not there.
    fn open_object(&self, digest: &Digest) -> Result<Option<(PathBuf, File)>> {
        let path = self.object_path(digest);
        Ok(open_file(&path)?.map(|file| (path, file)))
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        // What stays is removed by the next session.
        let _ = self.end_session();
    }
}

/// Opens an entry and reads it; `None` when it is not there.
fn read_entry(path: &Path) -> Result<Option<(File, Vec<u8>)>> {
    let Some(file) = open_file(path)? else { return Ok(None) };
    let mut bytes = Vec::with_capacity(USUAL_ENTRY_BYTES);
    (&file).take(ENTRY_LIMIT_BYTES).read_to_end(&mut bytes).map_err(Error::io("read", path))?;
    Ok(Some((file, bytes)))
}

/// Spreads files over 256 folders.
fn fan_out(folder: &Path, digest: &Digest) -> PathBuf {
    let name = digest.to_string();
    folder.join(name.get(..2).unwrap_or_default()).join(name)
}

fn fine_if_gone(result: buildbook_fsio::Result<()>) -> Result<()> {
    match result {
        Err(error) if error.is_not_found() => Ok(()),
        other => other.map_err(Error::from),
    }
}
