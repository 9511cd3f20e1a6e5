//! The staging area of a build that is at work.
//!
//! `running/<session>/lock` is held as long as the build lives. Beside it are files that are on their way to their
//! places, and one file for the output of each process that runs. That one is locked as well, and the process
//! inherits the lock with the open file: it stays locked as long as anything of the process is alive, also when the
//! build was killed.
//!
//! The lock alone does not tell whether the build is alive: a process that was about to run its program when the build
//! was killed has it as well, for a moment. So the lock's file says who the build is.
//!
//! A build that finds the area of a dead one kills the processes that it left, and waits until they are gone: they
//! could write to files that are made anew meanwhile. It knows them by the open file.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use buildbook_fsio::{Lock, op, read_file, read_note, remove_tree};

use crate::process_group::{self, Trace};
use crate::{Error, Result};

const LOCK: &str = "lock";
const OUTPUT: &str = "output-";
const NOTE_LIMIT_BYTES: u64 = 1 << 10;
/// How long to wait for processes that were killed before looking whether they have started others meanwhile.
const PATIENCE: Duration = Duration::from_millis(100);
/// How often. Processes of somebody else, or that this process cannot see, are not killed by it.
const ATTEMPTS: u32 = 100;

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
                    if let Some(own) = Trace::own() {
                        alive.write_note(own.print().as_bytes())?;
                    }
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

    /// Whether both stand for one area.
    pub(crate) fn is_same(&self, other: &Session) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
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

    /// What was printed. If somebody has removed the file meanwhile, that is not known.
    pub(crate) fn read(&self) -> Result<Vec<u8>> {
        let (path, _) = self.parts();
        read_file(path, u64::MAX)?
            .ok_or_else(|| Error::io("read", path)(std::io::Error::from(std::io::ErrorKind::NotFound)))
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
        match take_dead(&folder) {
            Ok(Some((dead, trace))) => {
                end_processes(&folder, trace.as_ref())?;
                remove_tree(&folder)?;
                drop(dead);
            }
            Ok(None) => {}
            // It has just ended.
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
    }
    cleaning.release();
    Ok(())
}

/// Takes the lock of a dead build, with what is known of that; `None` when it is alive.
fn take_dead(folder: &Path) -> Result<Option<(Lock, Option<Trace>)>> {
    let path = folder.join(LOCK);
    let trace = || -> Result<Option<Trace>> {
        let note = read_note(&path, NOTE_LIMIT_BYTES)?.unwrap_or_default();
        Ok(Trace::parse(&String::from_utf8_lossy(&note)))
    };
    if let Some(lock) = Lock::try_acquire(&path)? {
        return Ok(Some((lock, trace()?)));
    }
    // Without a note, it has started nothing yet.
    let Some(trace) = trace()?.filter(Trace::is_dead) else { return Ok(None) };
    let lock = kill_and_take(&path, folder, Some(&trace))?;
    Ok(Some((lock, Some(trace))))
}

/// Kills the processes of a dead build, and waits until nothing of them is left that could write.
fn end_processes(folder: &Path, trace: Option<&Trace>) -> Result<()> {
    for entry in std::fs::read_dir(folder).map_err(Error::io("read the folder", folder))? {
        let path = entry.map_err(Error::io("read the folder", folder))?.path();
        let is_output =
            path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(OUTPUT.as_bytes()));
        if is_output {
            kill_and_take(&path, folder, trace)?.release();
        }
    }
    Ok(())
}

/// Kills the processes that have inherited a lock, until it is free.
fn kill_and_take(path: &Path, folder: &Path, trace: Option<&Trace>) -> Result<Lock> {
    for _ in 0..ATTEMPTS {
        if let Some(lock) = Lock::try_acquire(path)? {
            return Ok(lock);
        }
        process_group::kill_holders(path, trace.map(|trace| trace.group));
        if let Some(lock) = Lock::acquire_within(path, PATIENCE)? {
            return Ok(lock);
        }
    }
    Err(Error::LeftRunning { folder: folder.to_owned() })
}
