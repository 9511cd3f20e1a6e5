//! What a tree holds, without the times.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use walkdir::WalkDir;

/// Every name in a tree and what it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Contents(BTreeMap<PathBuf, What>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    Folder,
    Link(PathBuf),
    File(Vec<u8>),
}

impl Contents {
    /// Reads a tree, without what lies at or below the paths of `except`.
    pub(super) fn read(root: &Path, except: &[&str]) -> Result<Contents> {
        let mut contents = BTreeMap::new();
        for entry in WalkDir::new(root).min_depth(1) {
            let entry = entry?;
            let path = entry.path();
            let name = path.strip_prefix(root).unwrap_or(path);
            if except.iter().any(|except| name.starts_with(except)) {
                continue;
            }
            let what = if entry.file_type().is_dir() {
                What::Folder
            } else if entry.path_is_symlink() {
                What::Link(fs::read_link(path)?)
            } else {
                What::File(fs::read(path).with_context(|| format!("cannot read {}", path.display()))?)
            };
            contents.insert(name.to_owned(), what);
        }
        Ok(Contents(contents))
    }

    /// The names that are otherwise than in another tree.
    pub(super) fn differences(&self, other: &Contents) -> Vec<String> {
        self.names_with(other).filter(|name| self.0.get(*name) != other.0.get(*name)).map(shown).collect()
    }

    /// The names that are neither as in one tree nor as in another.
    pub(super) fn neither(&self, old: &Contents, new: &Contents) -> Vec<String> {
        let is_neither = |name: &&PathBuf| {
            let now = self.0.get(*name);
            now != old.0.get(*name) && now != new.0.get(*name)
        };
        let mut names: Vec<String> = self.names_with(old).filter(is_neither).map(shown).collect();
        names.extend(new.0.keys().filter(is_neither).map(shown));
        names.dedup();
        names
    }

    fn names_with<'a>(&'a self, other: &'a Contents) -> impl Iterator<Item = &'a PathBuf> {
        let others = other.0.keys().filter(|name| !self.0.contains_key(*name));
        self.0.keys().chain(others)
    }
}

fn shown(name: impl AsRef<Path>) -> String {
    name.as_ref().display().to_string()
}

/// The names that only `atomic-swap` makes, anywhere in a tree.
pub(super) fn leftovers(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in WalkDir::new(root) {
        let entry = entry?;
        if entry.file_type().is_dir() {
            let here = buildbook::atomic_swap::find_leftovers(entry.path())?;
            found.extend(here.into_iter().map(|leftover| leftover.path));
        }
    }
    Ok(found)
}
