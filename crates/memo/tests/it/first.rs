//! The shortest way through everything.

use std::num::NonZero;
use std::os::unix::fs::PermissionsExt as _;

use buildbook_memo::{Digest, Error, Memo, Status, Tool, Wait};

use crate::support::Project;

/// Copies `in` to `out` with a process that also leaves a trace of having run.
fn build(project: &Project) -> (bool, bool) {
    let mut memo = project.memo();
    let sh = memo.tool(Tool::named("sh").relevant(["PATH"]));
    memo.file_ready("in");
    let cmd = sh.cmd().args(["-c", "cat in > out; echo ran >> trace; echo said"]);
    let _running = memo.spawn(cmd).reads(["in"]).writes(["out"]).start();
    let report = memo.finish();
    assert!(report.is_success(), "{report}");
    let ops = memo.ops();
    assert_eq!(&*ops[0].output, b"said\n");
    assert_eq!(ops[0].exit, Some(0));
    (matches!(ops[0].status, Status::Revived), report.is_success())
}

#[test]
fn a_second_build_takes_the_result_from_the_cache() {
    let project = Project::new();
    project.put("in", "one");
    assert_eq!(build(&project), (false, true));
    assert_eq!((project.get("out"), project.get("trace")), ("one".to_owned(), "ran\n".to_owned()));
    std::fs::remove_file(project.path("out")).unwrap();
    assert_eq!(build(&project), (true, true));
    assert_eq!((project.get("out"), project.get("trace")), ("one".to_owned(), "ran\n".to_owned()));
    project.put("in", "two");
    assert_eq!(build(&project), (false, true));
    assert_eq!((project.get("out"), project.get("trace")), ("two".to_owned(), "ran\nran\n".to_owned()));
    project.put("in", "one");
    assert_eq!(build(&project), (true, true));
    assert_eq!(project.get("out"), "one");
}

#[test]
fn tools_that_the_build_writes_run_while_it_writes_others() {
    let project = Project::new();
    let settings = project.settings().max_spawn(NonZero::new(4).unwrap());
    let mut memo = Memo::new(settings);
    for number in 0..100 {
        let (tool, out) = (format!("tool{number}"), format!("out{number}"));
        let script = format!("#!/bin/sh\necho {number} > {out}\n");
        let _written = memo.write(&tool, script).mode(0o755).start();
        let built = memo.tool(Tool::built(&tool));
        let _running = memo.spawn(built.cmd()).writes([out]).start();
    }
    memo.finish().into_result().unwrap();
    assert!((0..100).all(|number| project.get(&format!("out{number}")) == format!("{number}\n")));
}

#[test]
fn a_file_that_is_kept_is_taken_out_where_a_function_would_have_to_make_it() {
    let project = Project::new();
    let is_made = |salt: &str, mode: u32| {
        let (called, calls) = std::sync::mpsc::channel();
        let mut memo = project.memo();
        let make = move || {
            called.send(()).unwrap();
            Ok(b"made".to_vec())
        };
        drop(memo.write_with("file", salt, make).mode(mode).start());
        memo.finish().into_result().unwrap();
        calls.try_iter().count() == 1
    };
    let keep = |path: &str, content: &str, mode: u32| {
        let mut memo = project.memo();
        drop(memo.keep(path, "salt", Digest::of(content.as_bytes())).mode(mode).start());
        memo.finish().into_result().map_err(|report| report.failed[0].error.clone())
    };
    let place = |content: &str| {
        project.put("file", content);
        std::fs::set_permissions(project.path("file"), std::fs::Permissions::from_mode(0o640)).unwrap();
    };
    place("some");
    assert!(matches!(keep("file", "other", 0o640), Err(Error::ReadsChanged { .. })));
    assert!(matches!(keep("file", "some", 0o600), Err(Error::ReadsChanged { .. })));
    assert!(matches!(keep("none", "some", 0o640), Err(Error::ReadsMissing { .. })));
    std::fs::remove_file(project.path("file")).unwrap();
    assert!(is_made("salt", 0o640), "nothing of that was kept");

    std::fs::remove_dir_all(project.path("cache")).unwrap();
    place("some");
    keep("file", "some", 0o640).unwrap();
    assert_eq!(project.get("file"), "some", "it stays");
    std::fs::remove_file(project.path("file")).unwrap();
    assert!(!is_made("salt", 0o640));
    let mode = std::fs::metadata(project.path("file")).unwrap().permissions().mode();
    assert_eq!((project.get("file"), mode & 0o777), ("some".to_owned(), 0o640));
    assert!(is_made("other", 0o640) && is_made("salt", 0o600), "its salt and its rights are in the key");
}

#[test]
fn a_file_is_not_kept_for_reads_that_it_was_not_made_from() {
    let project = Project::new();
    project.put("in", "one");
    let mut memo = project.memo();
    memo.file_ready("in");
    drop(memo.read("in"));
    memo.stir(Wait::Block);
    project.put("in", "two");
    project.put("out", "of two");
    std::fs::set_permissions(project.path("out"), std::fs::Permissions::from_mode(0o644)).unwrap();
    drop(memo.keep("out", "salt", Digest::of(b"of two")).reads(["in"]).start());
    memo.stir(Wait::Block);
    let status = memo.ops()[1].status.clone();
    assert!(matches!(status, Status::Failed(Error::ReadsChanged { .. })), "{status:?}");
    assert!(!memo.finish().is_success());
    drop(memo);

    project.put("in", "one");
    std::fs::remove_file(project.path("out")).unwrap();
    let mut memo = project.memo();
    memo.file_ready("in");
    drop(memo.write_with("out", "salt", || Ok(b"of one".to_vec())).reads(["in"]).start());
    memo.finish().into_result().unwrap();
    assert_eq!(project.get("out"), "of one");
}

#[test]
fn what_is_forgotten_is_made_again_and_its_file_stays() {
    let project = Project::new();
    project.put("in", "one");
    let is_made = |salt: &str| {
        let mut memo = project.memo();
        memo.file_ready("in");
        drop(memo.write_with("file", salt, || Ok(b"made".to_vec())).reads(["in"]).start());
        memo.finish().into_result().unwrap();
        matches!(memo.ops()[0].status, Status::Executed)
    };
    assert!(is_made("salt") && is_made("other"));
    let mut memo = project.memo();
    memo.file_ready("in");
    drop(memo.forget("file", "salt").reads(["in"]).start());
    drop(memo.forget("nothing", "is known").start());
    memo.finish().into_result().unwrap();
    assert_eq!(project.get("file"), "made");
    std::fs::remove_file(project.path("file")).unwrap();
    assert!(is_made("salt") && !is_made("other"));
}
