//! The histories of all packages.

use std::path::PathBuf;

use buildbook_layout::{PackageId, PackagesTree};

/// The histories of all packages: `packages/<name.version>/history.jsonl`.
///
/// It is only a place; each method opens what it needs and closes it again, and nothing is remembered
/// between calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    tree: PackagesTree,
}

impl History {
    /// Names the histories in a tree. Nothing is created or looked at.
    #[must_use]
    pub fn at(tree: PackagesTree) -> History {
        History { tree }
    }

    /// Where they lie.
    #[must_use]
    pub fn tree(&self) -> &PackagesTree {
        &self.tree
    }

    pub(crate) fn path(&self, package: &PackageId) -> PathBuf {
        self.tree.history(package)
    }
}
