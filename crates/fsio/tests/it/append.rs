use std::collections::BTreeMap;

use buildbook_fsio::faults::{Fault, count, inject};
use buildbook_fsio::op::Operation;
use buildbook_fsio::{Appender, Durability, Error, Probe, append_lines, probe};
use buildbook_other_process::Other;

#[test]
fn a_torn_end_is_closed_off_before_the_new_line() {
    let folder = tempfile::tempdir().unwrap();
    for (before, after) in [
        (&b""[..], &b"new\n"[..]),
        (b"old\n", b"old\nnew\n"),
        (b"old\nto", b"old\nto\nnew\n"),
        (b"old\n\0\0\0", b"old\n\0\0\0\nnew\n"),
    ] {
        let path = folder.path().join("file");
        std::fs::write(&path, before).unwrap();
        let appended = append_lines(&path, b"new\n", Durability::Cached).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), after);
        assert_eq!(appended.repaired, after.len() > before.len() + 4);
        assert_eq!(appended.offset, after.len() as u64 - 4);
    }
}

#[test]
fn only_whole_lines_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    for lines in [&b""[..], b"no end", b"one\ntwo"] {
        assert!(matches!(append_lines(&path, lines, Durability::Cached), Err(Error::NotLines { .. })));
    }
    assert_eq!(std::fs::read(&path).unwrap(), b"");
}

#[test]
fn processes_and_threads_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let others: Vec<Other> = std::thread::scope(|scope| {
        let starting: Vec<_> = (0..3)
            .map(|n| {
                let path = &path;
                scope.spawn(move || Other::start(&format!("append-{n}"), path))
            })
            .collect();
        for writer in 10..13 {
            let path = &path;
            scope.spawn(move || {
                let mut appender = Appender::open(path).unwrap();
                for number in 0..500 {
                    appender.append(format!("{writer} {number}\n").as_bytes(), Durability::Cached).unwrap();
                }
            });
        }
        starting.into_iter().map(|other| other.join().unwrap()).collect()
    });
    others.into_iter().for_each(Other::finish);

    let text = std::fs::read_to_string(&path).unwrap();
    let mut next: BTreeMap<u32, u32> = BTreeMap::new();
    for line in text.lines() {
        let (writer, number) = line.split_once(' ').expect("a line was torn");
        let expected = next.entry(writer.parse().unwrap()).or_default();
        assert_eq!(number.parse::<u32>().unwrap(), *expected, "each writer's lines are in its order");
        *expected += 1;
    }
    assert_eq!(next.into_iter().collect::<Vec<_>>(), [0, 1, 2, 10, 11, 12].map(|w| (w, 500)));
}

#[test]
fn an_appender_follows_the_name_not_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let mut appender = Appender::open(&path).unwrap();
    appender.append(b"one\n", Durability::Cached).unwrap();
    std::fs::write(folder.path().join("other"), "compacted\n").unwrap();
    std::fs::rename(folder.path().join("other"), &path).unwrap();
    appender.append(b"two\n", Durability::Cached).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "compacted\ntwo\n");
    std::fs::remove_file(&path).unwrap();
    appender.append(b"three\n", Durability::Cached).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "three\n");
}

#[test]
fn an_appender_that_cannot_open_the_new_file_can_be_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let mut appender = Appender::open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert!(matches!(appender.append(b"one\n", Durability::Cached), Err(Error::NotAFile { .. })));
    std::fs::remove_dir(&path).unwrap();
    appender.append(b"two\n", Durability::Cached).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"two\n");
}

#[test]
fn an_appender_ends_what_others_tore_after_its_own_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let mut appender = Appender::open(&path).unwrap();
    appender.append(b"one\n", Durability::Cached).unwrap();
    append_raw(&path, b"to");
    assert!(appender.append(b"two\n", Durability::Cached).unwrap().repaired);
    assert!(!appender.append(b"three\n", Durability::Cached).unwrap().repaired);
    // Somebody cuts the file off in the middle of a line.
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(10).unwrap();
    assert!(appender.append(b"four\n", Durability::Cached).unwrap().repaired);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\nto\ntwo\nfour\n");
}

fn append_raw(path: &std::path::Path, bytes: &[u8]) {
    use std::io::Write as _;
    std::fs::OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

#[test]
fn a_sync_that_fails_leaves_the_lines_and_no_lock_and_the_folder_is_synced_with_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let mut appender = Appender::open(&path).unwrap();
    let failed = inject(1, Fault::Fail(nix::libc::EIO), || appender.append(b"one\n", Durability::Synced));
    assert!(failed.is_err());
    assert!(matches!(probe(&path).unwrap(), Probe::Free));
    assert_eq!(std::fs::read(&path).unwrap(), b"one\n");
    let (_, calls) = count(|| appender.append(b"two\n", Durability::Synced).unwrap());
    assert_eq!(calls.len(), 3, "the folder was not synced yet: {calls:?}");
    let (_, calls) = count(|| appender.append(b"three\n", Durability::Synced).unwrap());
    assert_eq!(calls.len(), 2, "{calls:?}");
}

#[test]
fn a_failed_write_leaves_the_file_as_it_was_and_the_appender_usable() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let mut appender = Appender::open(&path).unwrap();
    appender.append(b"one\n", Durability::Cached).unwrap();
    let full =
        inject(0, Fault::FailTorn(nix::libc::ENOSPC), || appender.append(b"two\n", Durability::Cached));
    assert_eq!(full.unwrap_err().kind(), Some(std::io::ErrorKind::StorageFull));
    assert_eq!(std::fs::read(&path).unwrap(), b"one\n");
    appender.append(b"three\n", Durability::Cached).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"one\nthree\n");
}

#[test]
fn whatever_stops_an_append_the_next_one_is_whole() {
    let (_, calls) = run(None);
    let operations: Vec<Operation> = calls.iter().map(|call| call.operation).collect();
    assert_eq!(
        operations,
        [Operation::OpenOrCreate, Operation::Write, Operation::SyncFile, Operation::SyncFolder]
    );
    for at in 0..calls.len() {
        for fault in [Fault::Stop, Fault::StopTorn, Fault::Fail(nix::libc::EIO)] {
            let (folder, _) = run(Some((at, fault)));
            let path = folder.path().join("file");
            append_lines(&path, b"next\n", Durability::Cached).unwrap();
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(
                ["next\n", "new line\nnext\n", "new \nnext\n"].contains(&text.as_str()),
                "stopped at {at}: {text:?}"
            );
        }
    }

    fn run(fault: Option<(usize, Fault)>) -> (tempfile::TempDir, Vec<buildbook_fsio::faults::Call>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let append = || append_lines(&path, b"new line\n", Durability::Synced);
        let calls = match fault {
            None => {
                let (appended, calls) = count(append);
                appended.unwrap();
                calls
            }
            Some((at, fault)) => {
                inject(at, fault, append).unwrap_err();
                Vec::new()
            }
        };
        (folder, calls)
    }
}
