//! What is being built right now.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use buildbook_fsio::{LockFile, Probe, leads_nowhere};
use buildbook_layout::{LayerName, Timestamp, Universe};

use crate::name::may_be_lock;
use crate::note::Note;
use crate::{BuildLocks, Error, LockName, Problem, Result, Stage};

/// More than any note has.
const MAX_NOTE: u64 = 64 * 1024;

/// The locks that are held, sorted by the names of their files, and what could not be told.
#[derive(Debug, serde::Serialize)]
#[non_exhaustive]
pub struct Active<L = LockInfo> {
    /// The locks that are held.
    pub locks: Vec<L>,
    /// Entries that could not be looked at, and locks that are held under names that say nothing.
    pub problems: Vec<Problem>,
}

/// A lock that is held. What its file tells about the holder is only as true as the holder wrote it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct LockInfo {
    /// The name of the file.
    pub file_name: String,
    /// What is being made.
    pub stage: Stage,
    /// The name of the package or tool.
    pub package: String,
    /// Its version.
    pub version: Option<String>,
    /// The set of dependencies that it is made against.
    pub universe: Option<Universe>,
    /// The version of the compiler that a tool is made for.
    pub compiler: Option<String>,
    /// The process that says it holds the lock.
    pub pid: Option<u32>,
    /// When the build began.
    pub start_time: Option<Timestamp>,
    /// The layer that is being made.
    pub layer_name: Option<String>,
    /// Where the log grows.
    #[serde(serialize_with = "lossy_option")]
    pub temp_log_path: Option<PathBuf>,
    /// The machine of the process.
    pub host: Option<String>,
    /// The boot of that machine.
    pub boot_id: Option<String>,
    /// When the process began, in clock ticks since that boot.
    pub process_start: Option<u64>,
    /// The run that the build is part of.
    pub run: Option<String>,
    /// The process that the kernel names as the holder. It does so for holders that use `lockf`.
    pub holder_pid: Option<i32>,
}

/// A lock beside a layer that is held: somebody builds, uses or removes the layer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct LayerLockInfo {
    /// The name of the file.
    pub file_name: String,
    /// The layer.
    pub layer: LayerName,
    /// The process that says it holds the lock.
    pub pid: Option<u32>,
    /// When the build began.
    pub start_time: Option<Timestamp>,
    /// Where the log grows.
    #[serde(serialize_with = "lossy_option")]
    pub temp_log_path: Option<PathBuf>,
    /// The process that the kernel names as the holder. It does so for holders that use `lockf`.
    pub holder_pid: Option<i32>,
}

impl BuildLocks {
    /// Lists the locks that anybody holds, this process included. Nothing is taken, released or changed.
    ///
    /// A folder that is missing has no locks. What is wrong with one entry does not hide the others.
    ///
    /// # Errors
    ///
    /// The system's answer when the folder cannot be read: that is not the same as nothing being built.
    pub fn list_active(&self) -> Result<Active> {
        list(self.folder(), |file_name, note, holder_pid| match LockName::parse(&file_name) {
            Ok(name) => Found::Lock(LockInfo {
                stage: name.stage(),
                package: name.package().to_owned(),
                version: name.version().map(str::to_owned),
                universe: name.universe().cloned(),
                compiler: name.compiler().map(str::to_owned),
                file_name,
                pid: note.process.pid,
                start_time: note.start_time,
                layer_name: note.layer_name,
                temp_log_path: note.temp_log_path,
                host: note.process.host,
                boot_id: note.process.boot_id,
                process_start: note.process.process_start,
                run: note.run,
                holder_pid,
            }),
            Err(_) => Found::UnknownName,
        })
    }
}

/// Lists the layers of a platform's folder whose lock, `<layer>.lock` beside it, anybody holds. Later
/// versions of the original hold it while they build, and gc for a moment before it removes.
///
/// # Errors
///
/// As [`BuildLocks::list_active`].
pub fn list_active_layers(platform: &Path) -> Result<Active<LayerLockInfo>> {
    list(platform, |file_name, note, holder_pid| {
        match file_name.strip_suffix(".lock").map(str::parse::<LayerName>) {
            Some(Ok(layer)) => Found::Lock(LayerLockInfo {
                file_name,
                layer,
                pid: note.process.pid,
                start_time: note.start_time,
                temp_log_path: note.temp_log_path,
                holder_pid,
            }),
            // The folder has other locks, which are none of builds.
            _ => Found::Nothing,
        }
    })
}

enum Found<L> {
    Lock(L),
    UnknownName,
    Nothing,
}

fn list<L>(folder: &Path, read: impl Fn(String, Note, Option<i32>) -> Found<L>) -> Result<Active<L>> {
    let mut active = Active { locks: Vec::new(), problems: Vec::new() };
    for path in lock_files(folder)? {
        // Opened once for both questions: a dashboard asks this often, and of many.
        let (file, holder_pid) = match held(&path) {
            Ok(Some(held)) => held,
            Ok(None) => continue,
            Err(error) => {
                active.problems.push(error.into());
                continue;
            }
        };
        let note = match file.read_note(MAX_NOTE) {
            Ok(bytes) => Note::parse(&bytes),
            Err(error) => {
                active.problems.push(error.into());
                Note::default()
            }
        };
        // A name that is not text is no name of ours, and does not become one by being shown.
        let found = match path.file_name().and_then(OsStr::to_str) {
            Some(name) => read(name.to_owned(), note, holder_pid),
            None => Found::UnknownName,
        };
        match found {
            Found::Lock(lock) => active.locks.push(lock),
            Found::UnknownName => active.problems.push(Problem::UnknownName { path }),
            Found::Nothing => {}
        }
    }
    Ok(active)
}

/// A lock file that somebody holds, and the process that the kernel names; `None` when it is free or gone.
fn held(path: &Path) -> buildbook_fsio::Result<Option<(LockFile<'_>, Option<i32>)>> {
    let Some(file) = LockFile::open(path)? else { return Ok(None) };
    match file.probe()? {
        Probe::Held { pid } => Ok(Some((file, pid))),
        _ => Ok(None),
    }
}

/// The entries of a folder that are named as locks, sorted; none of a folder that is missing, unless it is behind a
/// link.
pub(crate) fn lock_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && !leads_nowhere(folder) => {
            return Ok(Vec::new());
        }
        entries => entries.map_err(Error::folder(folder))?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(Error::folder(folder))?.file_name();
        if may_be_lock(&name) {
            names.push(name);
        }
    }
    // Names are compared at once, whole paths piece by piece.
    names.sort_unstable();
    Ok(names.into_iter().map(|name| folder.join(name)).collect())
}

#[expect(clippy::ref_option, reason = "serde hands the field over by reference")]
fn lossy_option<S: serde::Serializer>(
    path: &Option<PathBuf>,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    match path {
        Some(path) => crate::problem::lossy(path, serializer),
        None => serializer.serialize_none(),
    }
}
