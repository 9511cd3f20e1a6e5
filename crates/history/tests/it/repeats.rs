//! Entries that are told by what was made of earlier ones are the entries that are there.

use buildbook_history::{Again, Entry, EntryRef, EntryVisitor, Follower, OpenFolder, Repeats};
use buildbook_layout::PackageId;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::World;

/// What is made of each entry: the package that it was made for, and the entry.
type Made = (PackageId, Entry);

/// Writes down what it is told.
struct Listener<'a> {
    package: &'a PackageId,
    entries: Vec<Entry>,
    again: Vec<bool>,
    streaks: Vec<u64>,
}

impl EntryVisitor for Listener<'_> {
    type Made = Made;

    fn anew(&mut self, entry: EntryRef<'_>) -> Made {
        let entry = entry.into_entry();
        self.entries.push(entry.clone());
        self.again.push(false);
        (self.package.clone(), entry)
    }

    fn again(&mut self, again: Again<'_>, (of, like): &Made) {
        assert_eq!(of, self.package, "it is like an entry of another history");
        let (ts, run) = (again.ts.as_str(), again.run.as_str());
        assert_eq!((again.ts.as_bytes(), again.run.as_bytes()), (ts.as_bytes(), run.as_bytes()));
        let is_like = |entry: &&Entry| {
            Entry { ts: like.ts.clone(), run: like.run.clone(), ..(*entry).clone() } == *like
        };
        let streak = self.entries.iter().rev().take_while(is_like).count();
        assert!(usize::try_from(again.streak).unwrap() <= streak, "{} of {streak}", again.streak);
        self.streaks.push(again.streak);
        self.entries.push(Entry { ts: ts.to_owned(), run: run.to_owned(), ..like.clone() });
        self.again.push(true);
    }
}

/// What is told of a package, and of which entries it was told that they are like an earlier one.
fn told(
    follower: &mut Follower<'_>,
    package: &PackageId,
    repeats: &mut Repeats<Made>,
) -> (Vec<Entry>, Vec<bool>) {
    let listener = || Listener { package, entries: Vec::new(), again: Vec::new(), streaks: Vec::new() };
    let mut listening = listener();
    let problems = follower.visit(package, repeats, &mut listening).unwrap();
    let mut expected = Vec::new();
    assert_eq!(follower.for_each(package, |entry| expected.push(entry.into_entry())).unwrap(), problems);
    assert_eq!(listening.entries, expected);

    // The other way to read a whole history tells the same.
    let mut other = listener();
    let followed = follower.read_visiting(package, repeats, &mut other).unwrap();
    assert_eq!(followed, follower.read(package, |_| ()).unwrap());
    assert_eq!((&other.entries, &other.again), (&listening.entries, &listening.again));
    (listening.entries, listening.again)
}

/// Histories that have these texts.
fn histories(texts: &[Vec<u8>]) -> (World, OpenFolder, Vec<PackageId>) {
    let world = World::new();
    let packages: Vec<PackageId> = (0..texts.len()).map(|at| format!("p{at}.1").parse().unwrap()).collect();
    for (package, text) in packages.iter().zip(texts) {
        let path = world.history.tree().history(package);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let folder = world.history.open_folder().unwrap().unwrap();
    (world, folder, packages)
}

fn start(number: usize) -> String {
    format!(r#"{{"ts":"2026-03-09T12:54:{number:02}Z","run":"2026-03-09-1254{number:02}""#)
}

fn end(hash: &str) -> String {
    format!(
        r#","build_hash":"{hash}","status":"success","category":"success","compiler":"5.3.0","blessed":true}}"#
    )
}

/// Of the lines with these starts and ends, which are told by an earlier one.
fn again(lines: &[(String, String)]) -> Vec<bool> {
    let text: String = lines.iter().map(|(start, end)| format!("{start}{end}\n")).collect();
    let (_world, folder, packages) = histories(&[text.into_bytes()]);
    told(&mut Follower::new(&folder), &packages[0], &mut Repeats::default()).1
}

#[test]
fn what_repeats_an_earlier_line_is_told_again() {
    let (escaped, long) = (end(r"a \u0062"), end(&"long".repeat(300)));
    let ends = [end("a"), end("b"), end("a"), end("b"), escaped.clone(), escaped, long.clone(), long];
    let lines: Vec<_> = ends.into_iter().enumerate().map(|(at, end)| (start(at), end)).collect();
    assert_eq!(again(&lines), [false, false, true, true, false, true, false, false]);
}

#[test]
fn an_entry_is_told_how_many_before_it_are_like_it() {
    let hashes = ["a", "a", "a", "a", "b", "a", "a", "b", "b", "b"];
    let mut lines: String = (0..).zip(hashes).map(|(at, hash)| start(at) + &end(hash) + "\n").collect();
    lines += &(start(10) + &end(&"long".repeat(300)) + "\n");
    lines += &(start(11) + &end("b") + "\n" + &start(12) + &end("b") + "\n");
    let (_world, folder, packages) = histories(&[lines.into_bytes()]);
    let (package, mut follower) = (&packages[0], Follower::new(&folder));
    let mut listener = Listener { package, entries: Vec::new(), again: Vec::new(), streaks: Vec::new() };
    follower.visit(package, &mut Repeats::default(), &mut listener).unwrap();
    assert_eq!(listener.streaks, [1, 2, 3, 0, 1, 0, 1, 2, 0, 1]);
}

#[test]
fn of_many_different_ends_the_newest_sixteen_are_known() {
    let lines = |count: usize| -> Vec<_> {
        (0..2 * count).map(|at| (start(at % 60), end(&(at % count).to_string()))).collect()
    };
    assert_eq!(again(&lines(16)), [[false; 16], [true; 16]].concat());
    assert_eq!(again(&lines(17)), [false; 34]);
}

#[test]
fn an_end_that_differs_in_one_byte_is_another() {
    let usual = end("build-a1b2c3d4e5f6");
    for at in 0..usual.len() {
        for other in [b"".to_vec(), b"0".to_vec(), [&usual.as_bytes()[at..=at], b"1"].concat()] {
            let mut changed = usual.clone().into_bytes();
            changed.splice(at..=at, other);
            let lines = [usual.as_bytes(), &changed, usual.as_bytes(), &changed];
            let lines = lines.iter().enumerate().map(|(at, end)| [start(at).as_bytes(), end, b"\n"].concat());
            let (_world, folder, packages) = histories(&[lines.flatten().collect()]);
            told(&mut Follower::new(&folder), &packages[0], &mut Repeats::default());
        }
    }
}

#[test]
fn what_was_of_another_history_is_forgotten() {
    let text = |hashes: &[&str]| -> Vec<u8> {
        hashes.iter().flat_map(|hash| (start(1) + &end(hash) + "\n").into_bytes()).collect()
    };
    let (_world, folder, packages) = histories(&[text(&["a", "b", "c"]), text(&["c", "a", "c"]), text(&[])]);
    let (mut follower, mut repeats) = (Follower::new(&folder), Repeats::default());
    let mut again = |package: usize| told(&mut follower, &packages[package], &mut repeats).1;
    assert_eq!(again(0), [false, false, false]);
    assert_eq!(again(1), [false, false, true]);
    assert!(again(2).is_empty());
    assert_eq!(again(0), [false, false, false]);
}

fn any_start() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => (0..60_usize).prop_map(|number| start(number).into_bytes()),
        1 => select(vec![
            &b""[..],
            b" ",
            b"{",
            b"\xef\xbb\xbf{\"ts\":\"1\",\"run\":\"2\"",
            b"{\"ts\":\"\",\"run\":\"\"",
            b"{\"ts\": \"1\",\"run\":\"2\"",
            b"{\"ts\":\"1\\n\",\"run\":\"\\u0032\"",
            b"{\"ts\":\"\xc3\xa9\",\"run\":\"2\"",
            b"{\"ts\":\"1\",\"run\":\"\xff\"",
            b"{\"ts\":\"1\",\"run\":\"2",
            b"{\"ts\":\"1\"",
            b"{\"ts\":1,\"run\":\"2\"",
        ]).prop_map(<[u8]>::to_vec),
    ]
}

/// Few ends that come often, more than are kept, and some of all kinds.
fn any_end() -> impl Strategy<Value = Vec<u8>> {
    let odd = [
        "".to_owned(),
        "}".to_owned(),
        end("a") + "\r",
        end("a") + " ",
        end("a") + &start(3) + &end("b"),
        end("a").replace('}', r#","ts":"other","run":"other"}"#),
        end("a").replace('}', r#","error":"caf\u00e9","failed_dep":"dep.1"}"#),
        end("a").replace('}', r#","error":null}"#),
        end("a").replace("true", "1"),
        end("a").replace(',', ", "),
        end("a").replace(r#""compiler":"5.3.0","#, ""),
        end(&"x".repeat(1024)),
    ];
    prop_oneof![
        6 => select(vec!["a", "b", "c"]).prop_map(|hash| end(hash).into_bytes()),
        3 => (0..24_usize).prop_map(|hash| end(&hash.to_string()).into_bytes()),
        2 => select(odd.to_vec()).prop_map(String::into_bytes),
        1 => (any::<Index>(), any::<u8>(), 0..3_usize).prop_map(|(place, byte, new)| {
            let mut bytes = end("a").into_bytes();
            let at = place.index(bytes.len());
            bytes.splice(at..=at, vec![byte; new]);
            bytes
        }),
    ]
}

/// Lines that repeat fill more than one block, so that one ends in the middle of such a line, at any place; the last
/// has its end or lacks it.
#[test]
fn a_line_that_repeats_is_told_wherever_the_blocks_end() {
    let line = start(1) + &end("a") + "\n";
    let lines = line.repeat((100 << 10) / line.len());
    let texts = (0..line.len()).step_by(11).flat_map(|shift| {
        let first = "x".repeat(shift) + "\n";
        [first.clone() + &lines, first + lines.trim_end_matches('\n')]
    });
    let texts: Vec<Vec<u8>> = texts.map(String::into_bytes).collect();
    let (_world, folder, packages) = histories(&texts);
    let (mut follower, mut repeats) = (Follower::new(&folder), Repeats::default());
    for package in &packages {
        assert!(told(&mut follower, package, &mut repeats).1.iter().skip(1).all(|again| *again));
    }
}

/// The start of a line and its end.
type Halves = (Vec<u8>, Vec<u8>);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_told_is_what_is_there(
        files in prop::collection::vec(
            (prop::collection::vec((any_start(), any_end()), 0..60), 0..3_usize),
            1..4,
        ),
    ) {
        let text = |(lines, cut): &(Vec<Halves>, usize)| {
            let mut text: Vec<u8> =
                lines.iter().flat_map(|(start, end)| [start, end, &b"\n"[..]].concat()).collect();
            text.truncate(text.len().saturating_sub(*cut));
            text
        };
        let texts: Vec<Vec<u8>> = files.iter().map(text).collect();
        let (_world, folder, packages) = histories(&texts);
        let (mut follower, mut repeats) = (Follower::new(&folder), Repeats::default());
        for package in packages.iter().chain(&packages) {
            told(&mut follower, package, &mut repeats);
        }
    }
}
