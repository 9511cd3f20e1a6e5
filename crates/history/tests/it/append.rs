use buildbook_fsio::MAX_LINE_BYTES;
use buildbook_fsio::faults::{Call, Fault, count, inject, inject_all};
use buildbook_fsio::op::Operation;
use buildbook_history::Error;

use crate::{World, entry, line};

#[test]
fn what_is_appended_is_read_newest_first() {
    let world = World::new();
    assert_eq!(world.history.append(&world.package, &entry("a")).unwrap().offset, 0);
    world.history.append_synced(&world.package, &entry("b")).unwrap();
    world.history.append_all(&world.package, &[entry("c"), entry("d")]).unwrap();
    assert_eq!(world.text(), ["a", "b", "c", "d"].map(|tag| line(&entry(tag))).concat());
    assert_eq!(world.tags(), ["d", "c", "b", "a"]);
}

#[test]
fn append_repairs_a_torn_tail() {
    for torn in ["{\"ts\":\"2026-01-0", "\0\0\0\0\0\0", "   "] {
        let world = World::with(line(&entry("before")) + torn);
        let appended = world.history.append(&world.package, &entry("after")).unwrap();
        assert!(appended.repaired);
        assert_eq!(world.text(), line(&entry("before")) + torn + "\n" + &line(&entry("after")));
        assert_eq!(world.tags(), ["after", "before"]);
    }
}

#[test]
fn an_append_after_the_original_glued_its_line_to_a_torn_one_loses_neither() {
    let world = World::with(line(&entry("before")) + "{\"ts\":\"2026-01-0" + &line(&entry("glued")));
    world.history.append(&world.package, &entry("after")).unwrap();
    assert_eq!(world.tags(), ["after", "glued", "before"]);
}

#[test]
fn any_text_survives() {
    let world = World::new();
    let nasty = "line\nfeed \r\n\0 \u{7f} \u{1b}[31m \"quoted\" \\ \u{2028} \u{feff} 🐫 {\"ts\":\"x\"}";
    world.history.append(&world.package, &entry(nasty)).unwrap();
    assert_eq!(world.tags(), [nasty]);
    assert_eq!(world.text().lines().count(), 1);
}

#[test]
fn an_entry_that_no_reader_would_take_is_refused() {
    let world = World::new();
    let long = entry(&"x".repeat(MAX_LINE_BYTES));
    let error = world.history.append_all(&world.package, &[entry("good"), long]).unwrap_err();
    assert!(matches!(error, Error::EntryTooLong { limit: MAX_LINE_BYTES, .. }), "{error}");
    assert!(!world.path().exists(), "nothing of the batch was written");
}

#[test]
fn a_synced_append_syncs_every_name_on_the_way() {
    let world = World::new();
    let (_, calls) = count(|| world.history.append_synced(&world.package, &entry("a")).unwrap());
    let synced: Vec<_> = calls
        .iter()
        .filter(|call| matches!(call.operation, Operation::SyncFile | Operation::SyncFolder))
        .map(|call| call.path.clone())
        .collect();
    let packages = world.history.tree().path();
    let root = packages.parent().unwrap();
    assert_eq!(synced, [root, &world.path(), world.path().parent().unwrap(), packages]);

    let (_, calls) = count(|| world.history.append(&world.package, &entry("b")).unwrap());
    assert_eq!(calls.len(), 1, "an append that need not be durable is one write: {calls:?}");
}

/// The synced append that comes later finds these folders, and cannot know that a power cut would take them.
#[test]
fn the_first_append_syncs_the_names_above_the_package() {
    let world = World::new();
    let (_, calls) = count(|| world.history.append(&world.package, &entry("a")).unwrap());
    let synced: Vec<_> = calls
        .iter()
        .filter(|call| matches!(call.operation, Operation::SyncFile | Operation::SyncFolder))
        .map(|call| call.path.as_path())
        .collect();
    assert_eq!(synced, [world.folder.path()]);
}

#[test]
fn a_folder_that_could_not_be_made_leaves_no_name_unsynced_above_it() {
    let append = |world: &World| world.history.append_synced(&world.package, &entry("a"));
    let (_, calls) = count(|| append(&World::new()));
    let last = calls.iter().rposition(|call| call.operation == Operation::CreateFolder).unwrap();

    let world = World::new();
    let ((), calls) = inject_all(&[(last, Fault::Fail(nix::libc::ENOSPC))], || {
        assert!(append(&world).is_err());
        append(&world).unwrap();
    });
    let packages = world.history.tree().path();
    for folder in [world.folder.path(), packages, world.path().parent().unwrap()] {
        let is_sync = |call: &Call| call.operation == Operation::SyncFolder && call.path == folder;
        assert!(calls.iter().any(is_sync), "{}: {calls:?}", folder.display());
    }
}

#[test]
fn an_empty_list_is_refused_and_makes_nothing() {
    let world = World::new();
    assert!(matches!(world.history.append_all(&world.package, &[]), Err(Error::File(_))));
    assert!(!world.history.tree().path().exists());
}

#[test]
fn an_append_that_fails_leaves_no_part_of_itself() {
    let world = World::with(line(&entry("a")));
    let full =
        inject(0, Fault::FailTorn(nix::libc::ENOSPC), || world.history.append(&world.package, &entry("b")));
    let error = full.unwrap_err();
    assert_eq!(error.kind(), Some(std::io::ErrorKind::StorageFull));
    assert_eq!(error.path(), world.path());
    assert_eq!(world.text(), line(&entry("a")));
}

#[test]
fn something_else_in_the_place_of_the_file_is_left_alone() {
    let world = World::new();
    let elsewhere = world.folder.path().join("elsewhere");
    std::fs::write(&elsewhere, "precious").unwrap();
    std::fs::create_dir_all(world.path().parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(&elsewhere, world.path()).unwrap();
    assert!(matches!(world.history.append(&world.package, &entry("a")), Err(Error::File(_))));
    assert_eq!(std::fs::read(&elsewhere).unwrap(), b"precious");
}
