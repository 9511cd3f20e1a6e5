use buildbook_progress::{Error, Phase, Progress, delete, read, write};

use crate::{at, fresh};

#[test]
fn what_is_written_is_read_back_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let mut progress = fresh().set_phase(Phase::Blessings).set_solutions(2, 0);
    assert_eq!(read(folder.path()).unwrap(), None);
    write(folder.path(), &mut progress, at("2026-03-09T12:55:00.75Z")).unwrap();
    assert_eq!(read(folder.path()).unwrap(), Some(progress.clone()));
    assert_eq!((progress.sequence, progress.heartbeat), (1, Some(at("2026-03-09T12:55:00Z"))));

    delete(folder.path()).unwrap();
    assert_eq!(read(folder.path()).unwrap(), None);
    delete(folder.path()).unwrap();
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none());
}

#[test]
fn every_snapshot_has_the_next_number_and_its_own_time() {
    let folder = tempfile::tempdir().unwrap();
    let mut progress = fresh();
    for second in 0..5 {
        let now = at(&format!("2026-03-09T12:55:0{second}Z"));
        progress = progress.incr_build_completed();
        write(folder.path(), &mut progress, now).unwrap();
        let seen = read(folder.path()).unwrap().unwrap();
        assert_eq!((seen.sequence, seen.heartbeat), (second + 1, Some(now)));
        assert_eq!(seen.build_completed, second + 1);
    }
}

#[test]
fn a_run_without_a_folder_is_a_named_error() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("runs/2026-03-09-125444");
    let error = write(&missing, &mut fresh(), at("2026-03-09T12:55:00Z")).unwrap_err();
    assert!(matches!(&error, Error::NoRunFolder { path } if *path == missing), "{error:?}");
    assert!(!missing.exists(), "the folder of a run is made by the run");
    assert_eq!(read(&missing).unwrap(), None);
    delete(&missing).unwrap();
}

#[test]
fn a_corrupt_file_is_told_from_a_missing_one_and_healed_by_the_next_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("progress.json");
    let damaged: [&[u8]; 8] = [
        b"",
        b"{",
        b"\0\0\0\0",
        b"not json",
        b"[]",
        b"{\"run_id\":\"../../etc\",\"phase\":\"gc\"}",
        b"{\"run_id\":\"2026-03-09-125444\",\"phase\":\"building\",\"build_total\":-1}",
        b"{\"run_id\":\"2026-03-09-125444\"}",
    ];
    for bytes in damaged {
        std::fs::write(&path, bytes).unwrap();
        let error = read(folder.path()).unwrap_err();
        assert!(matches!(&error, Error::Corrupt { path: named, .. } if *named == path), "{error:?}");
    }
    write(folder.path(), &mut fresh(), at("2026-03-09T12:55:00Z")).unwrap();
    assert!(read(folder.path()).unwrap().is_some());
}

#[test]
fn what_other_writers_add_or_leave_out_is_no_reason_to_refuse() {
    let folder = tempfile::tempdir().unwrap();
    let text = b"{\"phase\":\"uploading\",\"eta\":{\"low\":1},\"heartbeat\":\"noon\",\
        \"run_id\":\"2026-03-09-125444-002\",\"targets\":[\"caf\xe9.1\"]}";
    std::fs::write(folder.path().join("progress.json"), text).unwrap();
    let seen = read(folder.path()).unwrap().unwrap();
    assert_eq!(seen.phase, Phase::Other("uploading".to_owned()));
    assert_eq!(seen.targets, ["caf\u{fffd}.1"]);
    assert_eq!((seen.heartbeat, seen.sequence, seen.build_total), (None, 0, 0));
}

#[test]
fn nothing_but_a_regular_file_is_read_or_written_through() {
    let folder = tempfile::tempdir().unwrap();
    let (elsewhere, path) = (folder.path().join("elsewhere"), folder.path().join("progress.json"));
    std::fs::write(&elsewhere, "precious").unwrap();
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    assert!(matches!(read(folder.path()), Err(Error::File(_))));
    write(folder.path(), &mut fresh(), at("2026-03-09T12:55:00Z")).unwrap();
    assert_eq!(std::fs::read(&elsewhere).unwrap(), b"precious");
    assert!(read(folder.path()).unwrap().is_some());

    std::fs::remove_file(&path).unwrap();
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert!(matches!(read(folder.path()), Err(Error::File(_))), "and it does not block");
}

#[test]
fn a_heartbeat_that_is_no_time_is_passed_over_whatever_it_is() {
    let folder = tempfile::tempdir().unwrap();
    // Whoever kept it in memory would have to stop at some depth.
    let deep = format!("[{}{}]", "[".repeat(10_000), "]".repeat(10_000));
    for odd in ["null", "true", "-1", "1773060884", "0.5", "\"noon\"", "{\"a\":[1]}", "[1,{}]", &deep] {
        let text = format!(r#"{{"heartbeat":{odd},"run_id":"2026-03-09-125444","phase":"gc","sequence":7}}"#);
        std::fs::write(folder.path().join("progress.json"), text).unwrap();
        let seen = read(folder.path()).unwrap().unwrap();
        assert_eq!((seen.heartbeat, seen.sequence), (None, 7), "{odd:.40}");
    }
}

#[test]
fn a_file_that_is_too_large_is_refused_and_a_million_targets_fit() {
    let folder = tempfile::tempdir().unwrap();
    let targets = (0..1_000_000).map(|number| format!("a-package-with-a-name-{number}.12.34.56"));
    let mut progress = Progress::create("2026-03-09-125444".parse().unwrap(), "", targets);
    write(folder.path(), &mut progress, at("2026-03-09T12:55:00Z")).unwrap();
    assert_eq!(read(folder.path()).unwrap().unwrap().targets.len(), 1_000_000);

    let file = std::fs::File::create(folder.path().join("progress.json")).unwrap();
    file.set_len((64 << 20) + 1).unwrap();
    assert!(matches!(read(folder.path()), Err(Error::File(_))));
}

#[test]
fn of_a_key_that_is_there_twice_the_first_counts_and_a_list_is_no_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let put = |text: &str| std::fs::write(folder.path().join("progress.json"), text).unwrap();
    put(r#"{"run_id":"2026-03-09-125444","phase":"building","build_total":7,"phase":5,"build_total":"x"}"#);
    let progress = read(folder.path()).unwrap().unwrap();
    assert_eq!((progress.phase.as_str(), progress.build_total), ("building", 7));
    put(r#"["2026-03-09-125444","t","building",[],1,2,3,4,5,6]"#);
    assert!(matches!(read(folder.path()), Err(Error::Corrupt { .. })));
}
