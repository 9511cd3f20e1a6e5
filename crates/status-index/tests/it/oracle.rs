//! The index of any histories, against one that is found the slow way, and before and after compaction.

use std::collections::{BTreeMap, BTreeSet};

use buildbook_history::{Entry, Retention};
use buildbook_layout::{Category, Kind, RunId};
use buildbook_status_index::{Generated, Status, Totals};
use proptest::prelude::*;

use crate::{World, entry, run};

const RUNS: u32 = 8;

fn any_entry() -> impl Strategy<Value = Entry> {
    let run_text = prop_oneof![
        12 => (0..RUNS).prop_map(|number| run(number).to_string()),
        1 => Just("odd".to_owned()),
        1 => Just("odder".to_owned()),
    ];
    let categories = vec![
        "success",
        "build_failure",
        "transient_failure",
        "dependency_failure",
        "doc_success",
        "doc_failure",
    ];
    (
        run_text,
        prop::sample::select(vec!["a", "b", "c"]),
        prop::sample::select(categories),
        any::<bool>(),
        0..60,
    )
        .prop_map(|(run, hash, category, blessed, second)| Entry {
            ts: format!("2026-01-01T00:00:{second:02}Z"),
            ..entry(&run, hash, category, blessed)
        })
}

/// Entries as they come, or in the order of their runs, as they usually are.
fn any_history() -> impl Strategy<Value = Vec<Entry>> {
    (prop::collection::vec(any_entry(), 0..60), any::<bool>()).prop_map(|(mut entries, sorted)| {
        if sorted {
            entries.sort_by_key(|entry| entry.run.parse::<RunId>().ok());
        }
        entries
    })
}

fn world(histories: &[Vec<Entry>]) -> World {
    let world = World::new();
    for (number, entries) in histories.iter().enumerate().filter(|(_, entries)| !entries.is_empty()) {
        world.history.append_all(&format!("p{number}.1").parse().unwrap(), entries).unwrap();
    }
    world
}

/// The same, some of whose failures have a cause.
fn with_causes(mut history: Vec<Entry>) -> Vec<Entry> {
    for entry in history.iter_mut().filter(|entry| entry.category.as_str() == "dependency_failure") {
        entry.failed_dep = Some(format!("dep.{}", entry.ts.len() + usize::from(entry.blessed)));
    }
    history
}

/// An index of a run, which is all that it takes to be a previous one.
fn previous(number: u32) -> Status {
    World::new().generate(number, None).status
}

/// A change, but for what it is called.
type Plain = (String, Kind, String, bool, Category, Category);

fn plain(generated: &Generated) -> Vec<Plain> {
    let changes = generated.status.changes.iter();
    changes
        .map(|change| {
            (
                change.package.to_string(),
                change.kind,
                change.build_hash.clone(),
                change.blessed,
                change.from_status.clone(),
                change.to_status.clone(),
            )
        })
        .collect()
}

/// Kind, from, to, and in which run.
fn blessed_changes(generated: &Generated) -> Vec<(Kind, &Category, &Category, Option<&str>)> {
    let changes = generated.status.changes.iter().filter(|change| change.blessed);
    changes
        .map(|change| (change.kind, &change.from_status, &change.to_status, change.run.as_deref()))
        .collect()
}

/// Kind, category, and since when.
fn blessed_standings(generated: &Generated) -> Vec<(Kind, &Category, &str, &str)> {
    let standings = generated.standings.iter().filter(|standing| standing.blessed);
    standings
        .map(|standing| {
            (standing.kind, &standing.category, standing.since_run.as_str(), standing.since_ts.as_str())
        })
        .collect()
}

/// The same, from the definition, with a search through everything for each question.
struct Slow<'a> {
    /// Entries up to the run, in the order of runs.
    entries: Vec<&'a Entry>,
    run: RunId,
    since: Option<RunId>,
}

impl<'a> Slow<'a> {
    fn new(entries: &'a [Entry], run: RunId, since: Option<RunId>) -> Slow<'a> {
        let id = |entry: &Entry| entry.run.parse::<RunId>().ok();
        let mut entries: Vec<&Entry> =
            entries.iter().filter(|entry| id(entry).as_ref() <= Some(&run)).collect();
        entries.sort_by_key(|entry| id(entry));
        Slow { entries, run, since }
    }

    fn is_now(&self, entry: &Entry) -> bool {
        let id = entry.run.parse::<RunId>().ok();
        match &self.since {
            Some(since) => id.as_ref() > Some(since),
            None => id.as_ref() == Some(&self.run),
        }
    }

    /// The newest blessed entry of a kind, of those now or of those before.
    fn blessed(&self, kind: Kind, now: bool) -> Option<&'a Entry> {
        let mut newest_first = self.entries.iter().rev();
        newest_first
            .find(|entry| entry.blessed && entry.category.kind() == kind && self.is_now(entry) == now)
            .copied()
    }

    fn builds(&self) -> BTreeSet<(Kind, &'a str)> {
        self.entries.iter().map(|entry| (entry.category.kind(), entry.build_hash.as_str())).collect()
    }

    fn newest(&self, (kind, hash): (Kind, &str), now: bool) -> Option<&'a Entry> {
        let mut newest_first = self.entries.iter().rev();
        newest_first
            .find(|entry| {
                entry.build_hash == hash && entry.category.kind() == kind && self.is_now(entry) == now
            })
            .copied()
    }

    fn changes(&self, package: &str, into: &mut Vec<Plain>) {
        for build in self.builds() {
            let (kind, hash) = build;
            let standing = (self.blessed(kind, true), self.blessed(kind, false));
            let pair = match standing {
                (Some(now), Some(before)) if now.build_hash == hash => Some((now, before)),
                _ => self.newest(build, true).zip(self.newest(build, false)),
            };
            if let Some((now, before)) = pair.filter(|(now, before)| now.category != before.category) {
                let (from, to) = (before.category.clone(), now.category.clone());
                into.push((package.to_owned(), kind, hash.to_owned(), now.blessed, from, to));
            }
        }
    }

    fn totals(&self, blessed_totals: &mut Totals, other_totals: &mut Totals) {
        for build in self.builds() {
            let standing = self.blessed(build.0, true).or_else(|| self.blessed(build.0, false));
            match standing.filter(|standing| standing.build_hash == build.1) {
                Some(standing) => *blessed_totals.entry(standing.category.clone()).or_default() += 1,
                None => {
                    let newest = self.newest(build, true).or_else(|| self.newest(build, false)).unwrap();
                    *other_totals.entry(newest.category.clone()).or_default() += 1;
                }
            }
        }
    }

    /// The run since which the package stands as it does.
    fn since(&self, kind: Kind) -> Option<String> {
        let mut row: Vec<&Entry> = self
            .entries
            .iter()
            .copied()
            .filter(|entry| entry.blessed && entry.category.kind() == kind)
            .collect();
        // Of each run that has an order, only the last.
        let ends: Vec<&Entry> = row
            .iter()
            .enumerate()
            .filter(|(at, entry)| {
                entry.run.starts_with("odd") || row[at + 1..].iter().all(|later| later.run != entry.run)
            })
            .map(|(_, entry)| *entry)
            .collect();
        if ends.is_empty() {
            row = self.entries.iter().copied().filter(|entry| entry.category.kind() == kind).collect();
            let hash = row.last()?.build_hash.clone();
            row.retain(|entry| entry.build_hash == hash);
        } else {
            row = ends;
        }
        let category = row.last()?.category.clone();
        let since = row.iter().rev().take_while(|entry| entry.category == category).last()?;
        Some(since.run.clone() + &since.ts)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_index_is_what_its_definition_says(
        histories in prop::collection::vec(any_history(), 1..4),
        number in 0..RUNS,
        since in prop::option::of(0..RUNS),
    ) {
        let world = world(&histories);
        let generated = world.generate(number, since.map(previous).as_ref());
        let since = since.filter(|since| *since < number).map(run);

        let (mut changes, mut blessed, mut others) = (Vec::new(), Totals::new(), Totals::new());
        let (mut starts, mut new, mut builds) = (BTreeMap::new(), Vec::new(), 0);
        for (at, entries) in histories.iter().enumerate() {
            let (package, slow) = (format!("p{at}.1"), Slow::new(entries, run(number), since.clone()));
            slow.changes(&package, &mut changes);
            slow.totals(&mut blessed, &mut others);
            for kind in [Kind::Build, Kind::Doc] {
                if let Some(start) = slow.since(kind) {
                    starts.insert((package.clone(), kind), start);
                }
            }
            if !slow.entries.is_empty() && slow.entries.iter().all(|entry| slow.is_now(entry)) {
                new.push(package);
            }
            builds += slow.builds().len() as u64;
        }
        prop_assert_eq!(plain(&generated), changes);
        prop_assert_eq!(&generated.status.blessed_totals, &blessed);
        prop_assert_eq!(&generated.status.non_blessed_totals, &others);
        prop_assert_eq!(generated.status.new_packages.iter().map(ToString::to_string).collect::<Vec<_>>(), new);
        let found: BTreeMap<_, _> = generated
            .standings
            .iter()
            .map(|standing| {
                ((standing.package.to_string(), standing.kind), standing.since_run.clone() + &standing.since_ts)
            })
            .collect();
        prop_assert_eq!(found, starts);

        // The accounts balance: every build counts once, and every blessed standing.
        let sum = |totals: &Totals| totals.values().sum::<u64>();
        prop_assert_eq!(sum(&blessed) + sum(&others), builds);
        let standing = generated.standings.iter().filter(|standing| standing.blessed).count();
        prop_assert_eq!(sum(&generated.status.blessed_totals), standing as u64);
        prop_assert!(generated.standings.is_sorted_by_key(|standing| (standing.package.clone(), standing.kind)));
    }

    /// A line that repeats an earlier one is not taken apart again; one that is spelled as nobody else does always is.
    #[test]
    fn the_index_does_not_depend_on_what_repeats_itself(
        histories in prop::collection::vec(any_history(), 1..4),
        number in 0..RUNS,
        since in prop::option::of(0..RUNS),
    ) {
        let histories: Vec<Vec<Entry>> = histories.into_iter().map(with_causes).collect();
        let (usual, spaced) = (world(&histories), world(&histories));
        for package in spaced.history.packages().unwrap().packages {
            let path = spaced.history.tree().history(&package);
            let text = std::fs::read_to_string(&path).unwrap();
            std::fs::write(path, text.replace("{\"ts\":", "{\"ts\": ")).unwrap();
        }
        let since = since.map(previous);
        let answers = [&usual, &spaced].map(|world| world.generate(number, since.as_ref()));
        prop_assert_eq!(&answers[0].status, &answers[1].status);
        prop_assert_eq!(&answers[0].standings, &answers[1].standings);
    }

    #[test]
    fn making_it_again_changes_nothing(history in any_history(), number in 0..RUNS, since in prop::option::of(0..RUNS)) {
        let world = world(&[history]);
        let first = world.generate(number, since.map(previous).as_ref());
        let again = world.generate(number, Some(&first.status));
        prop_assert_eq!(again.status, first.status);
        prop_assert_eq!(again.standings, first.standings);
    }

    #[test]
    fn compaction_changes_nothing(history in any_history(), since in prop::option::of(0..RUNS), max in prop::option::weighted(0.2, 0..10_usize)) {
        let world = world(&[history]);
        let since = since.map(previous);
        let before = world.generate(RUNS, since.as_ref());
        let retention = Retention { max_entries: max, ..Retention::days(0) };
        world.history.compact(&"p0.1".parse().unwrap(), &retention, crate::now()).unwrap();
        let after = world.generate(RUNS, since.as_ref());
        prop_assert_eq!(&after.standings, &before.standings);
        prop_assert_eq!(&after.status.blessed_totals, &before.status.blessed_totals);
        prop_assert_eq!(&after.status.non_blessed_totals, &before.status.non_blessed_totals);
        if max.is_none() {
            prop_assert_eq!(plain(&after), plain(&before));
            prop_assert_eq!(&after.status.new_packages, &before.status.new_packages);
        }
    }

    /// The index of an old run, too, says the same of what was blessed, but for the hash of it.
    #[test]
    fn compaction_changes_no_old_index(history in any_history(), number in 0..RUNS) {
        let world = world(&[history]);
        let before = world.generate(number, None);
        world.history.compact(&"p0.1".parse().unwrap(), &Retention::days(0), crate::now()).unwrap();
        let after = world.generate(number, None);
        prop_assert_eq!(&after.status.blessed_totals, &before.status.blessed_totals);
        prop_assert_eq!(&after.status.new_packages, &before.status.new_packages);
        prop_assert_eq!(blessed_changes(&after), blessed_changes(&before));
        prop_assert_eq!(blessed_standings(&after), blessed_standings(&before));
    }
}
