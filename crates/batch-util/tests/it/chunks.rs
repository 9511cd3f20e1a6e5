//! However a log is cut, the verdict is the same.

use buildbook_batch_util::{Exit, Scan, Verdict, classify_build, rules};
use proptest::collection::vec;
use proptest::prelude::*;

fn in_chunks(log: &[u8], sizes: &[usize], exit: Exit) -> Verdict {
    let mut scan = Scan::new();
    let mut rest = log;
    for size in sizes.iter().copied().cycle() {
        if rest.is_empty() {
            break;
        }
        let (chunk, tail) = rest.split_at(size.clamp(1, rest.len()));
        scan.feed(chunk);
        scan.feed(b"");
        rest = tail;
    }
    scan.finish(exit)
}

/// Pieces of logs: examples of rules, line ends, blanks, long runs, and bytes of no meaning.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let examples: Vec<&'static str> = rules().flat_map(|rule| [rule.example, rule.counter_example]).collect();
    prop_oneof![
        4 => proptest::sample::select(examples).prop_map(|text| text.as_bytes().to_vec()),
        4 => proptest::sample::select(vec!["\n", "\r\n", "\r", "\n\n", " ", ": ", "\x1b[31m", "\x1b[K", "Done.\n"])
            .prop_map(|text| text.as_bytes().to_vec()),
        2 => (prop_oneof![Just(b'x'), Just(b' '), Just(b':'), Just(b'\n')], 0..12_000_usize)
            .prop_map(|(byte, count)| vec![byte; count]),
        2 => vec(any::<u8>(), 0..40),
    ]
}

fn exit() -> impl Strategy<Value = Exit> {
    prop_oneof![
        Just(Exit::Unknown),
        Just(Exit::Code(1)),
        Just(Exit::Code(127)),
        Just(Exit::Signal(9)),
        Just(Exit::TimedOut)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_cut_gives_the_verdict_of_the_whole(
        pieces in vec(piece(), 0..14),
        sizes in vec(prop_oneof![1..60_usize, 1_000..20_000_usize], 1..6),
        exit in exit(),
    ) {
        let log = pieces.concat();
        prop_assert_eq!(in_chunks(&log, &sizes, exit), classify_build(&log, exit));
    }

    #[test]
    fn deciding_lines_are_where_they_say(pieces in vec(piece(), 0..14)) {
        let log = pieces.concat();
        for cause in classify_build(&log, Exit::Code(1)).causes {
            let offset = usize::try_from(cause.line.offset).unwrap();
            let before = log.get(..offset).unwrap();
            prop_assert_eq!(cause.line.number, 1 + before.iter().filter(|byte| **byte == b'\n').count() as u64);
            let after_an_end = before.last().is_none_or(|byte| *byte == b'\n' || *byte == b'\r');
            let in_a_long_line = before.iter().rev().take_while(|byte| **byte != b'\n' && **byte != b'\r').count() >= 8 * 1024;
            prop_assert!(after_an_end || in_a_long_line);
        }
    }
}

#[test]
fn a_byte_at_a_time_gives_the_same_verdict() {
    for rule in rules() {
        let log = format!("first line\n{}\nlast line\n", rule.example);
        assert_eq!(
            in_chunks(log.as_bytes(), &[1], Exit::Code(1)),
            classify_build(&log, Exit::Code(1)),
            "{}",
            rule.id
        );
    }
}

/// Tools colour parts of a message, and pagers erase to the end of a line in the middle of it.
#[test]
fn an_escape_anywhere_in_a_log_hides_nothing_however_it_is_fed() {
    let means = |verdict: &Verdict| {
        let causes: Vec<_> =
            verdict.causes.iter().map(|cause| (cause.rule.clone(), cause.line.text.clone())).collect();
        (verdict.category.clone(), causes)
    };
    for rule in rules() {
        let plain = format!("first line\n{}\nlast line\n", rule.example);
        let expected = means(&classify_build(&plain, Exit::Code(2)));
        for at in 0..=plain.len() {
            let (before, after) = plain.as_bytes().split_at(at);
            let log = [before, b"\x1b[1m", after].concat();
            let whole = classify_build(&log, Exit::Code(2));
            assert_eq!(means(&whole), expected, "{}: {}", rule.id, log.escape_ascii());
            for size in [1, 7, 20, 1000] {
                let fed = in_chunks(&log, &[size], Exit::Code(2));
                assert_eq!(fed, whole, "{} by {size}: {}", rule.id, log.escape_ascii());
            }
        }
    }
}
