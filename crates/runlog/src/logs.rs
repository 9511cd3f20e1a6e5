//! Keeping the logs of builds with the run.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use buildbook_atomic_swap::replace_file_with;
use buildbook_fsio::{Durability, op, open_file};
use buildbook_layout::{LayerName, PackageId};

use crate::{Result, Run};

/// A run's logs are its own, so that they are there when the layers are gone, and are what they were when
/// the layer is built again.
impl Run {
    /// Copies a package's build log to the run, `build/<package>.log`; `false` when there is no such log.
    ///
    /// The copy has what the source holds at this moment, also if somebody still writes to it. A log that the
    /// run has of this package already is replaced in one step; nothing is ever written through a link, and
    /// the source is only read. The death of the process leaves the old log or the new one, and so does a
    /// power cut, after which it may also be empty.
    ///
    /// # Errors
    ///
    /// [`Error::File`](crate::Error::File) when the source cannot be read or is no regular file (a symbolic
    /// link is not followed, a FIFO does not block); [`Error::Replace`](crate::Error::Replace) when it cannot
    /// be copied.
    pub fn add_build_log(&self, package: &PackageId, source: &Path) -> Result<bool> {
        copy(source, &self.tree.build_log(package))
    }

    /// As [`Run::add_build_log`], without using space: the run's log is another name of the source file, where
    /// the file system can do that and the run has no log of the package yet, and a copy otherwise.
    ///
    /// Only for a source that nobody will write to again, such as the log of a published layer: what is later
    /// written into the source is in the run's log too. Removing or replacing the source does no harm.
    ///
    /// # Errors
    ///
    /// As [`Run::add_build_log`].
    pub fn link_build_log(&self, package: &PackageId, source: &Path) -> Result<bool> {
        link_or_copy(source, &self.tree.build_log(package))
    }

    /// Copies a package's documentation log to the run, `docs/<package>.log`. See [`Run::add_build_log`].
    ///
    /// # Errors
    ///
    /// As [`Run::add_build_log`].
    pub fn add_doc_log(&self, package: &PackageId, source: &Path) -> Result<bool> {
        copy(source, &self.tree.doc_log(package))
    }

    /// As [`Run::add_doc_log`], without using space. See [`Run::link_build_log`].
    ///
    /// # Errors
    ///
    /// As [`Run::add_build_log`].
    pub fn link_doc_log(&self, package: &PackageId, source: &Path) -> Result<bool> {
        link_or_copy(source, &self.tree.doc_log(package))
    }

    /// Copies the log of one of a package's documentation layers to the run, `docs/<package>.<layer>.log`. See
    /// [`Run::add_build_log`].
    ///
    /// # Errors
    ///
    /// As [`Run::add_build_log`].
    pub fn add_doc_log_of_layer(
        &self,
        package: &PackageId,
        source: &Path,
        layer: &LayerName,
    ) -> Result<bool> {
        copy(source, &self.tree.doc_log_of_layer(package, layer))
    }

    /// As [`Run::add_doc_log_of_layer`], without using space. See [`Run::link_build_log`].
    ///
    /// # Errors
    ///
    /// As [`Run::add_build_log`].
    pub fn link_doc_log_of_layer(
        &self,
        package: &PackageId,
        source: &Path,
        layer: &LayerName,
    ) -> Result<bool> {
        link_or_copy(source, &self.tree.doc_log_of_layer(package, layer))
    }
}

fn copy(source: &Path, log: &Path) -> Result<bool> {
    let Some(file) = open_file(source)? else { return Ok(false) };
    copy_open(&file, log)?;
    Ok(true)
}

/// Copies as many bytes as the source has now: one that grows as fast as it is read would have no end.
fn copy_open(source: &File, log: &Path) -> buildbook_atomic_swap::Result<()> {
    replace_file_with(log, Durability::Cached, |copy| {
        let length = source.metadata()?.len();
        io::copy(&mut source.take(length), copy).map(drop)
    })
}

fn link_or_copy(source: &Path, log: &Path) -> Result<bool> {
    if link(source, log) {
        return Ok(true);
    }
    let Some(file) = open_file(source)? else { return Ok(false) };
    copy_open(&file, log)?;
    Ok(true)
}

/// Gives a file another name, or says that a copy has to serve: because the name is taken, the device is another, or
/// the source is no file, or has just become another one. Nothing is opened.
fn link(source: &Path, log: &Path) -> bool {
    let Some(found) = fs::symlink_metadata(source).ok().filter(Metadata::is_file) else { return false };
    // That it is there already is as good, and shows below.
    let _ = op::hard_link(source, log);
    fs::symlink_metadata(log).is_ok_and(|named| (named.dev(), named.ino()) == (found.dev(), found.ino()))
}
