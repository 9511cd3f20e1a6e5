//! Looking at a cache.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use buildbook_fsio::read_file;

use super::TrimKind;
use crate::cache::{ENTRY_LIMIT_BYTES, Parsed, payloads};
use crate::digest::Digest;
use crate::{Error, Result};

/// What the size of an allocated block is counted in, on every system.
const BLOCK_BYTES: u64 = 512;

/// What is in a cache.
#[derive(Debug)]
pub struct CacheSurvey {
    pub(super) folder: PathBuf,
    pub(super) entries: Vec<Found>,
    pub(super) objects: Vec<Found>,
    /// What could not be looked at. It stays.
    pub problems: Vec<Error>,
    /// Whether there are entries of which it is not known what they need.
    pub(super) is_need_unknown: bool,
}

/// A file of a cache.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) digest: Digest,
    pub(super) bytes: u64,
    pub(super) last_used: SystemTime,
    /// What an entry needs; `None` when it is damaged. Objects need nothing.
    pub(super) needs: Option<Vec<Digest>>,
}

/// Looks at everything in a cache, and changes nothing. A cache that is not there has nothing in it.
///
/// # Errors
///
/// The system's answer when a folder cannot be read. What single files say goes to the problems.
pub fn survey_cache(folder: impl AsRef<Path>) -> Result<CacheSurvey> {
    let folder = folder.as_ref();
    let mut survey = CacheSurvey {
        folder: folder.to_owned(),
        entries: Vec::new(),
        objects: Vec::new(),
        problems: Vec::new(),
        is_need_unknown: false,
    };
    for kind in [TrimKind::Entry, TrimKind::Object] {
        let files = list(&folder.join(name(kind)))?;
        for (path, digest) in files {
            match look(kind, path, digest) {
                Ok(Some(found)) if kind == TrimKind::Entry => survey.entries.push(found),
                Ok(Some(found)) => survey.objects.push(found),
                // It went meanwhile.
                Ok(None) => {}
                Err(error) => {
                    survey.is_need_unknown |= kind == TrimKind::Entry;
                    survey.problems.push(error);
                }
            }
        }
    }
    Ok(survey)
}

fn name(kind: TrimKind) -> &'static str {
    match kind {
        TrimKind::Entry => "entries",
        TrimKind::Object => "objects",
    }
}

/// The files in the folders in a folder that have the name of a digest, by that.
fn list(folder: &Path) -> Result<Vec<(PathBuf, Digest)>> {
    let mut files = Vec::new();
    for path in children(folder)? {
        let is_folder = match std::fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            metadata => metadata.map_err(Error::io("look at", &path))?.is_dir(),
        };
        if is_folder {
            files.extend(children(&path)?.into_iter().filter_map(|path| {
                let digest = path.file_name()?.to_str()?.parse().ok()?;
                Some((path, digest))
            }));
        }
    }
    files.sort_by_key(|(_, digest)| *digest);
    Ok(files)
}

fn children(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(Error::io("read the folder", folder))?,
    };
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    paths.collect::<io::Result<_>>().map_err(Error::io("read the folder", folder))
}

fn look(kind: TrimKind, path: PathBuf, digest: Digest) -> Result<Option<Found>> {
    let metadata = match std::fs::symlink_metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        metadata => metadata.map_err(Error::io("look at", &path))?,
    };
    if !metadata.is_file() {
        return Err(Error::NotAFile { operation: "look at", path });
    }
    let needs = match kind {
        TrimKind::Object => None,
        TrimKind::Entry => match read_file(&path, ENTRY_LIMIT_BYTES)?.as_deref().map(payloads) {
            Some(Parsed::Whole(needs)) => Some(needs),
            Some(Parsed::OtherVersion) => return Err(Error::OtherVersion { path }),
            Some(Parsed::Damaged) => None,
            None => return Ok(None),
        },
    };
    let (bytes, last_used) = (metadata.blocks().saturating_mul(BLOCK_BYTES), last_used(&metadata));
    Ok(Some(Found { path, digest, bytes, last_used, needs }))
}

/// When a file of a cache was used: whoever uses it sets its modification time.
pub(super) fn last_used(metadata: &Metadata) -> SystemTime {
    metadata.modified().unwrap_or(UNIX_EPOCH)
}
