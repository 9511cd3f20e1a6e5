//! What files contain: their digests, each computed once as long as the file is the same.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use buildbook_guard::FileId;
use nix::fcntl::OFlag;

use crate::cache::Recalled;
use crate::digest::Digest;
use crate::identity::Identity;
use crate::look::{Home, Look};
use crate::mix::Table;
use crate::settings::Clock;
use crate::used::{Named, Used, UsedFiles};
use crate::{Error, Result};

/// How often a file is read again that changes while it is being read.
const ATTEMPTS: usize = 5;

/// How many files are enough to be worth a thread.
const SHARE: usize = 1_000;

/// What a file contained when it was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) digest: Digest,
    pub(crate) mode: u32,
    pub(crate) identity: Identity,
}

/// Digests of files that were not fresh when they were read. This is what survives the build.
#[derive(Debug, Default)]
struct Known {
    learned: Table<Identity, Digest>,
    recalled: Recalled,
}

impl Known {
    fn find(&mut self, identity: &Identity) -> Option<Digest> {
        let learned = self.learned.get(identity).copied();
        learned.or_else(|| self.recalled.find(identity))
    }
}

/// What is known of files, whoever asks: several builds may share it.
#[derive(Debug, Default)]
pub(crate) struct KnownFiles {
    files: Mutex<Known>,
    /// Whether what earlier builds knew was taken over.
    is_started: OnceLock<()>,
    /// Whether something is known that earlier builds did not know.
    is_learned: AtomicBool,
}

impl KnownFiles {
    /// Takes over what earlier builds knew, the first time that it is called.
    pub(crate) fn start_with(&self, recall: impl FnOnce() -> Recalled) {
        self.is_started.get_or_init(|| {
            let recalled = recall();
            hold(&self.files).recalled = recalled;
        });
    }

    /// Whether there is something to be left to later builds since this was last asked.
    pub(crate) fn take_learned(&self) -> bool {
        self.is_learned.swap(false, Ordering::Relaxed)
    }

    /// Says that what was there to be left to later builds could not be left.
    pub(crate) fn give_back_learned(&self) {
        self.is_learned.store(true, Ordering::Relaxed);
    }

    /// All that is known; first what was asked for.
    pub(crate) fn list(&self) -> Vec<(Identity, Digest)> {
        let known = hold(&self.files);
        let recalled =
            known.recalled.records().filter(|(identity, ..)| !known.learned.contains_key(identity));
        let learned = known.learned.iter().map(|(identity, digest)| (*identity, *digest, true));
        let mut all: Vec<(Identity, Digest, bool)> = learned.chain(recalled).collect();
        drop(known);
        all.sort_by_key(|(identity, _, is_used)| (!is_used, *identity));
        all.into_iter().map(|(identity, digest, _)| (identity, digest)).collect()
    }
}

/// The digests of files.
#[derive(Debug)]
pub(crate) struct Contents {
    clock: Clock,
    home: Home,
    known: Arc<KnownFiles>,
    /// What operations of this build have used: as long as a build runs, a file has one content.
    used: Mutex<UsedFiles>,
}

impl Contents {
    pub(crate) fn new(clock: Clock, home: PathBuf, known: Arc<KnownFiles>) -> Contents {
        Contents { clock, home: Home::new(home), known, used: Mutex::default() }
    }

    /// What a file contains now. Links are followed.
    pub(crate) fn of(&self, path: &Path) -> Result<Content> {
        let metadata = std::fs::metadata(path).map_err(Error::io("look at", path))?;
        if let Some(content) = self.remembered(&Look::from(&metadata)) {
            return Ok(content);
        }
        let (content, ()) = self.read(path, |file| Ok((Digest::of_reader(file)?.0, ())))?;
        Ok(content)
    }

    /// What a file contains now, and that itself.
    pub(crate) fn bytes_of(&self, path: &Path) -> Result<(Content, Vec<u8>)> {
        self.read(path, |mut file| {
            let mut bytes = Vec::new();
            io::Read::read_to_end(&mut file, &mut bytes)?;
            Ok((Digest::of(&bytes), bytes))
        })
    }

    /// As [`Contents::of`], for a file that an operation uses. As long as a build runs, a file has one content, so that
    /// a file which was used before is not looked at again: whoever gives something to the cache asks
    /// [`Contents::is_still`] before, and the end of the build asks [`Contents::changed`].
    pub(crate) fn use_of(&self, file: FileId, path: &Path) -> Result<Content> {
        let used = hold(&self.used).rely_on(file);
        used.map_or_else(|| self.first_use_of(file, path), Ok)
    }

    /// As [`Contents::use_of`], for several files.
    pub(crate) fn uses_of(&self, files: &[Named]) -> impl Iterator<Item = Result<Content>> {
        let mut used = hold(&self.used);
        let known: Vec<Option<Content>> = files.iter().map(|file| used.rely_on(file.id)).collect();
        drop(used);
        let known = known.into_iter().zip(files);
        known.map(|(known, file)| known.map_or_else(|| self.first_use_of(file.id, &file.path), Ok))
    }

    fn first_use_of(&self, file: FileId, path: &Path) -> Result<Content> {
        let seen = self.home.look(path).ok().and_then(|look| self.remembered(&look));
        let content = seen.map_or_else(|| self.of(path), Ok)?;
        self.note(file, path, content, false)?;
        Ok(content)
    }

    /// Notes that an operation has made or read this content of a file.
    pub(crate) fn note_use(&self, file: &Named, content: Content) -> Result<()> {
        self.note(file.id, &file.path, content, true)
    }

    /// Notes that a file has this content now. Nothing was made from it so far.
    pub(crate) fn note_sight(&self, file: &Named, content: Content) -> Result<()> {
        self.note(file.id, &file.path, content, false)
    }

    /// If another content was noted before, both cannot be right.
    fn note(&self, file: FileId, path: &Path, content: Content, is_relied_on: bool) -> Result<()> {
        let mut used = hold(&self.used);
        match used.get_mut(file) {
            None => {
                used.insert(Used { content, file, is_relied_on });
                Ok(())
            }
            Some(before)
                if (before.content.digest, before.content.mode) == (content.digest, content.mode) =>
            {
                *before = Used { content, file, is_relied_on: before.is_relied_on || is_relied_on };
                Ok(())
            }
            Some(_) => Err(Error::ReadsChanged { paths: vec![path.to_owned()] }),
        }
    }

    /// Those of the files that the build relied on which are not any more what they were. So many threads look. What was
    /// seen once, when an operation was revived, is not among them: that it changed since says nothing about what was
    /// seen. The folder of the build is, if another one was put in its place.
    pub(crate) fn changed(&self, threads: usize, path_of: impl Fn(FileId) -> PathBuf) -> Vec<PathBuf> {
        let used: Vec<(PathBuf, Content)> = hold(&self.used)
            .iter()
            .filter(|used| used.is_relied_on)
            .map(|used| (path_of(used.file), used.content))
            .collect();
        let share = used.len().div_ceil(threads).max(SHARE);
        let look = |(path, before): &&(PathBuf, Content)| match std::fs::metadata(path) {
            Ok(metadata) if Identity::of(&metadata) == before.identity => false,
            _ => !self.of(path).is_ok_and(|now| (now.digest, now.mode) == (before.digest, before.mode)),
        };
        let changed_of = |used: &[(PathBuf, Content)]| -> Vec<PathBuf> {
            used.iter().filter(look).map(|(path, _)| path.clone()).collect()
        };
        let mut changed: Vec<PathBuf> = std::thread::scope(|scope| {
            let mut shares = used.chunks(share);
            let own = shares.next();
            let others: Vec<_> = shares.map(|share| scope.spawn(move || changed_of(share))).collect();
            let own = own.map(changed_of).unwrap_or_default();
            let others = others.into_iter().flat_map(|thread| thread.join().unwrap_or_default());
            own.into_iter().chain(others).collect()
        });
        if self.home_was_replaced() {
            changed.push(self.home.path().to_owned());
        }
        changed.sort();
        changed
    }

    /// Whether another folder was put in the place of the build's. What was seen in the one before says nothing about
    /// the files of this one; from now on files are looked at in this one.
    pub(crate) fn home_was_replaced(&self) -> bool {
        self.home.was_replaced()
    }

    /// Whether a file still is what it was, as far as the file system tells, or else by its contents. What was
    /// written to and then put back is changed: somebody may have read it in between.
    pub(crate) fn is_still(&self, file: &Named, before: &Content) -> bool {
        hold(&self.used).rely_on(file.id);
        let now = self.of(&file.path);
        now.is_ok_and(|now| {
            now.identity.has_contents_of(&before.identity)
                && (now.digest, now.mode) == (before.digest, before.mode)
        })
    }

    /// What has the name of a file now; a link is not followed.
    pub(crate) fn look(&self, path: &Path) -> io::Result<Look> {
        self.home.look_no_further(path)
    }

    /// What a file contains that was looked at, if that is known without reading it.
    pub(crate) fn remembered(&self, look: &Look) -> Option<Content> {
        let Look { identity, mode, .. } = *look;
        let digest = hold(&self.known.files).find(&identity)?;
        Some(Content { digest, mode, identity })
    }

    /// Reads a file by a function that returns its digest. While somebody else writes to it, it is read again.
    pub(crate) fn read<T>(
        &self,
        path: &Path,
        mut read: impl FnMut(&File) -> io::Result<(Digest, T)>,
    ) -> Result<(Content, T)> {
        for _ in 0..ATTEMPTS {
            let now = (self.clock)();
            let file = open(path)?;
            let before = file.metadata().map_err(Error::io("look at", path))?;
            let (digest, result) = read(&file).map_err(Error::io("read", path))?;
            let after = file.metadata().map_err(Error::io("look at", path))?;
            let identity = Identity::of(&before);
            if identity != Identity::of(&after) {
                continue;
            }
            if !identity.is_fresh(now) {
                hold(&self.known.files).learned.insert(identity, digest);
                self.known.is_learned.store(true, Ordering::Relaxed);
            }
            let Look { mode, .. } = Look::from(&before);
            return Ok((Content { digest, mode, identity }, result));
        }
        Err(Error::ReadsChanged { paths: vec![path.to_owned()] })
    }
}

/// Opens a regular file, also through a link. A FIFO in its place does not block.
fn open(path: &Path) -> Result<File> {
    let flags = OFlag::O_NONBLOCK.bits();
    let file =
        OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(Error::io("read", path))?;
    let metadata = file.metadata().map_err(Error::io("look at", path))?;
    if metadata.is_file() {
        Ok(file)
    } else {
        Err(Error::NotAFile { operation: "read", path: path.to_owned() })
    }
}

/// Takes a lock on something that a panic leaves whole: every change is a single call.
pub(crate) fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::time::{Duration, SystemTime};

    #[expect(clippy::disallowed_methods, reason = "the time of the test is the time of its files")]
    fn contents() -> Contents {
        Contents::new(SystemTime::now, std::env::temp_dir(), Arc::default())
    }

    #[test]
    fn a_file_that_changes_while_it_is_read_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        File::create(&path).unwrap().write_all(b"old").unwrap();
        let mut reads = 0;
        let (content, _) = contents()
            .read(&path, |file| {
                let digest = Digest::of_reader(file)?.0;
                reads += 1;
                if reads == 1 {
                    File::options().append(true).open(&path)?.write_all(b" and new")?;
                }
                Ok((digest, ()))
            })
            .unwrap();
        assert_eq!((content.digest, reads), (Digest::of(b"old and new"), 2));

        let endless = contents().read(&path, |file| {
            File::options().append(true).open(&path)?.write_all(b"!")?;
            Ok((Digest::of_reader(file)?.0, ()))
        });
        assert!(matches!(endless, Err(Error::ReadsChanged { .. })));
    }

    #[test]
    fn only_what_is_not_fresh_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        File::create(&path).unwrap().write_all(b"old").unwrap();
        let contents = contents();
        contents.of(&path).unwrap();
        assert!(contents.known.list().is_empty(), "it was made just now");
        std::thread::sleep(Duration::from_millis(60));
        contents.of(&path).unwrap();
        assert_eq!(contents.known.list().len(), 1);
    }

    #[test]
    fn what_was_put_back_has_changed_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        File::create(&path).unwrap().write_all(b"one").unwrap();
        let contents = contents();
        let before = contents.of(&path).unwrap();
        let file = Named { id: buildbook_guard::Guard::<()>::new().file(&path), path: path.clone() };
        assert!(contents.is_still(&file, &before));
        let later = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
        assert!(!contents.is_still(&file, &before));
    }
}
