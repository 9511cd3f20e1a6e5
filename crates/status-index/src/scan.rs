//! Reading histories and judging them, one after another, with the same memory.

use buildbook_history::{Again, Ascii, EntryRef, EntryVisitor, Followed, Follower, OpenFolder, Repeats};
use buildbook_layout::PackageId;

use crate::bounds::Bounds;
use crate::facts::{Fact, Short, Texts};
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

    /// Whether an entry of this run may come next.
    #[inline]
    pub(crate) fn is_followed_by(&self, texts: &Texts<'_>, run: u32) -> bool {
        texts.place(run) == Place::Later || self.fold.is_followed_by(texts, run)
    }

    /// Takes the next entry in the order of runs.
    pub(crate) fn take(&mut self, texts: &Texts<'_>, fact: &Fact) {
        self.bounds.note(texts, fact.run);
        if fact.place == Place::Before {
            self.state.note_before();
        } else {
            self.state.note_recent(texts, &self.fold, fact);
        }
        self.fold.take(texts, fact);
    }

    /// Takes the next entry, if [`Fold::take_once_more`] does.
    #[inline]
    fn take_once_more(&mut self, texts: &Texts<'_>, like: &Fact, run: u32, ts: Ascii<'_>) -> bool {
        let is_taken = self.fold.take_once_more(like, run, ts);
        if is_taken {
            self.bounds.note_next_before(texts, run);
            self.state.note_before();
        }
        is_taken
    }
}

/// Folds the entries of one package as they pass by.
pub(crate) struct Passing<'p, 'a> {
    texts: &'p mut Texts<'a>,
    folding: &'p mut Folding,
    /// When they are not, none is taken any more.
    pub(crate) is_in_order: bool,
}

impl<'p, 'a> Passing<'p, 'a> {
    pub(crate) fn new(texts: &'p mut Texts<'a>, folding: &'p mut Folding, wants_state: bool) -> Self {
        texts.next_package();
        folding.clear(wants_state);
        Passing { texts, folding, is_in_order: true }
    }

    fn take(&mut self, fact: &Fact) {
        self.is_in_order = self.is_in_order && self.folding.is_followed_by(self.texts, fact.run);
        if self.is_in_order {
            self.folding.take(self.texts, fact);
        }
    }
}

impl EntryVisitor for Passing<'_, '_> {
    type Made = Fact;

    fn anew(&mut self, entry: EntryRef<'_>) -> Fact {
        let fact = self.texts.fact(&entry);
        self.take(&fact);
        fact
    }

    #[inline]
    fn again(&mut self, again: Again<'_>, like: &Fact) {
        let run = self.texts.next_run(again.run);
        let place = self.texts.place(run);
        if again.streak >= 2 && place == Place::Before {
            self.is_in_order = self.is_in_order && self.folding.fold.is_followed_by(self.texts, run);
            if self.is_in_order && self.folding.take_once_more(self.texts, like, run, again.ts) {
                return;
            }
        }
        self.take(&Fact { run, place, ts: Short::ascii(again.ts), ..like.clone() });
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
        let mut passing = Passing::new(texts, folding, false);
        let problems = follower.visit(package, repeats, &mut passing)?;
        if !passing.is_in_order {
            self.read_out_of_order(package, false)?;
        }
        Ok(problems)
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

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "puts files where a history is")]
mod tests {
    use buildbook_history::{Entry, History};
    use buildbook_layout::PackagesTree;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::by_definition::{Facts, judge};

    /// Builds that come several times in a row, and after how many entries the next run begins.
    fn any_streaks() -> impl Strategy<Value = Vec<(Entry, usize)>> {
        let categories = vec![
            "success",
            "build_failure",
            "transient_failure",
            "dependency_failure",
            "doc_success",
            "doc_failure",
        ];
        let entry = (select(vec!["a", "b", "none"]), select(categories), prop::bool::weighted(0.8)).prop_map(
            |(hash, category, blessed)| Entry {
                build_hash: hash.to_owned(),
                status: if category.ends_with("success") { "success" } else { "failure" }.to_owned(),
                category: category.into(),
                blessed,
                ts: String::new(),
                run: String::new(),
                compiler: "5.3.0".to_owned(),
                error: None,
                failed_dep: None,
                failed_dep_hash: None,
                universe: None,
            },
        );
        prop::collection::vec((entry, 1..6_usize), 1..7)
    }

    fn run_of(number: usize) -> String {
        // Two texts that are no run ids come before all runs, and two runs begin in each second.
        match number {
            ..2 => format!("odd{number}"),
            _ => format!(
                "2026-01-01-0000{:02}{}",
                number / 2,
                if number.is_multiple_of(2) { "" } else { "-2" }
            ),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(800))]

        #[test]
        fn lines_that_repeat_are_folded_as_the_definition_says(
            streaks in any_streaks(),
            steps in prop::collection::vec(select(vec![0, 1, 1, 1, 1, 1, 2, -1]), 1..40),
            run in 2..40_usize,
            since in prop::option::of(2..40_usize),
        ) {
            let mut number = 0_usize;
            let entries = streaks.iter().flat_map(|(entry, times)| std::iter::repeat_n(entry, *times));
            let entries = entries.zip(steps.iter().cycle()).enumerate().map(|(at, (entry, step))| {
                number = number.saturating_add_signed(*step);
                Entry { run: run_of(number), ts: format!("2026-01-01T00:00:{at:02}Z"), ..entry.clone() }
            });
            let lines: String =
                entries.map(|entry| serde_json::to_string(&entry).unwrap() + "\n").collect();

            let folder = tempfile::tempdir().unwrap();
            let tree = PackagesTree::at(folder.path().join("packages"));
            let package: PackageId = "a.1".parse().unwrap();
            let path = tree.history(&package);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, lines).unwrap();
            let open = History::at(tree).open_folder().unwrap().unwrap();

            let window = Window { run: run_of(run).parse().unwrap(), since: since.and_then(|run| run_of(run).parse().ok()) };
            let (mut scan, mut texts) = (Scan::new(&open, &window), Texts::new(&window));
            let mut facts = Vec::new();
            scan.follower.for_each(&package, |entry| facts.push(texts.fact(&entry))).unwrap();
            let mut expected = judge(&package, &Facts { all: &facts, texts: &texts });
            expected.counted.sort_unstable();
            prop_assert!(scan.read(&package).unwrap().is_empty());
            scan.judge(&package);
            scan.verdict.counted.sort_unstable();
            prop_assert_eq!(&scan.verdict, &expected);
        }
    }
}
