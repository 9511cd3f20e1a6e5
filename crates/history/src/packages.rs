//! Which packages have a history.

use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};

use buildbook_fsio::leads_nowhere;
use buildbook_layout::{InvalidName, PackageId, Reason as NameReason};

use crate::{Error, History, Result};

/// The packages of a book, and the folders that cannot be one.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Packages {
    /// In the order of their spelling. A folder whose history is missing or empty counts.
    pub packages: Vec<PackageId>,
    /// Folders that were left out, and links that lead nowhere.
    pub problems: Vec<Error>,
    /// Whether anything there is a link, so that what is a folder can change without a change in the folder of all.
    pub has_links: bool,
}

impl History {
    /// Lists the packages that have a folder. Files are passed over, and so is everything whose name
    /// begins with a dot, as temporary names do. Without the folder of all histories there are none.
    ///
    /// # Errors
    ///
    /// [`Error::List`]; [`Error::LeadsNowhere`] for the folder of all; what concerns one folder is in
    /// [`Packages::problems`].
    pub fn packages(&self) -> Result<Packages> {
        let folder = self.tree().path();
        let list_failed = |source| Error::List { path: folder.to_owned(), source };
        let mut found = Packages::default();
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return if leads_nowhere(folder) { Err(nowhere(folder)) } else { Ok(found) };
            }
            entries => entries.map_err(list_failed)?,
        };
        for entry in entries {
            let entry = entry.map_err(list_failed)?;
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            found.has_links |= entry.file_type().is_ok_and(|kind| kind.is_symlink());
            match is_folder(&entry) {
                Ok(true) => match package(&entry) {
                    Ok(package) => found.packages.push(package),
                    Err((path, source)) => found.problems.push(Error::Name { path, source }),
                },
                Ok(false) => {}
                Err(_) if leads_nowhere(&entry.path()) => found.problems.push(nowhere(&entry.path())),
                Err(source) => found.problems.push(Error::List { path: entry.path(), source }),
            }
        }
        found.packages.sort_unstable();
        found.problems.sort_unstable_by(|one, other| one.path().cmp(other.path()));
        Ok(found)
    }
}

pub(crate) fn nowhere(folder: &Path) -> Error {
    Error::LeadsNowhere { path: folder.to_owned() }
}

/// Links are followed, because a package's folder may be kept elsewhere. What has gone meanwhile is no folder.
fn is_folder(entry: &DirEntry) -> io::Result<bool> {
    let kind = entry.file_type()?;
    if !kind.is_symlink() {
        return Ok(kind.is_dir());
    }
    match fs::metadata(entry.path()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && !leads_nowhere(&entry.path()) => Ok(false),
        metadata => metadata.map(|metadata| metadata.is_dir()),
    }
}

fn package(entry: &DirEntry) -> std::result::Result<PackageId, (PathBuf, InvalidName)> {
    let name = entry.file_name();
    // A name that is not UTF-8 could be shown, but not opened, by its nearest spelling.
    let parsed = name.to_str().map_or_else(|| Err(not_utf8(&name.to_string_lossy())), str::parse);
    parsed.map_err(|error| (entry.path(), error))
}

fn not_utf8(name: &str) -> InvalidName {
    let name = name.chars().take(80).collect();
    InvalidName { what: "package", name, reason: NameReason::Shape("UTF-8") }
}
