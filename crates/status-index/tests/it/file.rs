use std::path::Path;

use buildbook_atomic_swap::recover;
use buildbook_fsio::faults::{Fault, count, inject};
use buildbook_layout::Kind;
use buildbook_status_index::{Durability, Error, Status, inspect, read, write};

use crate::World;

fn status() -> Status {
    let world = World::new();
    world.record("a.1", 0, "A", "success", true);
    world.record("a.1", 1, "B", "build_failure", true);
    world.record("b.1", 1, "C", "doc_success", false);
    let previous = world.generate(0, None).status;
    world.generate(1, Some(&previous)).status
}

fn put(folder: &Path, text: impl AsRef<[u8]>) {
    std::fs::write(folder.join("status.json"), text).unwrap();
}

#[test]
fn what_is_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    for durability in [Durability::Cached, Durability::Synced] {
        write(folder.path(), &status(), durability).unwrap();
        assert_eq!(read(folder.path()).unwrap(), Some(status()));
    }
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "no temporary file stays");
}

#[test]
fn keys_are_those_of_the_original_and_then_our_own() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &status(), Durability::Cached).unwrap();
    let text = std::fs::read_to_string(folder.path().join("status.json")).unwrap();
    assert_eq!(
        text,
        r#"{
  "generated": "2026-06-01T00:00:00Z",
  "run_id": "2026-01-01-000001",
  "blessed_totals": {
    "build_failure": 1
  },
  "non_blessed_totals": {
    "doc_success": 1,
    "success": 1
  },
  "changes_since_last": [
    {
      "package": "a.1",
      "build_hash": "B",
      "blessed": true,
      "from": "success",
      "to": "build_failure",
      "kind": "build",
      "from_hash": "A",
      "run": "2026-01-01-000001",
      "what": "new_failure"
    }
  ],
  "new_packages": [
    "b.1"
  ],
  "version": 1,
  "since": "2026-01-01-000000"
}
"#
    );
}

#[test]
fn missing_corrupt_and_too_new_are_three_answers() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(read(folder.path()), Ok(None)));
    assert!(matches!(read(&folder.path().join("no folder")), Ok(None)));
    for text in [
        "",
        "{",
        "[]",
        "null",
        r#"{"generated":"x"}"#,
        r#"{"run_id":"x"}"#,
        r#"{"generated":1,"run_id":"x"}"#,
        r#"{"generated":"x","run_id":"x","version":"two"}"#,
        "\0\0\0",
    ] {
        put(folder.path(), text);
        let error = read(folder.path()).unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{text}: {error}");
        assert_eq!(error.path(), folder.path().join("status.json"));
    }
    put(folder.path(), r#"{"version":2,"what this is":"not known yet"}"#);
    assert!(matches!(read(folder.path()), Err(Error::TooNew { version: 2, .. })));
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    put(folder.path(), nested);
    assert!(matches!(read(folder.path()), Err(Error::Corrupt { .. })));
    std::fs::remove_file(folder.path().join("status.json")).unwrap();
    std::fs::create_dir(folder.path().join("status.json")).unwrap();
    assert!(matches!(read(folder.path()), Err(Error::File(_))));
}

#[test]
fn a_newer_file_is_not_overwritten_and_a_corrupt_one_is() {
    let folder = tempfile::tempdir().unwrap();
    let newer = r#"{"generated":"x","run_id":"y","version":99}"#;
    put(folder.path(), newer);
    let error = write(folder.path(), &status(), Durability::Cached).unwrap_err();
    assert!(matches!(error, Error::TooNew { version: 99, .. }), "{error}");
    assert_eq!(std::fs::read_to_string(folder.path().join("status.json")).unwrap(), newer);
    put(folder.path(), "{\"generated\":");
    write(folder.path(), &status(), Durability::Cached).unwrap();
    assert_eq!(read(folder.path()).unwrap(), Some(status()));
}

#[test]
fn what_cannot_be_used_is_left_out_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    put(
        folder.path(),
        br#"{"run_id":"caf\u00e9 r1","generated":"latin ?","blessed_totals":{"success":3,"x":"many","y":-1},
            "non_blessed_totals":[],"new_packages":["a.1","../b",5],"unknown":{},
            "changes_since_last":[
              {"package":"a.1","build_hash":"h","blessed":true,"from":"doc_failure","to":"doc_success","what":"improved"},
              {"package":"a.1","build_hash":"h","blessed":true,"from":"success"},
              {"package":"../a","build_hash":"h","blessed":true,"from":"success","to":"x"}, 7]}"#
            .map(|byte| if byte == b'?' { 0xe9 } else { byte }),
    );
    let inspected = inspect(folder.path()).unwrap().unwrap();
    assert_eq!(inspected.problems.len(), 8, "{:?}", inspected.problems);
    let status = inspected.status;
    assert_eq!((status.run_id.as_str(), status.generated.as_str()), ("café r1", "latin \u{fffd}"));
    assert_eq!(status.run(), None);
    assert_eq!(crate::totals(&status.blessed_totals), [("success", 3)]);
    assert_eq!((status.new_packages.len(), status.changes.len(), status.version), (1, 1, 1));
    let change = &status.changes[0];
    assert_eq!((change.kind, change.what, change.from_hash.as_deref()), (Kind::Doc, None, None));
    assert_eq!(read(folder.path()).unwrap(), Some(status));
}

/// A hostile file has one for every two bytes, and could fill the memory with words about them.
#[test]
fn very_many_items_that_cannot_be_used_are_told_together() {
    let folder = tempfile::tempdir().unwrap();
    let (items, long) = (vec!["0"; 100_000].join(","), "c".repeat(100_000));
    let text = format!(
        r#"{{"generated":"g","run_id":"r","blessed_totals":{{"{long}":""}},"changes_since_last":[{items}]}}"#
    );
    put(folder.path(), text);
    let problems = inspect(folder.path()).unwrap().unwrap().problems;
    assert_eq!(problems.len(), 1001);
    assert!(problems[0].len() < 200, "a message does not repeat a long text");
    assert_eq!(problems[1], "changes_since_last: item 1 is not complete");
    assert_eq!(problems[1000], "and 99001 more");
}

#[test]
fn of_a_key_that_is_there_twice_the_first_counts() {
    let folder = tempfile::tempdir().unwrap();
    put(
        folder.path(),
        r#"{"generated":"g","run_id":"r","generated":5,"blessed_totals":{"success":1,"success":2},"version":1,
            "new_packages":["a.1"],"new_packages":["b.1"],"version":9,"blessed_totals":null,
            "changes_since_last":[{"package":"a.1","build_hash":"h","blessed":true,"from":"x","to":"y","to":"z"}]}"#,
    );
    let Some(status) = read(folder.path()).unwrap() else { panic!("it is there") };
    assert_eq!((status.generated.as_str(), status.version), ("g", 1));
    assert_eq!(crate::totals(&status.blessed_totals), [("success", 1)]);
    assert_eq!(status.new_packages[0].to_string(), "a.1");
    assert_eq!(status.changes[0].to_status.as_str(), "y");
}

/// A hostile file has one for every six bytes, each of which takes ten times as much in memory.
#[test]
fn items_that_no_farm_has_are_left_out_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let items = vec!["\"a.1\""; 2_000_007].join(",");
    put(folder.path(), format!(r#"{{"generated":"g","run_id":"r","new_packages":[{items}]}}"#));
    let inspected = inspect(folder.path()).unwrap().unwrap();
    assert_eq!(inspected.status.new_packages.len(), 2_000_000);
    assert_eq!(inspected.problems, ["new_packages: 7 items after the first 2000000 are left out"]);
}

#[test]
fn the_later_form_without_changes_is_read() {
    let folder = tempfile::tempdir().unwrap();
    put(
        folder.path(),
        r#"{"generated":"g","run_id":"r","scanned":7,"blessed_totals":{"success":2},"non_blessed_totals":{}}"#,
    );
    let inspected = inspect(folder.path()).unwrap().unwrap();
    assert!(inspected.problems.is_empty() && inspected.status.changes.is_empty());
}

#[test]
fn the_file_is_old_or_new_after_any_stop() {
    let (old, new) = (Status { generated: "old".to_owned(), ..status() }, status());
    let folder = tempfile::tempdir().unwrap();
    let (written, calls) = count(|| write(folder.path(), &new, Durability::Synced));
    assert!(written.is_ok() && calls.len() == 5, "{calls:?}");
    for at in 0..calls.len() {
        for fault in
            [Fault::Stop, Fault::StopTorn, Fault::FailTorn(nix::libc::ENOSPC), Fault::Fail(nix::libc::EIO)]
        {
            let folder = tempfile::tempdir().unwrap();
            write(folder.path(), &old, Durability::Cached).unwrap();
            let written = inject(at, fault, || write(folder.path(), &new, Durability::Synced));
            assert!(recover(folder.path()).unwrap().problems.is_empty());
            let found = read(folder.path()).unwrap().unwrap();
            assert!(found == new || (found == old && written.is_err()), "{fault:?} at {at}");
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "{fault:?} at {at}");
        }
    }
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let error = write(&folder.path().join("missing"), &status(), Durability::Cached).unwrap_err();
    assert!(matches!(error, Error::Write { .. }), "{error}");
    assert_eq!(error.kind(), Some(std::io::ErrorKind::NotFound));
}
