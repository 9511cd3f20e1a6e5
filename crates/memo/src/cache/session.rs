//! The staging area of a build that is at work.
//!
//! `running/<session>/lock` is held as long as the build lives. Beside it are files that are on their way to their
//! places, and one file for the output of each process that runs. That one is locked as well, and the process
//! inherits the lock with the open file: it stays locked as long as anything of the process is alive, also when the
//! build was killed.
//!
//! A build that finds the area of a dead one kills the processes that it left, and waits until they are gone: they
//! could write to files that are made anew meanwhile. It knows them by the open file.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use buildbook_fsio::{Lock, Taken, op, read_file, remove_tree};

use crate::process_group;
use crate::{Error, Result};

const LOCK: &str = "lock";
const OUTPUT: &str = "output-";
/// How long to wait for processes that were killed before looking whether they have started others meanwhile.
const PATIENCE: Duration = Duration::from_millis(100);

static SESSIONS: AtomicU64 = AtomicU64::new(0);

/// A staging area.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    _alive: Lock,
    files: AtomicU64,
}

/// A file on its way to its place. It is removed if it does not get there.
#[derive(Debug)]
pub(crate) struct Staged {
    path: PathBuf,
    file: File,
    is_kept: AtomicBool,
}

/// A file that takes a process's output.
#[derive(Debug)]
pub(crate) struct Capture {
    lock: Option<Lock>,
}

impl Session {
    pub(crate) fn start(running: &Path) -> Result<Session> {
        loop {
            let number = SESSIONS.fetch_add(1, Ordering::Relaxed);
            let folder = running.join(format!("{}-{number}", std::process::id()));
            match op::create_folder(&folder) {
                // Another one of this process's number, perhaps from before the machine was started anew.
                Err(error) if error.kind() == Some(std::io::ErrorKind::AlreadyExists) => continue,
                other => other?,
            }
            // Whoever cleans up may be quicker, and removes the folder: it is nobody's yet.
            match Lock::try_acquire(&folder.join(LOCK)) {
                Ok(Some(alive)) => {
                    let inner = Inner { folder, _alive: alive, files: AtomicU64::new(0) };
                    return Ok(Session { inner: Arc::new(inner) });
                }
                Ok(None) => {}
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Makes a file that nobody else knows of.
    pub(crate) fn stage(&self) -> Result<Staged> {
        let path = self.next("staged-");
        let file = op::create_new(&path)?;
        Ok(Staged { path, file, is_kept: AtomicBool::new(false) })
    }

    /// Makes a file for the output of a process.
    pub(crate) fn capture(&self) -> Result<Capture> {
        Ok(Capture { lock: Some(Lock::acquire(&self.next(OUTPUT))?) })
    }

    /// Removes the area. Nothing may be running.
    pub(crate) fn end(self) -> Result<()> {
        Ok(remove_tree(&self.inner.folder)?)
    }

    fn next(&self, prefix: &str) -> PathBuf {
        let number = self.inner.files.fetch_add(1, Ordering::Relaxed);
        self.inner.folder.join(format!("{prefix}{number}"))
    }
}

impl Staged {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Says that it got to its place.
    pub(crate) fn keep(&self) {
        self.is_kept.store(true, Ordering::Relaxed);
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.is_kept.load(Ordering::Relaxed) {
            // It goes with its folder otherwise.
            let _ = op::unlink(&self.path);
        }
    }
}

impl Capture {
    /// The open file, locked, to be handed to a process.
    pub(crate) fn for_process(&self) -> Result<File> {
        let (path, lock) = self.parts();
        lock.file().try_clone().map_err(Error::io("open", path))
    }

    /// What was printed.
    pub(crate) fn read(&self) -> Result<Vec<u8>> {
        Ok(read_file(self.parts().0, u64::MAX)?.unwrap_or_default())
    }

    fn parts(&self) -> (&Path, &Lock) {
        let lock = self.lock.as_ref().expect("only dropping takes it");
        (lock.path(), lock)
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        // It goes with its folder otherwise.
        let _ = self.lock.take().map(Lock::remove);
    }
}

/// Ends what dead builds left running, and removes their areas. One build does that at a time; the others wait, so
/// that they do not start before it is done.
pub(crate) fn clean(running: &Path) -> Result<()> {
    if std::fs::read_dir(running).is_ok_and(|mut sessions| sessions.next().is_none()) {
        return Ok(());
    }
    let cleaning = Lock::acquire(&running.with_extension("lock"))?;
    for entry in std::fs::read_dir(running).map_err(Error::io("read the folder", running))? {
        let folder = entry.map_err(Error::io("read the folder", running))?.path();
        match Lock::try_acquire(&folder.join(LOCK)) {
            Ok(Some(dead)) => {
                end_processes(&folder)?;
                remove_tree(&folder)?;
                drop(dead);
            }
            // It is alive.
            Ok(None) => {}
            // It has just ended.
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error.into()),
        }
    }
    cleaning.release();
    Ok(())
}

/// Kills the processes of a dead build, and waits until nothing of them is left that could write.
fn end_processes(folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder).map_err(Error::io("read the folder", folder))? {
        let path = entry.map_err(Error::io("read the folder", folder))?.path();
        let is_output =
            path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(OUTPUT.as_bytes()));
        if !is_output {
            continue;
        }
        while !matches!(Lock::try_acquire_existing(&path)?, Taken::Acquired(_) | Taken::Missing) {
            process_group::kill_holders(&path);
            drop(Lock::acquire_within(&path, PATIENCE)?);
        }
    }
    Ok(())
}
