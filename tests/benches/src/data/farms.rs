//! Histories of many packages.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use buildbook::history::History;
use buildbook::layout::{Book, PackageId, PackagesTree, RunId, Timestamp};
use buildbook_tests::{Spec, generate};

use super::{Place, remove};
use crate::bare;

/// A pretend farm, and how often it is repeated under other names: the histories of so many packages of their own
/// would not be different enough to be worth the memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Farm {
    pub(crate) packages: usize,
    pub(crate) copies: usize,
    /// Lines of each history.
    pub(crate) entries: usize,
    pub(crate) runs: usize,
}

impl Farm {
    /// 35,000 packages in 10 runs of two results each.
    pub(crate) fn wide(place: &Place) -> Farm {
        Farm { packages: place.size(5_000, 100), copies: 7, entries: 20, runs: 10 }
    }

    /// 5,000 packages in 10 runs of five results each.
    pub(crate) fn deep(place: &Place) -> Farm {
        Farm { packages: place.size(5_000, 100), copies: 1, entries: 50, runs: 10 }
    }

    /// A run a day for a year, of 35,000 packages.
    pub(crate) fn year(place: &Place) -> Farm {
        Farm { packages: place.size(1_000, 20), copies: 35, entries: 365, runs: 365 }
    }

    /// One package with a long history.
    pub(crate) fn one(entries: usize) -> Farm {
        Farm { packages: 1, copies: 1, entries, runs: entries.div_ceil(50) }
    }

    /// Makes the histories, or reads them once, so that the first side finds them as warm as the others do.
    pub(crate) fn prepare(self, place: &Place) -> Result<()> {
        place.kept(&self.name(), |folder| self.make(folder))?;
        bare::read_all(&self.path(place)).map(drop)
    }

    /// The folder of all packages.
    pub(crate) fn path(self, place: &Place) -> PathBuf {
        place.made(&self.name()).join("packages")
    }

    pub(crate) fn history(self, place: &Place) -> History {
        History::at(PackagesTree::at(self.path(place)))
    }

    /// The only package of a farm of one.
    pub(crate) fn package(self, place: &Place) -> Result<PackageId> {
        let found = self.history(place).packages()?;
        found.packages.into_iter().next().context("there is a package")
    }

    /// The newest finished run.
    pub(crate) fn newest_run(self) -> RunId {
        RunId::starting_at(self.spec().run_start(self.runs.saturating_sub(1)))
    }

    /// A time after all runs.
    pub(crate) fn now(self) -> Timestamp {
        self.spec().now()
    }

    fn spec(self) -> Spec {
        let Farm { packages, entries, runs, .. } = self;
        Spec { packages, entries, runs, layers: 0, bare: true, ..Spec::default() }
    }

    fn name(self) -> String {
        format!("farm-{}x{}x{}x{}", self.packages, self.copies, self.entries, self.runs)
    }

    fn make(self, folder: &Path) -> Result<()> {
        let (book, spec) = (folder.join("book"), self.spec());
        generate(&book, &spec)?;
        let packages = folder.join("packages");
        fs::rename(Book::at(&book).platform(&spec.platform).packages().path(), &packages)?;
        remove(&book)?;
        for name in bare::names(&packages)? {
            for copy in 1..self.copies {
                let other = packages.join(format!("copy{copy}-{name}"));
                fs::create_dir(&other)?;
                fs::copy(packages.join(&name).join("history.jsonl"), other.join("history.jsonl"))?;
            }
        }
        Ok(())
    }
}
