use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use buildbook_atomic_swap::{
    Durability, Error, replace_file, replace_file_synced, replace_file_with, replace_symlink,
};
use buildbook_fsio::faults::{Call, Fault, count, inject};

use crate::names;

#[test]
fn readers_never_see_a_part_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("status.json");
    let versions = ["a".repeat(100_000), "b".repeat(50_000)];
    replace_file(&path, versions[0].as_bytes(), Durability::Cached).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writers = [0, 1].map(|writer| {
            let (path, versions) = (&path, &versions);
            scope.spawn(move || {
                for turn in 0..200 {
                    replace_file(path, versions[(turn + writer) % 2].as_bytes(), Durability::Cached).unwrap();
                }
            })
        });
        let reader = scope.spawn(|| {
            let mut reads = 0;
            while !done.load(Ordering::Relaxed) {
                let text = std::fs::read_to_string(&path).unwrap();
                assert!(versions.contains(&text), "a torn read of {} bytes", text.len());
                reads += 1;
            }
            reads
        });
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
        assert!(reader.join().unwrap() > 0);
    });
    assert_eq!(names(folder.path()), ["status.json"], "no temporary file stays");
}

#[test]
fn readers_never_miss_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("latest");
    replace_symlink(Path::new("runs/0"), &link, Durability::Synced).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let target = std::fs::read_link(&link).expect("the link was missing");
                assert!(target.starts_with("runs"));
            }
        });
        for run in 0..2000 {
            replace_symlink(Path::new(&format!("runs/{run}")), &link, Durability::Cached).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        reader.join().unwrap();
    });
    assert_eq!(std::fs::read_link(&link).unwrap(), Path::new("runs/1999"));
    assert_eq!(names(folder.path()), ["latest"]);
}

#[test]
fn a_link_is_replaced_and_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let precious = folder.path().join("precious");
    std::fs::write(&precious, "untouched").unwrap();
    let path = folder.path().join("summary.json");
    std::os::unix::fs::symlink(&precious, &path).unwrap();
    replace_file(&path, b"new", Durability::Cached).unwrap();
    assert_eq!(std::fs::read(&precious).unwrap(), b"untouched");
    assert!(!std::fs::symlink_metadata(&path).unwrap().is_symlink());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o600, 0o600);
}

#[test]
fn contents_that_cannot_be_written_replace_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    replace_file(&path, b"old", Durability::Cached).unwrap();
    let failed = replace_file_with(&path, Durability::Cached, |file| {
        file.write_all(b"half of")?;
        Err(std::io::Error::other("the source ran dry"))
    });
    assert!(matches!(failed, Err(Error::Contents { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
    assert_eq!(names(folder.path()), ["file"]);
}

#[test]
fn a_replacement_whose_name_could_not_be_synced_says_that_it_is_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("file"), folder.path().join("link"));
    let replace = |text: &str| replace_file(&file, text.as_bytes(), Durability::Synced);
    let switch = |text: &str| replace_symlink(Path::new(text), &link, Durability::Synced);
    let last = |calls: Vec<Call>| calls.len() - 1;
    let file_sync = last(count(|| replace("old").unwrap()).1);
    let link_sync = last(count(|| switch("old").unwrap()).1);
    let eio = Fault::Fail(nix::libc::EIO);
    for failed in [inject(file_sync, eio, || replace("new")), inject(link_sync, eio, || switch("new"))] {
        assert!(matches!(failed, Err(Error::NotDurable { .. })), "{failed:?}");
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
    assert_eq!(std::fs::read_link(&link).unwrap(), Path::new("new"));
}

#[test]
fn what_can_be_done_while_the_device_works_begins_when_readers_find_the_new_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    let replace = |contents: &str| {
        let mut found = None;
        let replaced = replace_file_synced(
            &file,
            |new| new.write_all(contents.as_bytes()),
            || found = Some(std::fs::read_to_string(&file).unwrap()),
        );
        (replaced, found)
    };
    let ((replaced, found), calls) = count(|| replace("old"));
    replaced.unwrap();
    assert_eq!(found.as_deref(), Some("old"));
    for at in 0..calls.len() {
        std::fs::write(&file, "old").unwrap();
        let (replaced, found) = inject(at, Fault::Fail(nix::libc::EIO), || replace("new"));
        let is_last = at == calls.len() - 1;
        assert_eq!(matches!(replaced, Err(Error::NotDurable { .. })), is_last, "{at}: {replaced:?}");
        assert_eq!(found.as_deref(), is_last.then_some("new"), "{at}: not told when the old one stays");
    }
}

#[test]
fn paths_without_a_name_are_refused() {
    for path in ["/", "..", "a/.."] {
        assert!(
            matches!(replace_file(Path::new(path), b"", Durability::Cached), Err(Error::NoName { .. })),
            "{path}"
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let error = replace_file(&folder.path().join("missing/file"), b"", Durability::Cached).unwrap_err();
    assert_eq!(error.kind(), Some(std::io::ErrorKind::NotFound), "{error}");
    std::fs::create_dir(folder.path().join("taken")).unwrap();
    assert!(replace_file(&folder.path().join("taken"), b"", Durability::Cached).is_err());
    assert_eq!(names(folder.path()), ["taken"]);
}
