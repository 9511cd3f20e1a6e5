//! Reading histories and judging them, one after another, with the same memory.

use buildbook_history::{Follower, OpenFolder, Repeats};
use buildbook_layout::PackageId;

use crate::bounds::Bounds;
use crate::facts::{Fact, Texts};
use crate::fold::{Fold, Verdict};
use crate::part::Part;
use crate::state::State;
use crate::window::{Place, Window};

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

/// A fold, and what is needed to go on from it another time.
#[derive(Debug, Default)]
pub(crate) struct Folding {
    pub(crate) fold: Fold,
    pub(crate) bounds: Bounds,
    pub(crate) state: State,
}

pub(crate) type Problems = Vec<buildbook_history::Problem>;

impl Folding {
    pub(crate) fn clear(&mut self, wants_state: bool) {
        self.fold.clear();
        self.bounds = Bounds::default();
        self.state.clear(wants_state);
    }

    /// Whether an entry may come next.
    pub(crate) fn is_followed_by(&self, texts: &Texts<'_>, fact: &Fact) -> bool {
        texts.place(fact.run) == Place::Later || self.fold.is_followed_by(texts, fact)
    }

    /// Takes the next entry in the order of runs.
    pub(crate) fn take(&mut self, texts: &Texts<'_>, fact: &Fact) {
        self.bounds.note(texts, fact.run);
        if texts.place(fact.run) == Place::Before {
            self.state.note_before();
        } else {
            self.state.note_recent(texts, &self.fold, fact);
        }
        self.fold.take(texts, fact);
    }
}

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
        let fold = &mut folding.fold;
        fold.clear();
        texts.next_package();
        let mut is_in_order = true;
        let problems = follower.for_each_told(package, repeats, |told| {
            let fact = texts.told(&told);
            if texts.place(fact.run) != Place::Later {
                is_in_order = is_in_order && fold.is_followed_by(texts, &fact);
                if is_in_order {
                    fold.take(texts, &fact);
                }
            }
            fact
        })?;
        if is_in_order {
            return Ok(problems);
        }
        // Batches that ran at the same time wrote by turns: the entries are put in the order of their runs.
        let mut facts: Vec<Fact> = Vec::new();
        let problems = follower.for_each(package, |entry| facts.push(texts.fact(&entry)))?;
        facts.sort_by(|one, other| texts.order(one.run, other.run));
        fold.clear();
        facts.iter().for_each(|fact| fold.take(texts, fact));
        Ok(problems)
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
