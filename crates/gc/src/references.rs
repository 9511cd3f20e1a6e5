//! Which universes the published documentation links to.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use buildbook_atomic_swap::Role;
use buildbook_fsio::{Kind, read_file};
use buildbook_json::strict_record;
use buildbook_layout::{HtmlTree, Universe};

use crate::survey::{Name, list};
use crate::{Error, Result};

/// The largest list of references that is read, in bytes.
const LIMIT: u64 = 16 << 20;
const FILE_NAME: &str = "universes.json";

/// The contents of `universes.json`: `{"universes": ["<32 hex>", …]}`.
#[derive(serde::Deserialize)]
struct References {
    universes: Vec<Universe>,
}

/// Reads the references of every published package, `html/p/<name>/<version>/universes.json`, sorted and without
/// repetitions. A tree in which nothing was ever published has none.
///
/// Links to folders are followed, because what they lead to is published too.
///
/// # Errors
///
/// [`Error::UnreadableReferences`], [`Error::MalformedReferences`], [`Error::MissingReferences`] or
/// [`Error::UnfinishedPublication`] for the first package whose references are not known for certain. A list
/// without them would make universes that are needed look as if they were not.
pub fn collect_referenced_universes(html: &HtmlTree) -> Result<Vec<Universe>> {
    Ok(referenced_by_published(html)?.into_iter().flatten().collect())
}

/// The same; `None` where nothing is published.
pub(crate) fn referenced_by_published(html: &HtmlTree) -> Result<Option<BTreeSet<Universe>>> {
    let mut referenced: Option<BTreeSet<Universe>> = None;
    for package in published(&html.blessed())? {
        for version in published(&package)? {
            refuse_unfinished_of_the_original(&version)?;
            referenced.get_or_insert_default().extend(read(&version)?);
        }
    }
    Ok(referenced)
}

/// The folders in a folder of published packages or versions.
fn published(folder: &Path) -> Result<Vec<PathBuf>> {
    let listed = list(folder).map_err(|error| unreadable(folder, error))?;
    let mut folders = Vec::new();
    for Name { name, kind, .. } in listed.into_iter().flat_map(|(_, names)| names) {
        let path = folder.join(&name);
        match Role::of(&name) {
            Some(Role::Staging | Role::Old) => return Err(Error::UnfinishedPublication { path }),
            Some(_) => continue,
            None if is_unfinished_of_a_later_version(&name) => {
                return Err(Error::UnfinishedPublication { path });
            }
            // No package and no version begins with a dot.
            None if name.as_encoded_bytes().starts_with(b".") => continue,
            None => {}
        }
        if kind == Kind::Folder || (kind == Kind::Link && leads_to_folder(&path)?) {
            folders.push(path);
        }
    }
    Ok(folders)
}

fn unreadable(path: &Path, error: Error) -> Error {
    match error {
        Error::File(source) => Error::UnreadableReferences { path: path.to_owned(), source },
        other => other,
    }
}

/// A link to what is no longer beside it publishes nothing. What another one that leads nowhere publishes is not known:
/// it is perhaps on a disk that is not mounted.
fn leads_to_folder(link: &Path) -> Result<bool> {
    let stays_here = || {
        fs::read_link(link).is_ok_and(|to| to.components().all(|part| matches!(part, Component::Normal(_))))
    };
    match fs::metadata(link) {
        Ok(metadata) => Ok(metadata.is_dir()),
        Err(error) if error.kind() == ErrorKind::NotFound && stays_here() => Ok(false),
        Err(error) => Err(unreadable(link, Error::io("follow the link", link)(error))),
    }
}

/// Later versions of the original stage and put aside under `.<name>.tmp-<pid>-<hex>` and `.<name>.old-<pid>-<hex>`.
fn is_unfinished_of_a_later_version(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.strip_prefix('.').is_some_and(|name| name.contains(".tmp-") || name.contains(".old-"))
}

/// The original stages and puts aside under `<version>.new` and `<version>.old`.
fn refuse_unfinished_of_the_original(version: &Path) -> Result<()> {
    match version.extension().and_then(OsStr::to_str) {
        Some("new" | "old") => Err(Error::UnfinishedPublication { path: version.to_owned() }),
        _ => Ok(()),
    }
}

fn read(version: &Path) -> Result<Vec<Universe>> {
    let path = version.join(FILE_NAME);
    let bytes = match read_file(&path, LIMIT) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Err(Error::MissingReferences { path }),
        Err(source) => return Err(Error::UnreadableReferences { path, source }),
    };
    match strict_record::<References>(&String::from_utf8_lossy(&bytes)) {
        Ok(references) => Ok(references.universes),
        Err(source) => Err(Error::MalformedReferences { path, source }),
    }
}
