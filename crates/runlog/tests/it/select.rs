use buildbook_runlog::Error;

use crate::{empty, finish, id, start, tree};

#[test]
fn a_run_is_found_by_latest_by_name_and_by_a_unique_beginning() {
    let (_folder, log) = empty();
    let finished = finish(log.start_run(start()).unwrap());
    for name in ["2026-03-09-125444-002", "2026-03-10-080000"] {
        std::fs::create_dir_all(tree(&log, &id(name)).path()).unwrap();
    }
    let table = [
        ("latest", "2026-03-09-125444"),
        ("2026-03-09-125444", "2026-03-09-125444"),
        ("2026-03-09-125444-002", "2026-03-09-125444-002"),
        ("2026-03-09-125444-0", "2026-03-09-125444-002"),
        ("2026-03-10", "2026-03-10-080000"),
    ];
    for (selector, expected) in table {
        assert_eq!(log.resolve(selector).unwrap().as_str(), expected, "{selector}");
    }
    assert_eq!(finished.as_str(), "2026-03-09-125444");
}

#[test]
fn an_ambiguous_beginning_names_the_candidates() {
    let (_folder, log) = empty();
    let names = ["2026-03-09-125444", "2026-03-09-125444-002", "2026-03-09-130000", "2026-03-09-140000"];
    for name in names {
        std::fs::create_dir_all(tree(&log, &id(name)).path()).unwrap();
    }
    match log.resolve("2026-03-09-12").unwrap_err() {
        Error::AmbiguousRun { selector, candidates } => {
            assert_eq!(selector, "2026-03-09-12");
            assert_eq!(candidates, [id("2026-03-09-125444"), id("2026-03-09-125444-002")]);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(
        log.resolve("2026").unwrap_err().to_string(),
        "4 runs are called \"2026\", such as 2026-03-09-125444, 2026-03-09-125444-002, 2026-03-09-130000, …"
    );
}

#[test]
fn what_no_run_is_called_is_an_error_and_never_a_path() {
    let (_folder, log) = empty();
    for selector in ["latest", "2026", "", ".", "..", "../..", "2026-03-09-125444/../..", "\0"] {
        let error = log.resolve(selector).unwrap_err();
        assert!(matches!(&error, Error::NoSuchRun { selector: named } if named == selector), "{error:?}");
    }
    std::fs::create_dir_all(tree(&log, &id("2026-03-09-125444")).path()).unwrap();
    for selector in ["", "2025", "2026-03-09-125444-", "2026-03-09-1254440", "latest"] {
        assert!(matches!(log.resolve(selector), Err(Error::NoSuchRun { .. })), "{selector:?}");
    }
}
