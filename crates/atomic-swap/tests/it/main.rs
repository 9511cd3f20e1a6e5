//! What a replacement promises: the old or the new, whenever one looks and whatever happens.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests build the situations that the library must survive"
)]

mod crash;
mod file;
mod folder;
mod recovery;
mod retire;
mod together;

use std::path::Path;

/// The names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A folder with one file that tells which version it is.
fn fill(folder: &Path, version: &str) {
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("version"), version).unwrap();
}

/// Which version a folder is.
fn version(folder: &Path) -> Option<String> {
    std::fs::read_to_string(folder.join("version")).ok()
}
