//! Finding the run that somebody means.

use std::fs;
use std::io;

use buildbook_layout::{LogTree, RunId};

use crate::{Error, Result, RunLog};

/// What stands for the newest finished run.
const LATEST: &str = "latest";

impl RunLog {
    /// The run that the link `latest` names; `None` when there is no link, because no run has finished.
    ///
    /// # Errors
    ///
    /// [`Error::BadLatest`] when the link names something else than a run that is there; [`Error::File`] when
    /// the system does not let us look at it or at the run.
    pub fn latest(&self) -> Result<Option<RunId>> {
        let path = self.tree.latest();
        let refused =
            |operation, path, source| Error::File(buildbook_fsio::Error::Io { operation, path, source });
        let bad = |reason| Error::BadLatest { path: path.clone(), reason };
        let target = match fs::read_link(&path) {
            Ok(target) => target,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                return Err(bad("it is not a symbolic link"));
            }
            Err(source) => return Err(refused("read the link", path, source)),
        };
        let id: RunId = target
            .file_name()
            .and_then(|name| name.to_str()?.parse().ok())
            .filter(|id| LogTree::latest_target(id) == target)
            .ok_or_else(|| bad("its target is not runs/RUN"))?;
        let run = self.tree.run(&id).path().to_owned();
        match fs::symlink_metadata(&run) {
            Ok(metadata) if metadata.is_dir() => Ok(Some(id)),
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(refused("look at", run, source)),
            _ => Err(bad("there is no such run")),
        }
    }

    /// Finds the run that is meant by `latest`, by a name, or by the beginning of exactly one name. A whole
    /// name means that run also when longer names begin so.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchRun`], [`Error::AmbiguousRun`], and those of [`RunLog::latest`] and of [`RunLog::runs`].
    pub fn resolve(&self, selector: &str) -> Result<RunId> {
        let nothing = || Error::NoSuchRun { selector: selector.to_owned() };
        if selector == LATEST {
            return self.latest()?.ok_or_else(nothing);
        }
        if selector.is_empty() {
            return Err(nothing());
        }
        let (ids, _) = self.list()?;
        let mut candidates: Vec<RunId> =
            ids.into_iter().filter(|id| id.as_str().starts_with(selector)).collect();
        if let Some(exact) = candidates.iter().find(|id| id.as_str() == selector) {
            return Ok(exact.clone());
        }
        match (candidates.pop(), candidates.is_empty()) {
            (None, _) => Err(nothing()),
            (Some(only), true) => Ok(only),
            (Some(last), false) => {
                candidates.push(last);
                Err(Error::AmbiguousRun { selector: selector.to_owned(), candidates })
            }
        }
    }
}
