use std::io::Write as _;

use buildbook_fsio::faults::{Fault, count, inject};
use buildbook_layout::Category;
use buildbook_runlog::{Error, Event, EventKind, EventStatus, Events, Logged, Run, Via};
use proptest::prelude::*;
use time::UtcOffset;

use crate::{empty, event, package, start};

fn text(run: &Run) -> String {
    std::fs::read_to_string(run.tree().events()).unwrap()
}

#[test]
fn a_line_has_the_keys_of_the_original_in_its_order_and_then_our_own() {
    let (_folder, log) = empty();
    let log = log.with_utc_offset(UtcOffset::from_hms(1, 0, 0).unwrap());
    let run = log.start_run(start()).unwrap();
    let plain = event("a.1", "0123456789abcdef0123456789abcdef");
    let full = Event {
        layer_dir: "/c/build-b00000000000".to_owned(),
        failed_dep: Some(package("a.1")),
        category: Some(Category::new(Category::BUILD_FAILURE)),
        seconds: Some(2.0),
        line: Some(17),
        via: Some(Via::Built),
        ..Event::new(EventKind::DocAll, package("b.1"), "b", EventStatus::Fail)
    };
    run.log_build_result(&plain, start()).unwrap();
    run.log_build_result(&full, start()).unwrap();
    assert_eq!(
        text(&run),
        "{\"t\":\"2026-03-09T13:54:44\",\"kind\":\"build\",\"pkg\":\"a.1\",\
         \"hash\":\"0123456789abcdef0123456789abcdef\",\"status\":\"ok\"}\n\
         {\"t\":\"2026-03-09T13:54:44\",\"kind\":\"doc-all\",\"pkg\":\"b.1\",\"hash\":\"b\",\"status\":\"fail\",\
         \"layer_dir\":\"/c/build-b00000000000\",\"failed_dep\":\"a.1\",\"category\":\"build_failure\",\
         \"seconds\":2.0,\"line\":17,\"via\":\"built\"}\n"
    );
    let t = "2026-03-09T13:54:44".to_owned();
    let expected = [Logged { t: t.clone(), event: plain }, Logged { t, event: full }];
    assert_eq!(log.events(run.id()).unwrap().events, expected);
}

#[test]
fn lines_that_cannot_be_understood_are_reported_and_hide_no_other() {
    let (_folder, log) = empty();
    let run = log.start_run(start()).unwrap();
    run.log_build_result(&event("a.1", "h1"), start()).unwrap();
    let mut file = std::fs::OpenOptions::new().append(true).open(run.tree().events()).unwrap();
    let bad: [&[u8]; 8] = [
        b"",
        b"  \t",
        b"not json",
        b"\0\0\0\0\0",
        b"{\"t\":\"x\",\"kind\":\"build\",\"hash\":\"h\",\"status\":\"ok\"}",
        b"{\"kind\":\"build\",\"pkg\":\"../../x.1\",\"hash\":\"h\",\"status\":\"ok\"}",
        b"{\"kind\":\"build\",\"pkg\":\"a.1\"}{\"kind\":\"build\"}",
        b"\xef\xbb\xbf{\"kind\":\"upload\",\"pkg\":\"c.1\",\"hash\":\"h3\",\"status\":\"maybe\",\"seconds\":3,\"x\":\"\xff\"}",
    ];
    for line in bad {
        file.write_all(line).unwrap();
        file.write_all(b"\n").unwrap();
    }
    run.log_build_result(&event("b.1", "h2"), start()).unwrap();
    let found = log.events(run.id()).unwrap();
    let packages: Vec<&str> = found.events.iter().map(|logged| logged.event.pkg.as_str()).collect();
    assert_eq!(packages, ["a.1", "c.1", "b.1"]);
    assert_eq!(found.events[1].event.kind, EventKind::Other("upload".to_owned()));
    assert_eq!(found.events[1].event.status, EventStatus::Other("maybe".to_owned()));
    assert_eq!(found.events[1].event.seconds, Some(3.0));
    assert_eq!(found.problems.iter().map(|bad| bad.number).collect::<Vec<_>>(), [4, 5, 6, 7, 8]);
    assert!(found.problems[2].to_string().contains("missing field `pkg`"), "{}", found.problems[2]);
    assert!(!found.cut_off);
}

#[test]
fn a_last_line_that_is_being_written_is_not_a_problem() {
    let (_folder, log) = empty();
    let run = log.start_run(start()).unwrap();
    run.log_build_result(&event("a.1", "h1"), start()).unwrap();
    let whole = text(&run);
    for cut in 1..whole.len() {
        std::fs::write(run.tree().events(), &whole[..whole.len() - cut]).unwrap();
        let found = log.events(run.id()).unwrap();
        assert!(found.problems.is_empty(), "{cut}");
        // Without its line feed alone, the line says all that it would say with it.
        assert_eq!(
            (found.events.len(), found.cut_off),
            if cut == 1 { (1, false) } else { (0, true) },
            "{cut}"
        );
    }
}

#[test]
fn a_line_after_one_that_was_cut_off_is_whole() {
    let (_folder, log) = empty();
    let run = log.start_run(start()).unwrap();
    std::fs::write(run.tree().events(), "{\"t\":\"2026").unwrap();
    run.log_build_result(&event("a.1", "h1"), start()).unwrap();
    let found = log.events(run.id()).unwrap();
    assert_eq!((found.events.len(), found.problems.len(), found.cut_off), (1, 1, false));
}

#[test]
fn a_full_disk_is_an_error_that_leaves_no_part_and_blocks_no_later_call() {
    let (_folder, log) = empty();
    let run = log.start_run(start()).unwrap();
    run.log_build_result(&event("a.1", "h1"), start()).unwrap();
    let before = text(&run);
    let (_, calls) = count(|| run.log_build_result(&event("b.1", "h2"), start()).unwrap());
    assert_eq!(calls.len(), 1, "{calls:?}");
    let after = text(&run);
    assert_ne!(before, after);
    let failed =
        inject(0, Fault::FailTorn(nix::libc::ENOSPC), || run.log_build_result(&event("c.1", "h3"), start()));
    assert!(matches!(failed, Err(Error::File(_))), "{failed:?}");
    assert_eq!(text(&run), after);
    std::thread::scope(|scope| {
        scope.spawn(|| run.log_build_result(&event("d.1", "h4"), start()).unwrap());
    });
    assert_eq!(log.events(run.id()).unwrap().events.len(), 3);
}

#[test]
fn a_node_that_was_logged_twice_has_one_result() {
    let (_folder, log) = empty();
    let run = log.start_run(start()).unwrap();
    let tool = Event::new(EventKind::Tool, package("odoc.3"), "h1", EventStatus::Ok);
    let failed = Event::new(EventKind::Build, package("a.1"), "h2", EventStatus::Fail);
    let events = [
        tool.clone(),
        failed.clone(),
        Event { kind: EventKind::Build, ..tool.clone() },
        Event { status: EventStatus::Ok, seconds: Some(1.5), ..failed },
        event("b.1", ""),
        event("c.1", ""),
    ];
    for event in &events {
        run.log_build_result(event, start()).unwrap();
    }
    let results = log.events(run.id()).unwrap().results();
    let results: Vec<Event> = results.into_iter().map(|logged| logged.event).collect();
    assert_eq!(results[0], tool, "the original repeats a tool as a build");
    assert_eq!(results[1], events[3], "the last try counts");
    assert_eq!(results[2..], events[4..], "lines without a hash stand for themselves");
}

proptest! {
    #[test]
    fn results_have_each_hash_once_with_its_first_kind_and_last_status(
        lines in prop::collection::vec(("[abc]{0,1}", "build|tool|doc", "ok|fail|cascade"), 0..30)
    ) {
        let logged = |(number, (hash, kind, status)): (usize, &(String, String, String))| Logged {
            t: number.to_string(),
            event: Event::new(kind.as_str().into(), package("a.1"), hash, status.as_str().into()),
        };
        let mut events = Events::default();
        events.events = lines.iter().enumerate().map(logged).collect();
        // Said again, slowly: a line is the first of its hash, and looks its last one up.
        let expected: Vec<Logged> = lines.iter().enumerate()
            .filter(|(at, (hash, ..))| hash.is_empty() || !lines[..*at].iter().any(|line| line.0 == *hash))
            .map(|(at, first)| {
                let last = match first.0.as_str() {
                    "" => at,
                    hash => lines.iter().rposition(|line| line.0 == hash).unwrap(),
                };
                let kind = first.1.as_str().into();
                let Logged { t, event } = logged((last, &lines[last]));
                Logged { t, event: Event { kind, ..event } }
            })
            .collect();
        prop_assert_eq!(events.results(), expected);
    }

    #[test]
    fn no_bytes_make_reading_fail(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let (_folder, log) = empty();
        let run = log.start_run(start()).unwrap();
        std::fs::write(run.tree().events(), &bytes).unwrap();
        let found = log.events(run.id()).unwrap();
        prop_assert!(found.events.is_empty());
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !String::from_utf8_lossy(line).trim_start_matches('\u{feff}').trim().is_empty());
        prop_assert_eq!(found.problems.len() + usize::from(found.cut_off), lines.count());
    }
}

#[test]
fn of_a_key_that_is_there_twice_the_first_counts() {
    let (_folder, log) = empty();
    let run = log.start_run(start()).unwrap();
    let line = r#"{"t":"one","kind":"build","pkg":"a.1","t":2,"hash":"h","status":"ok","status":"fail","line":1,"line":"x"}"#;
    std::fs::write(run.tree().events(), format!("{line}\n")).unwrap();
    let found = log.events(run.id()).unwrap();
    assert!(found.problems.is_empty(), "{:?}", found.problems);
    let logged = &found.events[0];
    assert_eq!((logged.t.as_str(), logged.event.line), ("one", Some(1)));
    assert_eq!(logged.event.status, EventStatus::Ok);
}

#[test]
fn the_reason_of_a_bad_line_is_short_however_long_the_line() {
    let (_folder, log) = empty();
    let run = log.start_run(start()).unwrap();
    let line = format!(
        r#"{{"kind":"build","pkg":"a.1","hash":"h","status":"ok","line":"{}"}}"#,
        "long ".repeat(100_000)
    );
    std::fs::write(run.tree().events(), line + "\n").unwrap();
    let found = log.events(run.id()).unwrap();
    assert!(found.problems[0].reason.starts_with("invalid type: string \"long "), "{}", found.problems[0]);
    assert!(found.problems[0].reason.len() < 500, "{} bytes", found.problems[0].reason.len());
}

#[test]
fn an_event_that_no_reader_would_accept_is_refused() {
    let (_folder, log) = empty();
    let run = log.start_run(start()).unwrap();
    let fits = Event { error: Some("x".repeat(buildbook_fsio::MAX_LINE_BYTES - 200)), ..event("a.1", "h1") };
    run.log_build_result(&fits, start()).unwrap();
    let long = Event { error: Some("x".repeat(buildbook_fsio::MAX_LINE_BYTES)), ..event("b.1", "h2") };
    let refused = run.log_build_result(&long, start()).unwrap_err();
    assert!(matches!(&refused, Error::EventTooLong { path, .. } if *path == run.tree().events()));
    let found = log.events(run.id()).unwrap();
    assert_eq!((found.events.len(), found.problems.len(), found.cut_off), (1, 0, false));
}

#[test]
fn what_stands_behind_a_key_that_is_not_known_is_not_even_looked_at() {
    let (_folder, log) = empty();
    let run = log.start_run(start()).unwrap();
    // Whoever kept it in memory would have to stop at some depth, and at some size of numbers.
    let deep = format!("{}1e9999{}", "[".repeat(100_000), "]".repeat(100_000));
    let line = format!(r#"{{"x":{deep},"kind":"build","pkg":"a.1","hash":"h","status":"ok"}}"#);
    std::fs::write(run.tree().events(), line + "\n").unwrap();
    std::fs::write(run.tree().solve(), format!(r#"{{"timestamp":"t","solved":8,"x":{deep},"failed":1}}"#))
        .unwrap();
    assert_eq!(log.events(run.id()).unwrap().events.len(), 1);
    assert_eq!(log.solve(run.id()).unwrap().unwrap().record.solved, 8);
}

#[test]
fn very_many_bad_lines_are_counted_and_hide_no_good_one() {
    let (_folder, log) = empty();
    let run = log.start_run(start()).unwrap();
    std::fs::write(run.tree().events(), "x\n".repeat(1001)).unwrap();
    let found = log.events(run.id()).unwrap();
    assert_eq!(found.problems.len(), 1001);
    assert!(!found.problems[1000].reason.contains("after it"), "{}", found.problems[1000]);

    std::fs::write(run.tree().events(), "x\n".repeat(50_000)).unwrap();
    run.log_build_result(&event("a.1", "h1"), start()).unwrap();
    let found = log.events(run.id()).unwrap();
    assert_eq!((found.events.len(), found.problems.len()), (1, 1001));
    assert!(found.problems[999].to_string().starts_with("line 1000: "));
    assert!(
        found.problems[1000].reason.ends_with("; and 48999 bad lines after it"),
        "{}",
        found.problems[1000]
    );
}
