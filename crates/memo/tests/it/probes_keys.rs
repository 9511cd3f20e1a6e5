//! Probes of keys: operations that differ in one thing never get each other's results.

use std::path::PathBuf;

use buildbook_memo::{Error, Handle, Redirect, Status};

use crate::shell::{build, revived, runs, sh, traced};
use crate::support::Project;

#[test]
fn p3_a_process_that_writes_no_file_is_remembered_with_what_it_printed() {
    let project = Project::new();
    for is_known in [false, true, true] {
        let mut memo = project.memo();
        let _running = memo.spawn(sh(&memo, &traced("echo said; echo complained >&2; exit 0"))).start();
        memo.finish().into_result().unwrap();
        let op = memo.ops().remove(0);
        assert_eq!(matches!(op.status, Status::Revived), is_known);
        assert_eq!((op.exit, &*op.output), (Some(0), &b"said\ncomplained\n"[..]));
        assert_eq!(runs(&project), 1);
    }
}

#[test]
fn p4_where_one_argument_ends_and_the_next_begins_is_in_the_key() {
    let project = Project::new();
    // The last two would be the same if the names of fields alone stood between arguments.
    let arguments: [&[&str]; 8] = [
        &["ab", "c"],
        &["a", "bc"],
        &["abc"],
        &["abc", ""],
        &["", "abc"],
        &["ab c"],
        &["aargumentb", "c"],
        &["a", "bargumentc"],
    ];
    for is_known in [false, true] {
        for arguments in arguments {
            let is_revived = revived(&project, |memo| {
                let cmd = sh(memo, "for each; do printf '[%s]' \"$each\"; done > out")
                    .args(arguments.iter().copied());
                let _running = memo.spawn(cmd).writes(["out"]).start();
            });
            assert_eq!(is_revived, [is_known], "{arguments:?}");
            assert_eq!(project.get("out"), format!("[{}]", arguments.join("][")));
        }
    }
}

#[test]
fn p5_the_working_folder_is_in_the_key() {
    let project = Project::new();
    for folder in ["one", "two"] {
        std::fs::create_dir(project.path(folder)).unwrap();
        let is_revived = revived(&project, |memo| {
            let cmd = sh(memo, "pwd > ../out");
            let _running = memo.spawn(cmd).cwd(folder).writes(["out"]).start();
        });
        assert_eq!(is_revived, [false]);
        assert!(project.get("out").ends_with(&format!("/{folder}\n")), "{}", project.get("out"));
    }
}

#[test]
fn p5b_the_content_of_the_standard_input_is_in_the_key() {
    let project = Project::new();
    project.put("one", "1");
    project.put("two", "2");
    project.put("same", "1");
    for (stdin, expected, is_known) in [("one", "1", false), ("two", "2", false), ("same", "1", true)] {
        let is_revived = revived(&project, |memo| {
            memo.file_ready(stdin);
            let _running = memo.spawn(sh(memo, "cat > out")).stdin(stdin).writes(["out"]).start();
        });
        assert_eq!(is_revived, [is_known], "{stdin}");
        assert_eq!(project.get("out"), expected);
    }
}

#[test]
fn where_outputs_go_is_in_the_key() {
    let project = Project::new();
    let redirects =
        [Redirect::Ui, Redirect::Discard, Redirect::file("a"), Redirect::file("b"), Redirect::tee("a")];
    for is_known in [false, true] {
        for (redirect, shown) in redirects.clone().into_iter().zip(["x", "", "", "", "x"]) {
            let mut memo = project.memo();
            let _running = memo.spawn(sh(&memo, "printf x")).stdout(redirect.clone()).start();
            memo.finish().into_result().unwrap();
            let op = memo.ops().remove(0);
            assert_eq!(matches!(op.status, Status::Revived), is_known, "{redirect:?}");
            assert_eq!(op.output, shown.as_bytes().into(), "{redirect:?}");
            if let Redirect::File(path) | Redirect::Tee(path) = redirect {
                let path = project.root().join(path);
                assert_eq!(std::fs::read_to_string(&path).unwrap(), "x");
                std::fs::remove_file(path).unwrap();
            }
        }
    }
}

#[test]
fn which_output_goes_into_which_of_two_files_is_in_the_key() {
    let project = Project::new();
    for (stdout, stderr) in [("a", "b"), ("b", "a")] {
        let is_revived = revived(&project, |memo| {
            let spawn = memo.spawn(sh(memo, "echo said; echo complained >&2")).writes(["a", "b"]);
            let _running = spawn.stdout(Redirect::file(stdout)).stderr(Redirect::file(stderr)).start();
        });
        assert_eq!(is_revived, [false]);
        assert_eq!((project.get(stdout).as_str(), project.get(stderr).as_str()), ("said\n", "complained\n"));
    }
}

#[test]
fn p18_a_result_that_one_spawn_takes_for_success_is_none_for_another() {
    let project = Project::new();
    let script = traced("echo partial > out; exit 1");
    let spawn = |memo: &Handle| memo.spawn(sh(memo, &script)).writes(["out"]);
    assert_eq!(revived(&project, |memo| drop(spawn(memo).any_exit().start())), [false]);
    let mut memo = project.memo();
    let again = spawn(&memo).any_exit().start();
    memo.task(|_| async move {
        let exit = again.await?;
        assert_eq!((exit.code, exit.is_revived), (1, true));
        Ok(())
    });
    memo.finish().into_result().unwrap();
    assert_eq!(revived(&project, |memo| drop(spawn(memo).success_exits([1]).start())), [false]);
    assert_eq!(revived(&project, |memo| drop(spawn(memo).success_exits([0, 1]).start())), [false]);
    let mut times = runs(&project);
    assert_eq!(times, 3);
    for exits in [&[0][..], &[0], &[2], &[0, 2], &[]] {
        let (report, statuses) =
            build(&project, |memo| drop(spawn(memo).success_exits(exits.iter().copied()).start()));
        assert!(matches!(statuses[..], [Status::Failed(Error::Exit { .. })]), "{exits:?}: {statuses:?}");
        assert!(!report.is_success());
        times += 1;
        assert_eq!(runs(&project), times, "failures are not remembered");
    }
}

#[test]
fn p26_a_second_operation_that_writes_a_file_fails_and_does_not_run() {
    let project = Project::new();
    project.put("declared", "by hand");
    let (report, statuses) = build(&project, |memo| {
        memo.file_ready("declared");
        let _one = memo.write("f", "one").start();
        let _first = memo.spawn(sh(memo, "cat f > first")).reads(["f"]).writes(["first"]).start();
        let _two = memo.write("f", "two").start();
        let _second = memo.spawn(sh(memo, &traced("echo > declared"))).writes(["declared"]).start();
    });
    assert!(matches!(statuses[..2], [Status::Executed, Status::Executed]), "{report}");
    for (status, name) in statuses[2..].iter().zip(["f", "declared"]) {
        let Status::Failed(Error::WrittenBefore { path, .. }) = status else { panic!("{status:?}") };
        assert_eq!(path, &project.path(name));
    }
    assert_eq!((report.failed.len(), runs(&project)), (2, 0));
    assert_eq!((project.get("first"), project.get("declared")), ("one".to_owned(), "by hand".to_owned()));
}

#[test]
fn p26_a_file_that_changes_between_two_operations_is_noticed() {
    let project = Project::new();
    project.put("f", "one");
    let mut memo = project.memo();
    memo.file_ready("f");
    let path = project.path("f");
    memo.task(|memo| async move {
        memo.spawn(sh(&memo, "cat f > first")).reads(["f"]).writes(["first"]).await?;
        std::fs::write(path, "two").unwrap();
        let changed = memo.spawn(sh(&memo, "cat f > second")).reads(["f"]).writes(["second"]).await;
        assert!(matches!(changed, Err(Error::ReadsChanged { .. })), "{changed:?}");
        Ok(())
    });
    let report = memo.finish();
    assert!(!report.is_success());
    assert_eq!(report.changed, [project.path("f")]);
    // The next build sees the new contents from the start.
    let is_revived = revived(&project, |memo| {
        memo.file_ready("f");
        let _first = memo.spawn(sh(memo, "cat f > first")).reads(["f"]).writes(["first"]).start();
    });
    assert_eq!((is_revived, project.get("first")), (vec![false], "two".to_owned()));
}

#[test]
fn p26_a_file_has_one_content_for_all_who_read_it() {
    let project = Project::new();
    project.put("f", "one");
    let mut memo = project.memo();
    memo.file_ready("f");
    let path = project.path("f");
    memo.task(|memo| async move {
        assert_eq!(memo.read("f").await?, b"one");
        std::fs::write(&path, "two").unwrap();
        let changed = memo.read("f").await;
        assert!(matches!(changed, Err(Error::ReadsChanged { .. })), "{changed:?}");
        let changed = memo.copy("f", "copy").await;
        assert!(matches!(changed, Err(Error::ReadsChanged { .. })), "{changed:?}");
        std::fs::write(&path, "one").unwrap();
        assert_eq!(memo.read("f").await?, b"one");
        Ok(())
    });
    let report = memo.finish();
    assert!(report.tasks.is_empty() && report.changed.is_empty(), "{report}");
    assert_eq!(report.failed.len(), 2);
}

#[test]
fn p27_files_that_are_written_without_a_salt_have_what_was_asked_for() {
    let project = Project::new();
    for data in [["one", "two"], ["two", "one"], ["three", "three"]] {
        let files = ["a", "b", "c", "d"];
        let (report, _) = build(&project, |memo| {
            let _a = memo.write(files[0], data[0]).start();
            let _b = memo.write(files[1], data[1]).start();
            for (file, data) in [(files[2], data[0]), (files[3], data[1])] {
                let _made = memo.write_with(file, "", move || Ok(data.into())).start();
            }
        });
        assert!(report.is_success(), "{report}");
        assert_eq!(files.map(|file| project.get(file)), [data[0], data[1], data[0], data[1]]);
    }
}

#[test]
fn files_that_are_written_with_one_salt_are_told_apart_by_path_rights_and_reads() {
    let project = Project::new();
    project.put("r", "read");
    let calls = |path: &'static str, mode: u32, reads: &[&'static str]| {
        let reads: Vec<PathBuf> = reads.iter().map(PathBuf::from).collect();
        revived(&project, |memo| {
            memo.file_ready("r");
            let write = memo.write_with(path, "salt", move || Ok(format!("{path} {mode:o}").into_bytes()));
            let _running = write.mode(mode).reads(reads).start();
        })[0]
    };
    assert!(!calls("a", 0o644, &[]));
    assert!(calls("a", 0o644, &[]));
    assert!(!calls("b", 0o644, &[]));
    assert!(!calls("a", 0o600, &[]));
    assert_eq!(project.get("a"), "a 600");
    assert!(!calls("a", 0o600, &["r"]));
    assert!(calls("a", 0o600, &["r"]));
    project.put("r", "other");
    assert!(!calls("a", 0o600, &["r"]));
}

#[test]
fn outputs_that_go_to_one_file_in_two_ways_do_not_overwrite_each_other() {
    let project = Project::new();
    let ways = [Redirect::file("log"), Redirect::tee("log")];
    for (stdout, stderr) in ways.iter().flat_map(|one| ways.iter().map(move |other| (one, other))) {
        let (report, statuses) = build(&project, |memo| {
            let spawn = memo.spawn(sh(memo, "echo said; echo complained >&2"));
            let _running = spawn.stdout(stdout.clone()).stderr(stderr.clone()).start();
        });
        let is_refused = matches!(statuses[0], Status::Failed(_));
        assert!(is_refused || project.get("log") == "said\ncomplained\n", "{stdout:?} {stderr:?}: {report}");
        let _ = std::fs::remove_file(project.path("log"));
    }
}
