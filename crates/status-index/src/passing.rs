//! Folding the entries of a package as they pass by.

use buildbook_history::{Again, Ascii, EntryRef, EntryVisitor};

use crate::bounds::Bounds;
use crate::facts::{Fact, Short, Texts};
use crate::fold::Fold;
use crate::state::State;
use crate::window::Place;

/// A fold, and what is needed to go on from it another time.
#[derive(Debug, Default)]
pub(crate) struct Folding {
    pub(crate) fold: Fold,
    pub(crate) bounds: Bounds,
    pub(crate) state: State,
}

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

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "puts files where a history is")]
mod tests {
    use buildbook_history::{Entry, History};
    use buildbook_layout::{PackageId, PackagesTree};
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::by_definition::{Facts, judge};
    use crate::fold::Verdict;
    use crate::scan::Scan;
    use crate::window::Window;

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
                ..entry(0, blessed)
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

    /// What is said of a history, and what the definition says.
    fn both(entries: &[Entry], window: &Window) -> (Verdict, Verdict) {
        let lines: String =
            entries.iter().map(|entry| serde_json::to_string(entry).unwrap() + "\n").collect();
        let folder = tempfile::tempdir().unwrap();
        let tree = PackagesTree::at(folder.path().join("packages"));
        let package: PackageId = "a.1".parse().unwrap();
        let path = tree.history(&package);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, lines).unwrap();
        let open = History::at(tree).open_folder().unwrap().unwrap();

        let (mut scan, mut texts) = (Scan::new(&open, window), Texts::new(window));
        let mut facts = Vec::new();
        scan.follower.for_each(&package, |entry| facts.push(texts.fact(&entry))).unwrap();
        let mut expected = judge(&package, &Facts { all: &facts, texts: &texts });
        assert!(scan.read(&package).unwrap().is_empty());
        scan.judge(&package);
        let mut found = std::mem::take(&mut scan.verdict);
        found.counted.sort_unstable();
        expected.counted.sort_unstable();
        (found, expected)
    }

    fn entry(number: usize, blessed: bool) -> Entry {
        Entry {
            ts: format!("2026-01-01T00:00:{number:02}Z"),
            run: run_of(number),
            build_hash: "a".to_owned(),
            status: "success".to_owned(),
            category: "success".into(),
            compiler: String::new(),
            blessed,
            error: None,
            failed_dep: None,
            failed_dep_hash: None,
            universe: None,
        }
    }

    /// A batch that began later is alive, and wrote before one that began earlier.
    #[test]
    fn what_repeats_entries_that_were_left_out_is_taken_as_any_other() {
        let window = Window { run: run_of(20).parse().unwrap(), since: None };
        for after in [vec![8], vec![8, 10], vec![8, 10, 12], vec![8, 8, 10, 20], vec![20, 20]] {
            let runs = [4, 6, 6].map(|run| (run, false)).into_iter();
            let runs = runs.chain([30, 30, 32, 32].map(|run| (run, true)));
            let runs = runs.chain(after.into_iter().map(|run| (run, true)));
            let entries: Vec<Entry> = runs.map(|(run, blessed)| entry(run, blessed)).collect();
            let (found, expected) = both(&entries, &window);
            assert_eq!(found, expected);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1500))]

        #[test]
        fn lines_that_repeat_are_folded_as_the_definition_says(
            streaks in any_streaks(),
            steps in prop::collection::vec(select(vec![0, 1, 1, 1, 1, 1, 1, 2, 4, -1, -3, -4]), 1..40),
            run in 2..40_usize,
            since in prop::option::of(2..40_usize),
        ) {
            let mut number = 0_usize;
            let entries = streaks.iter().flat_map(|(entry, times)| std::iter::repeat_n(entry, *times));
            let entries = entries.zip(steps.iter().cycle()).enumerate().map(|(at, (entry, step))| {
                number = number.saturating_add_signed(*step);
                Entry { run: run_of(number), ts: format!("2026-01-01T00:00:{at:02}Z"), ..entry.clone() }
            });
            let entries: Vec<Entry> = entries.collect();
            let window = Window { run: run_of(run).parse().unwrap(), since: since.and_then(|run| run_of(run).parse().ok()) };
            let (found, expected) = both(&entries, &window);
            prop_assert_eq!(found, expected);
        }
    }
}
