//! Reading histories and judging them, one after another, with the same memory.

use buildbook_history::{History, Reader};
use buildbook_layout::PackageId;

use crate::facts::{Fact, Texts};
use crate::fold::{Fold, Verdict};
use crate::part::Part;
use crate::window::{Place, Window};

/// What one thread works with. Its memory grows with the number of builds of a package, not with that of its entries,
/// unless they are not in the order of their runs.
#[derive(Debug)]
pub(crate) struct Scan<'a> {
    reader: Reader,
    texts: Texts<'a>,
    fold: Fold,
    verdict: Verdict,
    /// By the number of a category: how many builds that stand for their package, and how many others, have it.
    counts: Vec<(u64, u64)>,
}

type Problems = Vec<buildbook_history::Problem>;

impl<'a> Scan<'a> {
    pub(crate) fn new(history: &History, window: &'a Window) -> Scan<'a> {
        Scan {
            reader: history.reader(),
            texts: Texts::new(window),
            fold: Fold::default(),
            verdict: Verdict::default(),
            counts: Vec::new(),
        }
    }

    pub(crate) fn next_share(&mut self) {
        self.texts.next_share();
        self.counts.clear();
    }

    /// Folds the history of a package.
    pub(crate) fn read(&mut self, package: &PackageId) -> buildbook_history::Result<Problems> {
        let Scan { reader, texts, fold, .. } = self;
        fold.clear();
        texts.next_package();
        let mut is_in_order = true;
        let problems = reader.for_each(package, |entry| {
            let fact = texts.fact(&entry);
            is_in_order =
                is_in_order && (texts.place(fact.run) == Place::Later || fold.is_followed_by(texts, &fact));
            if is_in_order {
                fold.take(texts, &fact);
            }
        })?;
        if is_in_order { Ok(problems) } else { self.read_out_of_order(package) }
    }

    /// Batches that ran at the same time wrote by turns: the entries are put in the order of their runs.
    fn read_out_of_order(&mut self, package: &PackageId) -> buildbook_history::Result<Problems> {
        let Scan { reader, texts, fold, .. } = self;
        fold.clear();
        let mut facts: Vec<Fact> = Vec::new();
        let problems = reader.for_each(package, |entry| facts.push(texts.fact(&entry)))?;
        facts.sort_by(|one, other| texts.order(one.run, other.run));
        facts.iter().for_each(|fact| fold.take(texts, fact));
        Ok(problems)
    }

    /// Adds what is to be said of the package that was read.
    pub(crate) fn judge(&mut self, package: &PackageId, part: &mut Part) {
        let Scan { texts, fold, verdict, counts, .. } = self;
        fold.judge(package, texts, verdict);
        part.standings.append(&mut verdict.standings);
        part.changes.append(&mut verdict.changes);
        for (category, stands_for_package) in &verdict.counted {
            let index = *category as usize;
            if counts.len() <= index {
                counts.resize(index + 1, (0, 0));
            }
            if let Some((blessed, others)) = counts.get_mut(index) {
                *(if *stands_for_package { blessed } else { others }) += 1;
            }
        }
        if verdict.is_new {
            part.new_packages.push(package.clone());
        }
    }

    /// Adds the counts of all packages that were judged.
    pub(crate) fn end_share(&mut self, part: &mut Part) {
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
