//! What is to be said of one package, found while its entries pass by: this is the one place that decides what
//! changed. How a row of entries is compared is in [`past`](crate::past).
//!
//! A build is one hash of one kind. Entries of runs later than the index are left out; the others come in the order
//! of their runs.
//!
//! * How the package stands is its newest blessed result of each kind, and what is compared is how it stood
//!   after the runs before: the last blessed result of each run, of whatever hash. So a package that breaks
//!   because its dependencies moved, and its hash with them, is a change.
//! * All other builds, and a blessed one where none was blessed before, are compared each with its own past.
//!
//! Of the entries that have passed, only that is kept which can still matter: a few for each build.

use buildbook_history::Ascii;
use buildbook_layout::{Kind, PackageId};

use crate::facts::{Fact, Short, Texts};
use crate::past::{Past, Since};
use crate::window::Place;
use crate::{Change, Standing};

/// All that is to be said of one package.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) standings: Vec<Standing>,
    pub(crate) changes: Vec<Change>,
    /// Categories of the builds that are counted, whether they stand for the package, and how many builds.
    pub(crate) counted: Vec<(u32, bool, u64)>,
    /// Whether there is nothing of it before.
    pub(crate) is_new: bool,
}

/// The entries that have passed.
#[derive(Debug, Default)]
pub(crate) struct Fold {
    /// By hash and kind; see [`index_of`].
    pub(crate) builds: Vec<Option<Build>>,
    pub(crate) build: OfKind,
    pub(crate) doc: OfKind,
    /// The run of the last entry.
    pub(crate) last_run: Option<u32>,
    /// Whether the last entry that passed was taken, and not left out.
    has_taken_last: bool,
    /// Whether that is so, and the one before it was taken, too, and is of another run.
    has_moved_on: bool,
    pub(crate) has_before: bool,
    pub(crate) has_now: bool,
}

/// All that was blessed of one kind or, until something is, all results.
#[derive(Debug, Default)]
pub(crate) struct OfKind {
    /// How the package stood after the runs before that of `last`.
    pub(crate) past: Past,
    pub(crate) since: Option<Since>,
    /// The newest blessed entry.
    pub(crate) last: Option<Fact>,
    /// The newest entry, as long as none is blessed.
    pub(crate) newest: Option<Fact>,
}

/// One build.
#[derive(Debug)]
pub(crate) struct Build {
    pub(crate) past: Past,
    /// As long as nothing of its kind is blessed.
    pub(crate) since: Option<Since>,
}

/// Where a build is among the builds.
pub(crate) fn index_of(hash: u32, kind: Kind) -> usize {
    hash as usize * 2 + usize::from(kind == Kind::Doc)
}

impl Fold {
    pub(crate) fn clear(&mut self) {
        let mut builds = std::mem::take(&mut self.builds);
        builds.clear();
        *self = Fold { builds, ..Fold::default() };
    }

    /// Whether an entry may come next: its run is not before that of the last one.
    pub(crate) fn is_followed_by(&self, texts: &Texts<'_>, run: u32) -> bool {
        self.last_run.is_none_or(|last| texts.order(last, run).is_le())
    }

    /// Takes the next entry in the order of runs.
    pub(crate) fn take(&mut self, texts: &Texts<'_>, fact: &Fact) {
        match fact.place {
            Place::Before => self.has_before = true,
            Place::Now => self.has_now = true,
            Place::Later => {
                (self.has_taken_last, self.has_moved_on) = (false, false);
                return;
            }
        }
        self.has_moved_on = self.has_taken_last && self.last_run != Some(fact.run);
        self.has_taken_last = true;
        self.last_run = Some(fact.run);
        let of_kind = if fact.kind == Kind::Doc { &mut self.doc } else { &mut self.build };
        if fact.blessed {
            of_kind.take_blessed(texts, fact);
        }
        let ever_blessed = of_kind.last.is_some();
        if !ever_blessed {
            of_kind.newest = Some(fact.clone());
        }
        let index = index_of(fact.hash, fact.kind);
        if self.builds.len() <= index {
            self.builds.resize_with(index + 1, || None);
        }
        if let Some(place_of_build) = self.builds.get_mut(index) {
            let build = place_of_build.get_or_insert(Build { past: Past::default(), since: None });
            build.past.see(texts, fact);
            if !ever_blessed {
                Since::renew(&mut build.since, fact);
            }
        }
    }

    /// Takes the next entry, which is of a run before, and like the two that passed last but for its run and its time;
    /// `false` if it has to be taken as any other.
    ///
    /// When those two were taken, and are of different runs, all that compares has the first of them already as what was
    /// before, and another of the same changes nothing there: nobody asks for the run of what was before.
    #[inline]
    pub(crate) fn take_once_more(&mut self, like: &Fact, run: u32, ts: Ascii<'_>) -> bool {
        if !self.has_moved_on {
            return false;
        }
        self.last_run = Some(run);
        let of_kind = if like.kind == Kind::Doc { &mut self.doc } else { &mut self.build };
        let newest = match &mut of_kind.last {
            None => of_kind.newest.as_mut(),
            last => last.as_mut().filter(|_| like.blessed),
        };
        if let Some(newest) = newest {
            (newest.run, newest.ts) = (run, Short::ascii(ts));
        }
        true
    }

    /// Says what is to be said after the entries that have passed.
    pub(crate) fn judge(&self, package: &PackageId, texts: &Texts<'_>, verdict: &mut Verdict) {
        verdict.is_new = self.has_now && !self.has_before;
        verdict.standings.clear();
        verdict.changes.clear();
        verdict.counted.clear();
        // Builds that stand for the package, and whether all has been said of them.
        let mut standing = [None, None];
        for (of_kind, stands) in [&self.build, &self.doc].into_iter().zip(&mut standing) {
            if let Some(last) = &of_kind.last {
                let row = of_kind.settled(texts, last);
                verdict.standings.push(standing_of(package, texts, last, row.since.as_ref()));
                verdict.counted.push((last.category, true, 1));
                verdict.changes.extend(row.past.change(package, texts, last.kind));
                // How the package stands has been compared; the build's own past would say the same again.
                let is_compared = row.past.now.is_some() && row.past.before.is_some();
                *stands = Some((index_of(last.hash, last.kind), is_compared));
            } else if let Some(newest) = &of_kind.newest {
                let build = self.builds.get(index_of(newest.hash, newest.kind)).and_then(Option::as_ref);
                let since = build.and_then(|build| build.since.as_ref());
                verdict.standings.push(standing_of(package, texts, newest, since));
            }
        }
        for (index, build) in self.builds.iter().enumerate() {
            let Some(build) = build else { continue };
            let stands = standing.iter().flatten().find(|(of, _)| *of == index);
            if !stands.is_some_and(|(_, is_compared)| *is_compared) {
                let kind = if index % 2 == 0 { Kind::Build } else { Kind::Doc };
                verdict.changes.extend(build.past.change(package, texts, kind));
            }
            if let (Some(newest), None) = (build.past.now.or(build.past.before), stands) {
                verdict.counted.push((newest.category, false, 1));
            }
        }
        verdict
            .changes
            .sort_by(|one, other| (one.kind, &one.build_hash).cmp(&(other.kind, &other.build_hash)));
    }
}

/// How a package stood after each run, up to some run.
struct Row {
    past: Past,
    since: Option<Since>,
}

impl OfKind {
    fn take_blessed(&mut self, texts: &Texts<'_>, fact: &Fact) {
        if let Some(last) = &self.last
            && !texts.are_of_one_run(last, fact)
        {
            self.past.see(texts, last);
            Since::renew(&mut self.since, last);
        }
        self.last = Some(fact.clone());
    }

    /// The row with its last entry, after which no other of its run will come.
    fn settled(&self, texts: &Texts<'_>, last: &Fact) -> Row {
        let mut row = Row { past: self.past, since: self.since.clone() };
        row.past.see(texts, last);
        Since::renew(&mut row.since, last);
        row
    }
}

fn standing_of(package: &PackageId, texts: &Texts<'_>, fact: &Fact, since: Option<&Since>) -> Standing {
    let (since_run, since_ts) = since.map_or((fact.run, &fact.ts), |since| (since.run, &since.ts));
    Standing {
        package: package.clone(),
        kind: fact.kind,
        category: texts.category(fact.category),
        blessed: fact.blessed,
        build_hash: texts.hash(fact.hash).to_owned(),
        run: texts.run(fact.run).to_owned(),
        ts: fact.ts.as_str().to_owned(),
        since_run: texts.run(since_run).to_owned(),
        since_ts: since_ts.as_str().to_owned(),
        failed_dep: fact.failed_dep.map(|failed_dep| texts.failed_dep(failed_dep).to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use buildbook_history::EntryRef;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::by_definition::{Facts, judge};
    use crate::window::Window;

    const RUNS: [&str; 7] = [
        "2026-01-01-000001",
        "2026-01-01-000002",
        "2026-01-01-000002-2",
        "2026-01-01-000002-10",
        "2026-01-01-000003",
        "odd",
        "odder",
    ];

    fn any_entry() -> impl Strategy<Value = EntryRef<'static>> {
        let categories = vec![
            "success",
            "build_failure",
            "transient_failure",
            "dependency_failure",
            "doc_success",
            "doc_failure",
            "doc_dependency_failure",
        ];
        (
            select(RUNS.to_vec()),
            select(vec!["a", "b", "none"]),
            select(categories),
            any::<bool>(),
            select(vec!["1", "2", "a time that is longer than most"]),
        )
            .prop_map(|(run, hash, category, blessed, ts)| EntryRef {
                ts: ts.into(),
                run: run.into(),
                build_hash: hash.into(),
                status: if category.ends_with("success") { "success" } else { "failure" }.into(),
                category: category.into(),
                compiler: Cow::default(),
                blessed,
                error: None,
                failed_dep: (ts == "1").then(|| "dep.1".into()),
                failed_dep_hash: None,
                universe: None,
            })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn the_fold_says_what_the_definition_says(
            entries in prop::collection::vec(any_entry(), 0..30),
            run in select(RUNS[..5].to_vec()),
            since in prop::option::of(select(RUNS[..5].to_vec())),
        ) {
            let since = since.and_then(|since| since.parse().ok());
            let window = Window { run: run.parse().unwrap(), since };
            let mut texts = Texts::new(&window);
            let mut facts: Vec<Fact> = entries.iter().map(|entry| texts.fact(entry)).collect();
            let package: PackageId = "a.1".parse().unwrap();
            let mut expected = judge(&package, &Facts { all: &facts, texts: &texts });
            expected.counted.sort_unstable();

            facts.sort_by(|one, other| texts.order(one.run, other.run));
            let mut fold = Fold::default();
            for fact in &facts {
                prop_assert!(fold.is_followed_by(&texts, fact.run));
                fold.take(&texts, fact);
            }
            let mut verdict = Verdict::default();
            fold.judge(&package, &texts, &mut verdict);
            verdict.counted.sort_unstable();
            prop_assert_eq!(verdict, expected);
        }
    }
}
