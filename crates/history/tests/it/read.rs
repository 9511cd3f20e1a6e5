use buildbook_fsio::MAX_LINE_BYTES;
use buildbook_history::{Error, Problem, Reader, Reason, Retention};

use crate::{World, entry, line, tag, time};

/// One line between two good ones: what is wrong with it, and which entries are found in it.
fn check(between: &[u8], reason: Option<Reason>, salvaged: &[&str]) {
    let mut bytes = line(&entry("first")).into_bytes();
    let offset = bytes.len() as u64;
    bytes.extend_from_slice(between);
    bytes.push(b'\n');
    bytes.extend_from_slice(line(&entry("last")).as_bytes());
    let world = World::with(bytes);
    let what = String::from_utf8_lossy(between).chars().take(80).collect::<String>();

    let reading = world.history.read(&world.package).unwrap();
    let mut expected = vec!["first"];
    expected.extend(salvaged);
    expected.push("last");
    expected.reverse();
    let tags: Vec<String> = reading.entries.into_iter().map(tag).collect();
    assert_eq!(tags, expected, "{what}");
    assert_eq!(reading.problems.len(), usize::from(reason.is_some()), "{what}: {:?}", reading.problems);
    if let (Some(problem), Some(reason)) = (reading.problems.first(), &reason) {
        assert_eq!(
            (problem.line, problem.offset, problem.salvaged),
            (Some(2), offset, salvaged.len()),
            "{what}"
        );
        assert_eq!(problem.reason, *reason, "{what}");
    }

    let from_end = world.history.newest(&world.package, usize::MAX).unwrap();
    assert_eq!(from_end.entries.into_iter().map(tag).collect::<Vec<_>>(), expected, "{what}, from the end");
    assert_eq!(
        from_end.problems.first().map(|problem| (problem.line, problem.offset)),
        reason.map(|_| (None, offset))
    );
}

#[test]
fn bad_lines_are_skipped_and_reported() {
    check(br#"{"ts":"2026-01-0"#, Some(Reason::CutOff), &[]);
    check(b"   ", Some(Reason::Blank), &[]);
    check(b"\0\0\0\0", Some(Reason::Nul), &[]);
    check(b"some words", Some(Reason::NotJson), &[]);
    check(b"{'a':1}", Some(Reason::NotJson), &[]);
    check(b"\xff\xfe\x80", Some(Reason::NotJson), &[]);
    check(b"[1,2,3]", Some(Reason::NotAnEntry("invalid type: sequence, expected an object".into())), &[]);
    check(b"null", Some(Reason::NotAnEntry("invalid type: null, expected an object".into())), &[]);
    check(b"{}", Some(Reason::NotAnEntry("missing field `ts`".into())), &[]);
    check(
        br#"{"ts":1}"#,
        Some(Reason::NotAnEntry("invalid type: integer `1`, expected a string".into())),
        &[],
    );
}

#[test]
fn empty_lines_and_line_ends_of_other_systems_are_no_problem() {
    check(b"", None, &[]);
    check(b"\r", None, &[]);
    check((line(&entry("windows")).trim_end().to_owned() + "\r").as_bytes(), None, &["windows"]);
    check(format!("  {}  ", line(&entry("spaced")).trim_end()).as_bytes(), None, &["spaced"]);
}

#[test]
fn entries_are_salvaged_from_a_line_with_debris() {
    let (a, b) = (line(&entry("a")), line(&entry("b")));
    let (a, b) = (a.trim_end(), b.trim_end());
    let glued = Some(Reason::Glued);
    check(format!("{{\"ts\":\"2026-01-0{a}").as_bytes(), glued.clone(), &["a"]);
    check(format!("\0\0\0{a}").as_bytes(), glued.clone(), &["a"]);
    check(format!("{a}{b}").as_bytes(), glued.clone(), &["a", "b"]);
    check(format!("{a} {b}{{\"ts\":").as_bytes(), glued.clone(), &["a", "b"]);
    check(format!("{{\"ts\":5}}{a}").as_bytes(), glued.clone(), &["a"]);
    check(format!("{a} x").as_bytes(), glued.clone(), &["a"]);
    check(
        format!("{{\"ts\":\"t\",\"error\":\"{{\\\"a\\\":1}} caf\u{e9}{a}\0{b}").as_bytes(),
        glued.clone(),
        &["a", "b"],
    );
    let mut latin = b"{\"ts\":\"caf\xe9".to_vec();
    latin.extend_from_slice(a.as_bytes());
    check(&latin, glued, &["a"]);
}

#[test]
fn an_entry_inside_another_object_is_not_taken_for_one() {
    let inner = line(&entry("inner"));
    let outer = format!("{{\"previous\":{}}}", inner.trim_end());
    check(outer.as_bytes(), Some(Reason::NotAnEntry("missing field `ts`".into())), &[]);
    check(format!("{outer}{outer}").as_bytes(), Some(Reason::NotJson), &[]);
}

#[test]
fn a_hostile_line_costs_no_more_than_a_long_one() {
    let nested = "{\"ts\":\"t\",\"x\":".repeat(200_000);
    let start = std::time::Instant::now();
    check(nested.as_bytes(), Some(Reason::CutOff), &[]);
    check("{\"".repeat(500_000).as_bytes(), Some(Reason::NotJson), &[]);
    check("[".repeat(100_000).as_bytes(), Some(Reason::NotJson), &[]);
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

#[test]
fn a_line_of_any_length_is_passed_over_in_bounded_memory() {
    let mut long = line(&entry(&"x".repeat(MAX_LINE_BYTES))).into_bytes();
    long.pop();
    check(&long, Some(Reason::TooLong { bytes: long.len() as u64 }), &[]);
}

#[test]
fn the_last_line_may_lack_its_end() {
    let whole = line(&entry("a")) + line(&entry("b")).trim_end();
    assert_eq!(World::with(&whole).tags(), ["b", "a"]);
    let torn = World::with(line(&entry("a")) + "{\"ts\":\"2026-01-0");
    let reading = torn.history.read(&torn.package).unwrap();
    assert_eq!(reading.entries.len(), 1);
    assert_eq!((reading.problems[0].line, &reading.problems[0].reason), (Some(2), &Reason::CutOff));
}

#[test]
fn a_mark_of_the_encoding_at_the_start_is_passed_over() {
    let marked = World::with("\u{feff}".to_owned() + &line(&entry("a")) + &line(&entry("b")));
    let reading = marked.history.read(&marked.package).unwrap();
    assert_eq!((reading.entries.len(), reading.problems.len()), (2, 0));
    assert_eq!(marked.history.newest(&marked.package, 9).unwrap().problems, []);
    let alone = World::with("\u{feff}");
    assert_eq!(alone.history.read(&alone.package).unwrap(), Default::default());
    check("\u{feff}{}".as_bytes(), Some(Reason::NotJson), &[]);
}

#[test]
fn bytes_that_are_not_utf8_are_replaced() {
    let mut bytes = line(&entry("caf?, truncated ??")).into_bytes();
    for (byte, wanted) in bytes.iter_mut().filter(|byte| **byte == b'?').zip([0xe9, 0xe2, 0x88]) {
        *byte = wanted;
    }
    let world = World::with(&bytes);
    let reading = world.history.read(&world.package).unwrap();
    assert_eq!(tag(reading.entries[0].clone()), "caf\u{fffd}, truncated \u{fffd}");
    assert_eq!(reading.problems, []);
}

#[test]
fn a_missing_and_an_empty_history_have_no_entries() {
    for world in [World::new(), World::with("")] {
        assert_eq!(world.history.read(&world.package).unwrap(), Default::default());
        assert_eq!(world.history.read_latest(&world.package).unwrap(), Default::default());
        assert_eq!(world.history.read_blessed(&world.package).unwrap(), Default::default());
        assert_eq!(world.history.newest(&world.package, 3).unwrap(), Default::default());
    }
}

#[test]
fn what_is_not_a_file_is_an_error_and_not_an_empty_history() {
    let world = World::new();
    std::fs::create_dir_all(world.path()).unwrap();
    let error = world.history.read(&world.package).unwrap_err();
    assert!(matches!(error, Error::File(_)), "{error}");
    assert_eq!(error.path(), world.path());
    assert!(world.history.newest(&world.package, 1).is_err());
}

#[test]
fn latest_is_the_newest_entry_of_every_hash_the_newest_first() {
    let hashes = ["h1", "h2", "h1", "h3", "h2"];
    let text: String = hashes
        .iter()
        .enumerate()
        .map(|(n, hash)| line(&crate::Entry { build_hash: (*hash).into(), ..entry(&n.to_string()) }))
        .collect();
    let world = World::with(text);
    let latest = world.history.read_latest(&world.package).unwrap();
    let found: Vec<(String, String)> =
        latest.entries.into_iter().map(|entry| (entry.build_hash.clone(), tag(entry))).collect();
    assert_eq!(found, [("h2", "4"), ("h3", "3"), ("h1", "2")].map(|(h, n)| (h.to_owned(), n.to_owned())));
}

#[test]
fn blessed_is_the_newest_one_however_far_back() {
    let mut text = line(&crate::Entry { blessed: true, ..entry("older") });
    text += &line(&crate::Entry { blessed: true, ..entry("blessed") });
    (0..2000).for_each(|_| text += &line(&entry("later")));
    text += "torn";
    let world = World::with(text);
    let blessed = world.history.read_blessed(&world.package).unwrap();
    assert_eq!(blessed.entry.map(tag).as_deref(), Some("blessed"));
    assert_eq!(blessed.problems.len(), 1, "the torn line is on the way");
    world.put(line(&entry("never")));
    assert_eq!(world.history.read_blessed(&world.package).unwrap().entry, None);
}

#[test]
fn the_newest_few_do_not_touch_the_rest_of_the_file() {
    let mut text = "not an entry\n".repeat(100_000);
    (0..5).for_each(|n| text += &line(&entry(&n.to_string())));
    let world = World::with(text);
    let newest = world.history.newest(&world.package, 3).unwrap();
    assert_eq!(newest.problems, [], "the bad lines further up were not read");
    assert_eq!(newest.entries.into_iter().map(tag).collect::<Vec<_>>(), ["4", "3", "2"]);
    assert_eq!(world.history.newest(&world.package, 0).unwrap(), Default::default());
    let problems = world.history.newest(&world.package, 6).unwrap().problems;
    assert_eq!(problems.iter().map(Problem::lines).sum::<u64>(), 100_000);
}

#[test]
fn entries_are_passed_over_in_the_order_of_the_file() {
    let world = World::with(line(&entry("a")) + "bad\n" + &line(&entry("b")));
    let mut seen = Vec::new();
    let problems =
        world.history.for_each(&world.package, |entry| seen.push(entry.error.unwrap().into_owned())).unwrap();
    assert_eq!((seen, problems.len()), (vec!["a".to_owned(), "b".to_owned()], 1));
}

/// Every two bytes of a file can be a broken line.
#[test]
fn a_hundred_thousand_broken_lines_are_counted_and_not_told_one_by_one() {
    let world = World::with("1\n".repeat(50_000) + &line(&entry("a")) + &"x\n".repeat(50_000));
    let reading = world.history.read(&world.package).unwrap();
    assert_eq!(reading.entries.len(), 1);
    assert!(reading.problems.len() < 2000);
    assert_eq!(reading.problems.iter().map(Problem::lines).sum::<u64>(), 100_000);
    let newest = world.history.newest(&world.package, 2).unwrap();
    assert_eq!(newest.problems.iter().map(Problem::lines).sum::<u64>(), 100_000);
    assert_eq!(newest.problems.len(), reading.problems.len());
    let compacted = world.history.compact(&world.package, &Retention::days(0), time("2099-01-01T00:00:00Z"));
    assert_eq!(compacted.unwrap().problems, reading.problems);
}

#[test]
fn one_reader_reads_many_histories_and_each_is_numbered_from_its_start() {
    let world = World::with(line(&entry("one")) + "torn");
    let mut reader = world.history.reader();
    let read = |reader: &mut Reader, package: &str| {
        let mut tags = Vec::new();
        let problems =
            reader.for_each(&package.parse().unwrap(), |entry| tags.push(tag(entry.into_entry()))).unwrap();
        (tags, problems.into_iter().map(|problem| (problem.line, problem.offset)).collect::<Vec<_>>())
    };
    let long = entry(&"long".repeat(100_000));
    for other in ["b.1", "c.1"] {
        let path = world.history.tree().history(&other.parse().unwrap());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "\n[1]\n".to_owned() + &line(&long) + &line(&entry(other))).unwrap();
    }
    let first = line(&entry("one")).len() as u64;
    for _ in 0..2 {
        assert_eq!(read(&mut reader, "b.1"), (vec![tag(long.clone()), "b.1".to_owned()], vec![(Some(2), 1)]));
        assert_eq!(read(&mut reader, "nothing.1"), (vec![], vec![]));
        assert_eq!(
            read(&mut reader, world.package.as_str()),
            (vec!["one".to_owned()], vec![(Some(2), first)])
        );
        assert_eq!(read(&mut reader, "c.1").0, [tag(long.clone()), "c.1".to_owned()]);
    }
}
