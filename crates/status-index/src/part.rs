//! The index of some of the packages.

use buildbook_layout::PackageId;

use crate::{Change, Problem, Standing, Totals};

/// What one share of the work comes to.
#[derive(Debug, Default)]
pub(crate) struct Part {
    pub(crate) standings: Vec<Standing>,
    pub(crate) changes: Vec<Change>,
    pub(crate) blessed_totals: Totals,
    pub(crate) non_blessed_totals: Totals,
    pub(crate) new_packages: Vec<PackageId>,
    pub(crate) problems: Vec<Problem>,
}

impl Part {
    /// Room for so many packages, most of which stand somewhere with themselves and with their documentation.
    pub(crate) fn of(packages: usize) -> Part {
        Part { standings: Vec::with_capacity(packages * 2), ..Part::default() }
    }

    /// Adds what comes behind it.
    pub(crate) fn add(&mut self, mut other: Part) {
        self.standings.append(&mut other.standings);
        self.changes.append(&mut other.changes);
        self.new_packages.append(&mut other.new_packages);
        self.problems.append(&mut other.problems);
        for (all, some) in [
            (&mut self.blessed_totals, other.blessed_totals),
            (&mut self.non_blessed_totals, other.non_blessed_totals),
        ] {
            for (category, count) in some {
                *all.entry(category).or_default() += count;
            }
        }
    }

    pub(crate) fn note_lines(&mut self, package: &PackageId, problems: Vec<buildbook_history::Problem>) {
        if !problems.is_empty() {
            self.problems.push(Problem::Lines { package: package.clone(), problems });
        }
    }
}
