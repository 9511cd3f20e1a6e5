//! Compaction must not change an answer, whatever is in the file.

use std::collections::HashMap;
use std::time::Duration;

use buildbook_history::{Entry, Retention};
use buildbook_layout::{Category, Timestamp};
use proptest::prelude::*;

use crate::{World, entry, line};

const NOW: i64 = 1_800_000_000;
const DAY: i64 = 86_400;

/// A line of a file: an entry, several in one, or debris.
#[derive(Debug, Clone)]
enum Piece {
    Entry(Box<Entry>),
    Glued(Vec<Entry>),
    Debris(&'static str),
}

impl Piece {
    fn text(&self) -> String {
        match self {
            Piece::Entry(entry) => line(entry),
            Piece::Glued(entries) => {
                entries.iter().map(|entry| line(entry).trim_end().to_owned()).collect::<String>() + "\n"
            }
            Piece::Debris(text) => (*text).to_owned() + "\n",
        }
    }

    fn entries(&self) -> Vec<&Entry> {
        match self {
            Piece::Entry(entry) => vec![entry],
            Piece::Glued(entries) => entries.iter().collect(),
            Piece::Debris(_) => vec![],
        }
    }
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let ts = prop_oneof![
        30 => (0..40_i64).prop_map(|days| Timestamp::from_unix(NOW - days * DAY).unwrap().to_string()),
        1 => Just("not a time".to_owned()),
        1 => Just("2099-01-01T00:00:00Z".to_owned()),
    ];
    let run =
        prop_oneof![9 => (0..12).prop_map(|n| format!("2026-01-01-0000{n:02}")), 1 => Just("odd".to_owned())];
    // Mostly alike, so that there is something to remove.
    let category = prop_oneof![8 => Just("success"), 1 => Just("build_failure"), 2 => Just("doc_success"), 1 => Just("doc_failure")];
    let blessed = prop::bool::weighted(0.2);
    (ts, run, prop::sample::select(vec!["a", "b"]), category, blessed, 0..1_000_000_u32).prop_map(
        |(ts, run, hash, category, blessed, tag)| Entry {
            ts,
            run,
            build_hash: hash.to_owned(),
            status: if category.ends_with("success") { Entry::SUCCESS } else { Entry::FAILURE }.to_owned(),
            category: Category::new(category),
            blessed,
            ..entry(&tag.to_string())
        },
    )
}

fn any_file() -> impl Strategy<Value = Vec<Piece>> {
    let piece = prop_oneof![
        20 => any_entry().prop_map(|entry| Piece::Entry(Box::new(entry))),
        1 => prop::collection::vec(any_entry(), 2..4).prop_map(Piece::Glued),
        1 => prop::sample::select(vec!["", "   ", "\0\0", "torn {\"ts\":\"2026", "[1]"]).prop_map(Piece::Debris),
    ];
    prop::collection::vec(piece, 0..80)
}

fn any_retention() -> impl Strategy<Value = Retention> {
    (prop_oneof![Just(0), 0..45_u32], prop::option::weighted(0.3, 0..20_usize))
        .prop_map(|(days, max_entries)| Retention { max_entries, ..Retention::days(days) })
}

/// The answers of the readers, found the slow way.
#[derive(Debug, PartialEq)]
struct Answers {
    latest: Vec<Entry>,
    blessed: Option<Entry>,
    newest: Option<Entry>,
}

fn answers_of(pieces: &[Piece]) -> Answers {
    let all: Vec<&Entry> = pieces.iter().flat_map(Piece::entries).collect();
    let mut latest: Vec<Entry> = Vec::new();
    for entry in all.iter().rev() {
        if !latest.iter().any(|other| other.build_hash == entry.build_hash) {
            latest.push((*entry).clone());
        }
    }
    Answers {
        latest,
        blessed: all.iter().rev().find(|entry| entry.blessed).map(|entry| (*entry).clone()),
        newest: all.last().map(|entry| (*entry).clone()),
    }
}

fn answers_in(world: &World) -> Answers {
    Answers {
        latest: world.history.read_latest(&world.package).unwrap().entries,
        blessed: world.history.read_blessed(&world.package).unwrap().entry,
        newest: world.history.newest(&world.package, 1).unwrap().entries.pop(),
    }
}

fn is_old(entry: &Entry, retention: &Retention) -> bool {
    let cutoff = Timestamp::from_unix(NOW).unwrap().minus(retention.max_age);
    entry.timestamp().is_some_and(|ts| ts <= cutoff)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn compaction_changes_no_answer(pieces in any_file(), tail in "[a-z{\"]{0,8}", retention in any_retention()) {
        let now = Timestamp::from_unix(NOW).unwrap();
        let text = pieces.iter().map(Piece::text).collect::<String>() + &tail;
        let world = World::with(&text);
        let expected = answers_of(&pieces);
        prop_assert_eq!(&answers_in(&world), &expected);

        let compacted = world.history.compact(&world.package, &retention, now).unwrap();
        prop_assert_eq!(&answers_in(&world), &expected);
        let after = world.text();
        prop_assert_eq!(after.len() as u64, compacted.bytes_after);
        prop_assert!(after.ends_with(&tail));

        let again = world.history.compact(&world.package, &retention, now).unwrap();
        prop_assert_eq!(world.text(), after.as_str(), "a second time changes nothing");
        prop_assert_eq!(again.lines_before, again.lines_after);

        // What is left are lines of the file in their order, and what is gone was old and alone on its line.
        let mut left = after.split_inclusive('\n').peekable();
        let mut gone = Vec::new();
        for piece in &pieces {
            if left.next_if(|text| *text == piece.text()).is_none() {
                gone.push(piece);
            }
        }
        prop_assert_eq!(left.collect::<String>(), tail.as_str());
        for piece in gone {
            prop_assert!(matches!(piece, Piece::Entry(entry) if is_old(entry, &retention) || retention.max_entries.is_some()));
        }
    }

    /// Of one build and kind, in the order of runs, the sequence of results is the same, repetitions aside.
    #[test]
    fn no_change_of_a_build_is_lost(pieces in any_file(), days in prop_oneof![Just(0), 0..45_u32]) {
        let world = World::with(pieces.iter().map(Piece::text).collect::<String>());
        let changes = |world: &World| {
            let mut entries = world.history.read(&world.package).unwrap().entries;
            entries.reverse();
            entries.sort_by_key(|entry| entry.run.parse::<buildbook_layout::RunId>().ok());
            let mut of_build: HashMap<_, Vec<_>> = HashMap::new();
            for entry in entries {
                let looks = (entry.status, entry.category.clone(), entry.blessed);
                let list = of_build.entry((entry.build_hash, entry.category.kind())).or_default();
                if list.last().is_none_or(|(last, _)| *last != looks) {
                    list.push((looks, entry.run));
                }
            }
            of_build
        };
        let before = changes(&world);
        let retention = Retention { max_age: Duration::from_secs(u64::from(days) * 86_400), max_entries: None };
        world.history.compact(&world.package, &retention, Timestamp::from_unix(NOW).unwrap()).unwrap();
        prop_assert_eq!(changes(&world), before, "each result began in the same run as before");
    }
}
