//! Probes of how builds end: nothing that went wrong is passed over.

use std::cell::{Cell, RefCell};
use std::process::Command;
use std::rc::Rc;

use buildbook_memo::{Error, Redirect, Status, fail};

use crate::shell::{build, revived, runs, sh, traced};
use crate::support::Project;

#[test]
fn p1_an_operation_that_names_a_read_twice_runs_once() {
    let project = Project::new();
    project.put("in", "data");
    let statuses = revived(&project, |memo| {
        memo.file_ready("in");
        let cmd = sh(memo, &traced("cat in > out"));
        let _running = memo.spawn(cmd).reads(["in", "./in", "in"]).stdin("in").writes(["out", "out"]).start();
        let _waiting = memo.wait_files(["out", "out"]);
        let _made = memo.write_with("made", "1", || Ok(Vec::new())).reads(["out", "out"]).start();
    });
    assert_eq!((statuses.len(), runs(&project)), (3, 1));
}

#[test]
fn p1_a_tool_that_the_build_makes_may_be_named_as_a_read() {
    let project = Project::new();
    let statuses = revived(&project, |memo| {
        let tool = memo.tool(buildbook_memo::Tool::built("bin/tool").relevant(["PATH"]));
        let _used = memo.spawn(tool.cmd()).reads(["bin/tool"]).writes(["out"]).start();
        let _made =
            memo.write("bin/tool", "#!/bin/sh\necho ran >> trace\necho made > out\n").mode(0o755).start();
    });
    assert_eq!((statuses.len(), runs(&project)), (2, 1));
    assert_eq!(project.get("out"), "made\n");
}

#[test]
fn a_file_that_is_named_twice_is_in_the_key_once() {
    let project = Project::new();
    project.put("in", "data");
    for (names, is_known) in
        [(&["in", "in", "other"][..], false), (&["in", "other"], true), (&["other", "in"], false)]
    {
        project.put("other", "more");
        let mut memo = project.memo();
        names.iter().for_each(|name| memo.file_ready(name));
        let _running = memo.spawn(sh(&memo, "cat in > out")).reads(names).writes(["out", "out"]).start();
        let _report = memo.finish();
        assert_eq!(matches!(memo.ops()[0].status, Status::Revived), is_known, "{names:?}");
    }
}

#[test]
fn p2_operations_that_wait_for_each_other_are_named() {
    for length in 1..=3 {
        let project = Project::new();
        let file = |n: usize| format!("f{}", n % length);
        let (report, statuses) = build(&project, |memo| {
            for n in 0..length {
                let cmd = sh(memo, &traced("exit 0"));
                let _running = memo.spawn(cmd).reads([file(n)]).writes([file(n + 1)]).start();
            }
            let _after = memo.copy(file(0), "copy").start();
        });
        assert_eq!(report.cycles.len(), 1);
        let members: Vec<usize> = report.cycles[0].iter().map(|op| op.id.index()).collect();
        assert_eq!(members, (0..length).collect::<Vec<_>>());
        assert!(report.never_ready.is_empty(), "nothing is missing but a beginning");
        assert_eq!(report.aborted.len(), length + 1);
        for status in &statuses {
            let Status::Aborted(error) = status else { panic!("{status:?}") };
            assert!(matches!(error.root(), Error::InCycle { .. }), "{error}");
        }
        assert!(!report.is_success());
        assert_eq!(runs(&project), 0);
    }
}

#[test]
fn p8_a_function_that_panics_fails_its_operation_and_no_other() {
    let project = Project::new();
    for _ in 0..2 {
        let (report, statuses) = build(&project, |memo| {
            let _bad = memo.write_with("bad", "salt", || panic!("on purpose")).start();
            let _refused = memo.write_with("refused", "salt", || Err(fail("no way"))).start();
            let _after = memo.copy("bad", "after").start();
            let _good = memo.write_with("good", "salt", || Ok(b"fine".to_vec())).start();
        });
        let Status::Failed(Error::Panicked { message }) = &statuses[0] else { panic!("{:?}", statuses[0]) };
        assert_eq!(message, "on purpose");
        assert!(matches!(&statuses[1], Status::Failed(Error::Failed { message }) if message == "no way"));
        assert!(
            matches!(&statuses[2], Status::Aborted(error) if matches!(error.root(), Error::Panicked { .. }))
        );
        assert!(statuses[3].is_success());
        assert!(!report.is_success());
        assert_eq!(project.get("good"), "fine");
        assert!(!project.path("bad").exists() && !project.path("after").exists());
    }
}

#[test]
fn p9_a_tool_that_is_not_found_fails_the_build_and_what_needs_it() {
    let project = Project::new();
    let (report, statuses) = build(&project, |memo| {
        let tool = memo.tool(buildbook_memo::Tool::named("no-such-tool"));
        assert_eq!(tool.path(), None);
        let _out = memo.spawn(tool.cmd().arg("x")).writes(["out"]).start();
        let _again = memo.spawn(tool.cmd().arg("y")).start();
        let _after = memo.copy("out", "after").start();
    });
    assert_eq!(report.missing_tools, ["no-such-tool"]);
    assert!(matches!(&statuses[0], Status::Failed(Error::MissingTool { tool }) if tool == "no-such-tool"));
    assert!(matches!(&statuses[1], Status::Failed(Error::MissingTool { .. })));
    assert!(
        matches!(&statuses[2], Status::Aborted(error) if matches!(error.root(), Error::MissingTool { .. }))
    );
    assert!(!report.is_success());
    assert!(report.never_ready.is_empty(), "it is known why `out` is not there");
}

#[test]
fn p9_a_tool_that_is_gone_when_it_is_needed_fails_the_build() {
    let project = Project::new();
    let (report, statuses) = build(&project, |memo| {
        let tool = memo.tool(buildbook_memo::Tool::installed("gone"));
        let _out = memo.spawn(tool.cmd()).writes(["out"]).start();
    });
    assert!(matches!(&statuses[0], Status::Failed(error) if error.is_not_found()), "{statuses:?}");
    assert!(!report.is_success());
}

#[test]
fn p10_a_process_that_fails_fails_the_build_and_says_what_it_printed() {
    let project = Project::new();
    for script in ["echo why; exit 3", "echo why; kill -9 $$"] {
        let (report, statuses) = build(&project, |memo| {
            let _out = memo.spawn(sh(memo, script)).start();
        });
        let Status::Failed(Error::Exit { output, .. }) = &statuses[0] else { panic!("{:?}", statuses[0]) };
        assert_eq!(&**output, b"why\n");
        assert!(!report.is_success());
        assert_eq!(report.failed.len(), 1);
    }
}

#[test]
fn p11_a_task_that_fails_or_panics_fails_the_build() {
    let project = Project::new();
    let (report, _) = build(&project, |memo| {
        memo.task(|_| async { Err(fail("not today")) });
        memo.task(|memo| async move {
            memo.write("out", "x").await?;
            panic!("in the middle")
        });
    });
    let mut messages: Vec<String> = report.tasks.iter().map(|task| task.error.to_string()).collect();
    messages.sort();
    assert_eq!(messages, ["not today", "panicked: in the middle"]);
    assert!(report.tasks.iter().all(|task| task.created.contains("probes_ends.rs")));
    assert!(!report.is_success());
    assert_eq!(project.get("out"), "x");
}

#[test]
fn p21_folders_of_what_is_written_are_made() {
    let project = Project::new();
    for is_known in [false, true] {
        let is_revived = revived(&project, |memo| {
            let to = Redirect::file("deep/er/out");
            let _running = memo
                .spawn(sh(memo, "echo out; echo x > other/place"))
                .stdout(to)
                .writes(["other/place"])
                .start();
        });
        assert_eq!(is_revived, [is_known]);
        assert_eq!(
            (project.get("deep/er/out"), project.get("other/place")),
            ("out\n".to_owned(), "x\n".to_owned())
        );
        std::fs::remove_dir_all(project.path("deep")).unwrap();
        std::fs::remove_dir_all(project.path("other")).unwrap();
    }
}

#[test]
fn p22_an_operation_that_does_not_write_what_it_promised_fails_and_its_readers_are_given_up() {
    let project = Project::new();
    project.put("out", "from an earlier build");
    for _ in 0..2 {
        let (report, statuses) = build(&project, |memo| {
            let cmd = sh(memo, &traced("echo x > there; mkdir -p folder; ln -sf there link"));
            let writes = ["there", "out", "folder", "link"];
            let _running = memo.spawn(cmd).writes(writes).start();
            let _reader = memo.copy("out", "copy").start();
            let _other = memo.copy("there", "other").start();
        });
        let Status::Failed(Error::DidNotWrite { paths }) = &statuses[0] else { panic!("{:?}", statuses[0]) };
        assert_eq!(paths, &["out", "folder", "link"].map(|name| project.path(name)));
        for status in &statuses[1..] {
            let Status::Aborted(error) = status else { panic!("{status:?}") };
            assert!(matches!(error.root(), Error::DidNotWrite { .. }));
        }
        assert_eq!((report.failed.len(), report.aborted.len()), (1, 2));
        assert!(!project.path("copy").exists());
        std::fs::remove_dir(project.path("folder")).unwrap();
    }
    assert_eq!(runs(&project), 2, "it is not remembered");
}

#[test]
fn p23_files_that_are_declared_ready_and_missing_fail_who_reads_them() {
    let project = Project::new();
    let (report, statuses) = build(&project, |memo| {
        for file in ["gone", "gone too"] {
            memo.file_ready(file);
        }
        let _running =
            memo.spawn(sh(memo, &traced("exit 0"))).reads(["gone", "gone too"]).writes(["out"]).start();
        let _copy = memo.copy("gone", "copy").start();
        let _read = memo.read("gone");
        let _after = memo.copy("out", "after").start();
    });
    let Status::Failed(Error::ReadsMissing { paths }) = &statuses[0] else { panic!("{:?}", statuses[0]) };
    assert_eq!(paths, &["gone", "gone too"].map(|name| project.path(name)), "all that are missing are named");
    for status in &statuses[1..3] {
        assert!(matches!(status, Status::Failed(error) if error.is_not_found()), "{status:?}");
    }
    assert!(matches!(statuses[3], Status::Aborted(_)));
    assert_eq!((report.failed.len(), report.aborted.len(), runs(&project)), (3, 1, 0));
}

#[test]
fn p24_the_files_that_nobody_makes_are_the_reason_why_a_build_is_stuck() {
    let project = Project::new();
    let (report, statuses) = build(&project, |memo| {
        let operations: [(&[&str], &str); 3] =
            [(&["n0", "n1"], "e0"), (&["e0"], "e1"), (&["n0", "n2"], "e2")];
        for (reads, write) in operations {
            let cmd = sh(memo, &traced("exit 0"));
            let _running = memo.spawn(cmd).reads(reads).writes([write]).start();
        }
    });
    assert_eq!(report.never_ready, ["n0", "n1", "n2"].map(|name| project.path(name)));
    assert!(report.cycles.is_empty() && report.failed.is_empty());
    assert_eq!(report.aborted.len(), 3);
    for status in statuses {
        let Status::Aborted(error) = status else { panic!("{status:?}") };
        assert!(matches!(error.root(), Error::NeverReady { .. }), "{error}");
    }
    assert_eq!(runs(&project), 0);
}

#[test]
fn p25_a_value_that_is_never_set_fails_the_build_and_who_waits_is_told() {
    let project = Project::new();
    let told = Rc::new(Cell::new(false));
    let note = Rc::clone(&told);
    let kept = Rc::new(RefCell::new(None));
    let (report, _) = build(&project, |memo| {
        let (setter, value) = memo.future::<u8>();
        *kept.borrow_mut() = Some(setter);
        memo.task(|_| async move {
            assert!(matches!(value.await, Err(Error::Abandoned { .. })));
            note.set(true);
            Ok(())
        });
    });
    assert!(told.get());
    assert_eq!(report.abandoned.len(), 1);
    assert!(report.abandoned[0].contains("probes_ends.rs"), "{:?}", report.abandoned);
    assert!(report.tasks.is_empty(), "the task coped");
    assert!(!report.is_success());
}

const INPUT: &str = "BUILDBOOK_MEMO_TEST_INPUT";

/// What another process does for the test below, whose own input is not empty; nothing in an ordinary run.
#[test]
fn has_an_input_if_asked_to() {
    if std::env::var_os(INPUT).is_none() {
        return;
    }
    let project = Project::new();
    let (report, _) = build(&project, |memo| {
        let _running =
            memo.spawn(sh(memo, "cat > out; test -t 1 || echo no terminal >> out")).writes(["out"]).start();
    });
    assert!(report.is_success(), "{report}");
    assert_eq!(project.get("out"), "no terminal\n");
}

#[test]
fn a_process_has_neither_the_input_nor_the_terminal_of_the_build() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("input");
    std::fs::write(&input, "of the build").unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "probes_ends::has_an_input_if_asked_to"]).env(INPUT, "1");
    let run = command.stdin(std::fs::File::open(input).unwrap()).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stdout));
    assert!(String::from_utf8_lossy(&run.stdout).contains("1 passed"));
}
