use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use buildbook_build_lock::{BuildLocks, Holder, LockName, Problem, Stage};
use buildbook_fsio::Lock;
use buildbook_other_process::Other;

use crate::child::lockf_is_refused;
use crate::{file_of_age, holder, name, names, now};

#[test]
fn own_locks_are_seen_with_all_that_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let locks = BuildLocks::at(folder.path());
    let universe = "0123456789abcdef0123456789abcdef".parse().unwrap();
    let doc = LockName::doc_in(&"astring.0.8.5".parse().unwrap(), &universe);
    let holder = Holder {
        start: now(),
        layer: Some("doc-0123456789ab".parse().unwrap()),
        temp_log_path: Some("/tmp/doc.log".into()),
        run: Some("2026-03-09-125444".parse().unwrap()),
    };
    let _doc = locks.acquire(&doc, &holder).unwrap();
    let tool = LockName::tool_for(&"odoc-driver".parse().unwrap(), "5.3.0").unwrap();
    let _tool = locks.acquire(&tool, &Holder::since(now())).unwrap();
    let _build = locks.acquire(&name("b.1"), &Holder::since(now())).unwrap();

    let active = locks.list_active().unwrap();
    assert!(active.problems.is_empty());
    let [build, doc, tool] = &active.locks[..] else { panic!("three locks, sorted: {active:?}") };
    assert_eq!((build.stage, build.package.as_str(), build.layer_name.as_deref()), (Stage::Build, "b", None));
    assert_eq!((doc.package.as_str(), doc.version.as_deref()), ("astring", Some("0.8.5")));
    assert_eq!(doc.universe.as_ref(), Some(&universe));
    assert_eq!((doc.pid, doc.start_time), (Some(std::process::id()), Some(now())));
    assert_eq!(doc.layer_name.as_deref(), Some("doc-0123456789ab"));
    assert_eq!(doc.temp_log_path.as_deref(), Some(Path::new("/tmp/doc.log")));
    assert_eq!(doc.run.as_deref(), Some("2026-03-09-125444"));
    assert!(doc.host.is_some());
    assert_eq!(
        (tool.stage, tool.package.as_str(), tool.compiler.as_deref()),
        (Stage::Tool, "odoc-driver", Some("5.3.0"))
    );
    #[cfg(target_os = "linux")]
    assert!(doc.boot_id.is_some() && doc.process_start.is_some());
}

#[test]
fn looking_releases_nothing_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let locks = BuildLocks::at(folder.path());
    let path = locks.path(&name("a.1"));
    let lock = locks.acquire(&name("a.1"), &holder()).unwrap();
    file_of_age(&folder.path().join("build-stale.1.lock"), 9);
    let before = std::fs::metadata(&path).unwrap().modified().unwrap();
    for _ in 0..3 {
        assert_eq!(locks.list_active().unwrap().locks.len(), 1);
    }
    assert!(lockf_is_refused(&path), "looking at the lock released it");
    assert_eq!(std::fs::metadata(&path).unwrap().modified().unwrap(), before);
    assert_eq!(names(folder.path()), ["build-a.1.lock", "build-stale.1.lock"]);
    lock.release().unwrap();
}

#[test]
fn locks_of_other_processes_are_seen_and_lockf_tells_who() {
    let folder = tempfile::tempdir().unwrap();
    let locks = BuildLocks::at(folder.path());
    let ours = Other::start("hold", folder.path());
    let theirs = Other::start("lockf", &folder.path().join("build-b.2.lock"));
    let active = locks.list_active().unwrap();
    let [a, b] = &active.locks[..] else { panic!("two locks: {active:?}") };
    assert_eq!((a.pid, a.holder_pid), (Some(ours.pid()), None));
    assert_eq!(
        (b.pid, b.holder_pid),
        (None, Some(i32::try_from(theirs.pid()).unwrap())),
        "an empty file is a lock"
    );
    ours.finish();
    theirs.finish();
    assert!(locks.list_active().unwrap().locks.is_empty());
}

#[test]
fn bodies_of_every_kind_are_listed_with_what_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let locks = BuildLocks::at(folder.path());
    type Expected<'a> = (Option<u32>, Option<&'a str>, Option<&'a str>);
    let table: [(&[u8], Expected<'_>); 6] = [
        (b"", (None, None, None)),
        (b"40", (Some(40), None, None)),
        (b"40\n1773060904\n/tmp/run/build.log\n", (Some(40), None, Some("/tmp/run/build.log"))),
        (b"40\n1773060904\nbuild-0123456789ab\n", (Some(40), Some("build-0123456789ab"), None)),
        (b"\0\0\xff\xfe\n\n\n", (None, None, None)),
        (&[b'x'; 200_000], (None, None, None)),
    ];
    for (body, expected) in table {
        let lock = Lock::acquire(&locks.path(&name("a.1"))).unwrap();
        lock.write_note(body).unwrap();
        let active = locks.list_active().unwrap();
        let info = active.locks.first().expect("a held lock is never dropped");
        let found =
            (info.pid, info.layer_name.as_deref(), info.temp_log_path.as_deref().and_then(Path::to_str));
        assert_eq!(found, expected, "{}", body.get(..40).unwrap_or(body).escape_ascii());
        lock.remove().unwrap();
    }
}

#[test]
fn one_bad_entry_hides_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let locks = BuildLocks::at(folder.path());
    let at = |name: &str| folder.path().join(name);
    let _good = locks.acquire(&name("a.1"), &holder()).unwrap();
    std::fs::create_dir(at("build-folder.1.lock")).unwrap();
    nix::unistd::mkfifo(&at("build-fifo.1.lock"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    std::os::unix::fs::symlink("nowhere", at("build-dangling.1.lock")).unwrap();
    let not_text = folder.path().join(std::ffi::OsStr::from_bytes(b"build-\xff.1.lock"));
    let _odd = Lock::acquire(&not_text).unwrap();
    let _foreign = Lock::acquire(&at("other-yarrow.5.lock")).unwrap();
    let _not_a_lock = Lock::acquire(&at("build-yarrow.6.txt")).unwrap();
    std::fs::write(at("unheld-nonsense.lock"), "").unwrap();

    let active = locks.list_active().unwrap();
    assert_eq!(active.locks.len(), 1);
    let unknown: Vec<&Path> = active
        .problems
        .iter()
        .filter(|problem| matches!(problem, Problem::UnknownName { .. }))
        .map(Problem::path)
        .collect();
    assert_eq!(unknown, [at("other-yarrow.5.lock"), not_text].iter().rev().collect::<Vec<&PathBuf>>());
    let not_files = active.problems.iter().filter(|problem| matches!(problem, Problem::File(_))).count();
    assert_eq!(not_files, 3);
    let json = serde_json::to_value(&active).expect("no name keeps the list from being written");
    assert_eq!(json["problems"].as_array().unwrap().len(), 5);
    assert!(json["problems"].to_string().contains("it is not a regular file"));
}

#[test]
fn a_missing_folder_is_idle_and_an_unreadable_one_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    assert!(BuildLocks::at(folder.path().join("missing")).list_active().unwrap().locks.is_empty());
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let refused = BuildLocks::at(&file).list_active().unwrap_err();
    assert_eq!(refused.kind(), Some(std::io::ErrorKind::NotADirectory));
    assert!(refused.to_string().contains("file"), "{refused}");
}

#[test]
fn the_list_is_written_with_the_words_of_the_original() {
    let folder = tempfile::tempdir().unwrap();
    let locks = BuildLocks::at(folder.path());
    let log = Path::new(std::ffi::OsStr::from_bytes(b"/tmp/\xff.log"));
    let _lock = locks.acquire(&name("a.1"), &Holder { temp_log_path: Some(log.into()), ..holder() }).unwrap();
    let active = locks.list_active().unwrap();
    assert_eq!(active.locks.first().unwrap().temp_log_path.as_deref(), Some(log), "bytes are kept");
    let json = serde_json::to_value(&active).unwrap();
    let lock = &json["locks"][0];
    assert_eq!(lock["stage"], "build");
    assert_eq!(lock["start_time"], "2026-03-09T12:54:44Z");
    assert_eq!(lock["temp_log_path"], "/tmp/\u{fffd}.log");
}
