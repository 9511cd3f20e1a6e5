//! Files in places where they are not expected.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use buildbook_memo::{Error, Memo, Report, Status, Wait};

use crate::shell::{build, revived, runs, sh, traced};
use crate::support::Project;

#[test]
fn the_cache_may_be_on_another_file_system() {
    let Ok(elsewhere) = tempfile::tempdir_in("/dev/shm") else { return };
    let project = Project::new();
    let device = |path: &Path| path.metadata().unwrap().dev();
    if device(elsewhere.path()) == device(project.root()) {
        return;
    }
    project.put("in", "text");
    for is_known in [false, true, true] {
        let mut memo = Memo::new(project.settings().cache(elsewhere.path().join("cache")));
        memo.file_ready("in");
        let script = traced("cat in > a/out; chmod 750 a/out; echo said");
        let _spawn = memo.spawn(sh(&memo, &script)).reads(["in"]).writes(["a/out"]).start();
        let _write = memo.write("b/written", "by hand").mode(0o600).start();
        let _made = memo.write_with("c/made", "1", || Ok(b"by function".to_vec())).start();
        let _copy = memo.copy("in", "d/copy").mode(0o755).start();
        memo.finish().into_result().unwrap();
        assert_eq!(matches!(memo.ops()[0].status, Status::Revived), is_known);
        for (name, text, mode) in [
            ("a/out", "text", 0o750),
            ("b/written", "by hand", 0o600),
            ("c/made", "by function", 0o644),
            ("d/copy", "text", 0o755),
        ] {
            assert_eq!(project.get(name), text);
            let path = project.path(name);
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, mode, "{name}");
            std::fs::remove_file(path).unwrap();
        }
        assert_eq!(runs(&project), 1);
    }
}

#[test]
fn names_may_have_any_bytes() {
    let project = Project::new();
    let name = |bytes: &'static [u8]| Path::new(OsStr::from_bytes(bytes));
    let (from, to) = (name(b"in \xff\n"), name(b"-out '\xfe\"\\"));
    std::fs::write(project.root().join(from), "x").unwrap();
    for is_known in [false, true] {
        let is_revived = revived(&project, |memo| {
            memo.file_ready(from);
            let cmd = sh(memo, "cat -- \"$1\" > \"$2\"").arg(from).arg(to);
            let _running = memo.spawn(cmd).reads([from]).writes([to]).start();
        });
        assert_eq!(is_revived, [is_known]);
        assert_eq!(std::fs::read(project.root().join(to)).unwrap(), b"x");
        std::fs::remove_file(project.root().join(to)).unwrap();
    }
}

#[test]
fn a_folder_where_a_file_is_to_be_written_stays_and_fails_the_operation() {
    let project = Project::new();
    project.put("out/precious", "kept");
    for _ in 0..2 {
        let (report, statuses) = build(&project, |memo| {
            let _spawn = memo.spawn(sh(memo, &traced("exit 0"))).writes(["out"]).start();
        });
        assert!(matches!(statuses[..], [Status::Failed(_)]), "{report}");
        let (report, statuses) = build(&project, |memo| {
            let _write = memo.write("out", "x").start();
        });
        assert!(matches!(statuses[..], [Status::Failed(_)]), "{report}");
    }
    assert_eq!((project.get("out/precious").as_str(), runs(&project)), ("kept", 0));
}

#[test]
fn what_a_link_leads_to_is_read_and_a_link_in_the_place_of_a_write_is_not_followed() {
    let project = Project::new();
    project.put("one", "1");
    project.put("two", "2");
    project.put("precious", "kept");
    for (target, is_known) in [("one", false), ("two", false), ("one", true)] {
        let _ = std::fs::remove_file(project.path("in"));
        let _ = std::fs::remove_file(project.path("out"));
        symlink(target, project.path("in")).unwrap();
        symlink("precious", project.path("out")).unwrap();
        let is_revived = revived(&project, |memo| {
            memo.file_ready("in");
            let _running = memo.spawn(sh(memo, "cat in > out")).reads(["in"]).writes(["out"]).start();
        });
        assert_eq!(is_revived, [is_known], "{target}");
        assert_eq!(project.get("out"), project.get(target));
        assert_eq!(project.get("precious"), "kept");
    }
}

#[test]
fn a_process_that_changes_what_it_reads_fails_and_is_not_remembered() {
    let project = Project::new();
    for times in 1..=2 {
        project.put("in", "text");
        let (report, statuses) = build(&project, |memo| {
            memo.file_ready("in");
            let script = traced("cp in out; printf more >> in");
            let _running = memo.spawn(sh(memo, &script)).reads(["in"]).writes(["out"]).start();
            let _after = memo.copy("out", "after").start();
        });
        let Status::Failed(Error::ReadsChanged { paths }) = &statuses[0] else { panic!("{report}") };
        assert_eq!(paths, &[project.path("in")]);
        assert!(matches!(statuses[1], Status::Aborted(_)));
        assert_eq!(report.changed, [project.path("in")]);
        assert_eq!(runs(&project), times);
    }
}

#[test]
fn one_thread_for_files_and_one_for_processes_are_enough() {
    let project = Project::new();
    let one = std::num::NonZero::<usize>::MIN;
    let mut memo = Memo::new(project.settings().file_threads(one).max_spawn(one));
    for n in 0..20 {
        let (from, to) = (format!("f{n}"), format!("f{}", n + 1));
        let cmd = sh(&memo, "cat \"$1\" > \"$2\"").arg(&from).arg(&to);
        let _running = memo.spawn(cmd).reads([&from]).writes([&to]).start();
    }
    let _first = memo.write("f0", "x").start();
    memo.finish().into_result().unwrap();
    assert_eq!(project.get("f20"), "x");
}

#[test]
fn what_is_no_file_is_never_read_and_does_not_stop_the_build() {
    let project = Project::new();
    std::fs::create_dir(project.path("folder")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(project.path("fifo")).status().unwrap().success());
    for source in ["folder", "fifo", "/dev/zero"] {
        let (report, statuses) = build(&project, |memo| {
            memo.file_ready(source);
            let _spawn = memo.spawn(sh(memo, &traced("exit 0"))).reads([source]).start();
            let _stdin = memo.spawn(sh(memo, &traced("exit 0"))).stdin(source).start();
            let _copy = memo.copy(source, "copy").start();
            let _read = memo.read(source);
            let _waits = memo.wait_files([source]);
        });
        for status in &statuses[..4] {
            assert!(matches!(status, Status::Failed(Error::NotAFile { .. })), "{source}: {status:?}");
        }
        assert!(statuses[4].is_success(), "waiting for it looks at nothing");
        assert_eq!((report.failed.len(), runs(&project)), (4, 0));
    }
}

#[test]
fn what_is_no_file_gives_way_to_what_is_written_there() {
    let project = Project::new();
    for is_known in [false, true] {
        for name in ["out", "made"] {
            let _ = std::fs::remove_file(project.path(name));
            assert!(std::process::Command::new("mkfifo").arg(project.path(name)).status().unwrap().success());
        }
        let is_revived = revived(&project, |memo| {
            let _spawn = memo.spawn(sh(memo, "echo x > out")).writes(["out"]).start();
            let _made = memo.write_with("made", "1", || Ok(b"y".to_vec())).start();
        });
        assert_eq!(is_revived, [is_known; 2]);
        assert_eq!((project.get("out"), project.get("made")), ("x\n".to_owned(), "y".to_owned()));
    }
}

/// What is there when the folder of a build is replaced by a function, between two pieces of work or within one. Both
/// files were made by earlier builds.
fn report_of(project: &Project, switch: impl FnOnce() + Send + 'static, is_within: bool) -> (Report, Status) {
    let settings = || {
        let mut settings = project.settings();
        settings.cwd = project.path("w");
        settings
    };
    let ask = |memo: &Memo, name: &str| {
        let text = name.to_owned();
        drop(memo.write_with(name, "salt", move || Ok(text.into_bytes())).start());
    };
    // Until what the files contain is known without reading them.
    for _ in 0..2 {
        let mut memo = Memo::new(settings());
        ask(&memo, "a");
        ask(&memo, "b");
        memo.finish().into_result().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(60));
    }
    let mut memo = Memo::new(settings());
    ask(&memo, "a");
    if is_within {
        memo.stir(Wait::Block);
        ask(&memo, "b");
        memo.stir(Wait::Block);
        switch();
    } else {
        memo.finish().into_result().unwrap();
        switch();
        ask(&memo, "b");
    }
    let report = memo.finish();
    let status = memo.ops()[1].status.clone();
    (report, status)
}

#[test]
fn a_folder_of_a_build_that_is_replaced_is_noticed() {
    for is_within in [false, true] {
        let project = Project::new();
        std::fs::create_dir(project.path("w")).unwrap();
        let (folder, away) = (project.path("w"), project.path("away"));
        let switch = move || {
            std::fs::rename(&folder, away).unwrap();
            std::fs::create_dir(&folder).unwrap();
        };
        let (report, status) = report_of(&project, switch, is_within);
        assert!(report.changed.contains(&project.path("w")), "{report:?}");
        assert!(matches!(status, Status::Revived), "{status:?}");
        assert_eq!(
            project.path("w/b").exists(),
            !is_within,
            "what is asked for afterwards is made in the new one"
        );
    }
}

#[test]
fn a_link_to_the_folder_of_a_build_that_is_switched_is_noticed() {
    let project = Project::new();
    for folder in ["one", "two"] {
        std::fs::create_dir(project.path(folder)).unwrap();
    }
    symlink("one", project.path("w")).unwrap();
    let link = project.path("w");
    let switch = move || {
        std::fs::remove_file(&link).unwrap();
        symlink("two", link).unwrap();
    };
    let (report, _) = report_of(&project, switch, false);
    assert_eq!(report.changed, [project.path("w")]);
    assert_eq!(project.get("two/b"), "b");
}
