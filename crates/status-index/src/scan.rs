//! Reading histories and judging them, one after another, with the same memory.

use buildbook_history::{Followed, Follower, OpenFolder, Repeats};
use buildbook_layout::PackageId;

use crate::facts::{Fact, Texts};
use crate::fold::Verdict;
use crate::part::Part;
use crate::passing::{Folding, Passing};
use crate::window::Window;

/// What one share of the work is done with. Its memory grows with the number of builds of a package, not with that of
/// its entries, unless they are not in the order of their runs.
#[derive(Debug)]
pub(crate) struct Scan<'a> {
    pub(crate) follower: Follower<'a>,
    pub(crate) repeats: Repeats<Fact>,
    pub(crate) texts: Texts<'a>,
    pub(crate) folding: Folding,
    pub(crate) verdict: Verdict,
    /// By the number of a category: how many builds that stand for their package, and how many others, have it.
    counts: Vec<(u64, u64)>,
}

pub(crate) type Problems = Vec<buildbook_history::Problem>;

impl<'a> Scan<'a> {
    pub(crate) fn new(folder: &'a OpenFolder, window: &'a Window) -> Scan<'a> {
        Scan {
            follower: Follower::new(folder),
            repeats: Repeats::default(),
            texts: Texts::new(window),
            folding: Folding::default(),
            verdict: Verdict::default(),
            counts: Vec::new(),
        }
    }

    /// Folds the history of a package.
    pub(crate) fn read(&mut self, package: &PackageId) -> buildbook_history::Result<Problems> {
        let Scan { follower, repeats, texts, folding, .. } = self;
        let mut passing = Passing::new(texts, folding, false);
        let problems = follower.visit(package, repeats, &mut passing)?;
        if passing.is_in_order {
            return Ok(problems);
        }
        Ok(self.read_out_of_order(package, false)?.problems)
    }

    /// Folds the history of a package in which batches that ran at the same time wrote by turns: its entries are put in
    /// the order of their runs.
    pub(crate) fn read_out_of_order(
        &mut self,
        package: &PackageId,
        wants_state: bool,
    ) -> buildbook_history::Result<Followed> {
        let Scan { follower, texts, folding, .. } = self;
        let mut facts: Vec<Fact> = Vec::new();
        let followed = follower.read(package, |entry| facts.push(texts.fact(&entry)))?;
        facts.sort_by(|one, other| texts.order(one.run, other.run));
        folding.clear(wants_state);
        facts.iter().for_each(|fact| folding.take(texts, fact));
        Ok(followed)
    }

    /// Says what is to be said of the package that was read.
    pub(crate) fn judge(&mut self, package: &PackageId) {
        self.folding.fold.judge(package, &self.texts, &mut self.verdict);
    }

    /// Adds what is said of a package.
    pub(crate) fn add_verdict(&mut self, package: &PackageId, part: &mut Part) {
        let Scan { verdict, counts, .. } = self;
        part.standings.append(&mut verdict.standings);
        part.changes.append(&mut verdict.changes);
        for (category, stands_for_package, count) in &verdict.counted {
            let index = *category as usize;
            if counts.len() <= index {
                counts.resize(index + 1, (0, 0));
            }
            if let Some((blessed, others)) = counts.get_mut(index) {
                *(if *stands_for_package { blessed } else { others }) += count;
            }
        }
        if verdict.is_new {
            part.new_packages.push(package.clone());
        }
    }

    /// Adds the counts of all packages whose verdicts were added.
    pub(crate) fn end_share(self, part: &mut Part) {
        for (category, (blessed, others)) in (0..).zip(&self.counts) {
            for (totals, count) in
                [(&mut part.blessed_totals, *blessed), (&mut part.non_blessed_totals, *others)]
            {
                if count > 0 {
                    *totals.entry(self.texts.category(category)).or_default() += count;
                }
            }
        }
    }
}
