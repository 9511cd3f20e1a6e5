//! Appenders that are kept: one for each thread, and one for all.

use std::collections::HashMap;

use buildbook_fsio::MAX_LINE_BYTES;
use buildbook_fsio::faults::count;
use buildbook_fsio::op::Operation;
use buildbook_history::{Entry, Error, Retention};

use crate::company::numbered;
use crate::{World, entry, line, tag, time};

#[test]
fn a_kept_appender_makes_nothing_until_it_is_used() {
    let world = World::new();
    let mut appender = world.history.appender(&world.package);
    let group = world.history.group_appender(&world.package);
    assert!(!world.history.tree().path().exists());
    let long = entry(&"x".repeat(MAX_LINE_BYTES));
    assert!(matches!(appender.append(&long), Err(Error::EntryTooLong { .. })));
    assert!(matches!(group.append_synced(&long), Err(Error::EntryTooLong { .. })));
    assert!(matches!(appender.append_all(&[]), Err(Error::File(_))));
    assert!(!world.history.tree().path().exists());
    assert_eq!(appender.append(&entry("a")).unwrap().offset, 0);
    assert_eq!(group.append_synced(&entry("b")).unwrap().offset, line(&entry("a")).len() as u64);
    appender.append_all(&[entry("c"), entry("d")]).unwrap();
    assert_eq!(world.tags(), ["d", "c", "b", "a"]);
}

#[test]
fn a_kept_appender_follows_a_compaction_and_a_removal() {
    let world = World::new();
    let (mut appender, group) =
        (world.history.appender(&world.package), world.history.group_appender(&world.package));
    for number in 0..3 {
        appender.append(&numbered("same", 0)).unwrap();
        group.append_synced(&numbered("same", 0)).unwrap();
        let now = time("2026-01-01T00:00:00Z");
        let compacted = world.history.compact(&world.package, &Retention::days(0), now).unwrap();
        assert_eq!(compacted.lines_after, 2, "round {number}");
    }
    std::fs::remove_dir_all(world.path().parent().unwrap()).unwrap();
    appender.append(&entry("a")).unwrap();
    std::fs::remove_dir_all(world.history.tree().path()).unwrap();
    group.append_synced(&entry("b")).unwrap();
    assert_eq!(world.tags(), ["b"]);
}

#[test]
fn names_are_synced_once_and_entries_each_time() {
    let world = World::new();
    let mut appender = world.history.appender(&world.package);
    let synced = |call: &mut dyn FnMut()| -> Vec<_> {
        let (_, calls) = count(call);
        let is_sync = |operation| matches!(operation, Operation::SyncFile | Operation::SyncFolder);
        calls.into_iter().filter(|call| is_sync(call.operation)).map(|call| call.path).collect()
    };
    appender.append(&entry("a")).unwrap();
    let (file, packages) = (world.path(), world.history.tree().path().to_owned());
    let mut append = || assert!(appender.append_synced(&entry("b")).is_ok());
    assert_eq!(synced(&mut append), [file.clone(), file.parent().unwrap().to_owned(), packages]);
    assert_eq!(synced(&mut append), [file]);
}

#[test]
fn the_names_of_what_somebody_made_anew_are_synced_again() {
    for (what, is_whole_folder) in [("the file", false), ("its folder", true)] {
        let world = World::new();
        let mut appender = world.history.appender(&world.package);
        appender.append_synced(&entry("a")).unwrap();
        if is_whole_folder {
            std::fs::remove_dir_all(world.path().parent().unwrap()).unwrap();
        } else {
            std::fs::remove_file(world.path()).unwrap();
        }
        world.history.append(&world.package, &entry("another's")).unwrap();
        let (_, calls) = count(|| appender.append_synced(&entry("b")).unwrap());
        let packages = world.history.tree().path();
        let is_synced =
            calls.iter().any(|call| call.operation == Operation::SyncFolder && call.path == packages);
        assert!(is_synced, "{what}: {calls:?}");
        assert_eq!(world.tags(), ["b", "another's"]);
    }
}

#[test]
fn what_any_caller_of_a_group_was_told_is_there_in_its_order() {
    let world = World::new();
    let group = world.history.group_appender(&world.package);
    let callers = ["c0", "c1", "c2", "c3", "c4", "c5"];
    std::thread::scope(|scope| {
        for name in callers {
            let (world, group) = (&world, &group);
            scope.spawn(move || {
                for number in 0..50 {
                    let expected = numbered(name, number);
                    let appended = group.append_synced(&expected).unwrap();
                    let text = world.text();
                    let there = text[usize::try_from(appended.offset).unwrap()..].lines().next().unwrap();
                    assert_eq!(serde_json::from_str::<Entry>(there).unwrap(), expected);
                }
            });
        }
        // Another writer, which is not of the group.
        let mut appender = world.history.appender(&world.package);
        for number in 0..50 {
            appender.append(&numbered("other", number)).unwrap();
        }
    });
    let reading = world.history.read(&world.package).unwrap();
    assert_eq!((reading.entries.len(), reading.problems.len()), (350, 0));
    let mut next: HashMap<String, u32> = HashMap::new();
    for entry in reading.entries.into_iter().rev() {
        let (hash, writer) = (entry.build_hash.clone(), tag(entry));
        let number = next.entry(writer.clone()).or_default();
        assert_eq!(hash, format!("{writer}-{number}"));
        *number += 1;
    }
}
