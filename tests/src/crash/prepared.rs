//! Pieces of the books that procedures work on.

use std::path::Path;

use anyhow::{Context as _, Result};
use buildbook::fsio::op;
use buildbook::history::Entry;
use buildbook::layout::{Book, Category, PackageId, PlatformTree, Timestamp};

use super::procedure::World;
use crate::Tree;

/// The time of everything that happens while somebody looks.
pub(super) const NOW: &str = "2026-03-09T12:54:44Z";

pub(super) fn at(time: &str) -> Timestamp {
    Timestamp::parse(time).expect("a time that is written here")
}

pub(super) fn package(name: &str) -> PackageId {
    name.parse().expect("a package that is written here")
}

pub(super) fn book(world: &World) -> Book {
    Book::at(world.root())
}

pub(super) fn platform(world: &World) -> PlatformTree {
    PlatformTree::at(world.at("p"))
}

/// A tree to write into before the procedure begins, with strangers in it that nobody may touch.
pub(super) fn tree(world: &World, folder: &str) -> Result<Tree> {
    let tree = Tree::create(world.root(), Timestamp::UNIX_EPOCH)?;
    for (name, text) in [("README.old", "notes"), (".site.new", "of another program"), ("x.lock.old", "")] {
        tree.file(Path::new(folder).join(name), text)?;
    }
    tree.link(Path::new(folder).join("elsewhere"), "/nonexistent")?;
    Ok(tree)
}

/// The strangers alone.
pub(super) fn strangers(world: &World, folder: &str) -> Result<()> {
    tree(world, folder).map(drop)
}

/// An entry that is told from others by its error text.
pub(super) fn entry(tag: &str, ts: &str) -> Entry {
    Entry {
        ts: ts.to_owned(),
        run: "2026-03-09-125400".to_owned(),
        build_hash: "build-a1b2c3d4e5f6".to_owned(),
        status: Entry::SUCCESS.to_owned(),
        category: Category::new(Category::SUCCESS),
        compiler: "5.3.0".to_owned(),
        blessed: true,
        error: Some(tag.to_owned()),
        failed_dep: None,
        failed_dep_hash: None,
        universe: None,
    }
}

/// Writes a file through the operations that are counted, as a program does that fills a folder.
pub(super) fn write(path: &Path, text: &str) -> Result<()> {
    let file = op::create_new(path)?;
    op::write_all(&file, path, text.as_bytes())?;
    Ok(())
}

/// The text of a file; `None` when there is none.
pub(super) fn text(path: &Path) -> Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        text => Ok(Some(text.with_context(|| format!("cannot read {}", path.display()))?)),
    }
}
