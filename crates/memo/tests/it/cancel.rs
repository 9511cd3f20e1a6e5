//! Processes that are ended.

use std::path::Path;
use std::time::{Duration, Instant};

use buildbook_memo::{Ended, Error, Memo, Status, Tool, Wait};

use crate::support::Project;

/// Whether a process is there, as a zombie or otherwise.
fn exists(pid: &str) -> bool {
    Path::new("/proc").join(pid.trim()).exists()
}

fn wait_for(path: &Path) -> String {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match std::fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
            _ => assert!(Instant::now() < deadline, "{} never came", path.display()),
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn wait_until_gone(pid: &str) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while exists(pid) {
        assert!(Instant::now() < deadline, "{pid} stays");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn spawn(memo: &Memo, script: &str, write: &str) {
    let sh = memo.tool(Tool::named("sh").relevant(["PATH"]));
    let _running = memo.spawn(sh.cmd().args(["-c", script])).writes([write]).start();
}

#[test]
fn a_cancelled_build_ends_whole_process_groups() {
    let project = Project::new();
    let mut memo = project.memo();
    spawn(&memo, "echo $$ > leader; sleep 1000 & echo $! > child; wait; echo done > out", "out");
    let sh = memo.tool(Tool::named("sh"));
    let _after = memo.spawn(sh.cmd().args(["-c", "cat out > end"])).reads(["out"]).writes(["end"]).start();
    let handle = memo.cancel_handle();
    let (leader, child) = (project.path("leader"), project.path("child"));
    let canceller = std::thread::spawn(move || {
        let pids = (wait_for(&leader), wait_for(&child));
        handle.cancel();
        handle.cancel();
        pids
    });
    let start = Instant::now();
    let report = memo.finish();
    assert!(start.elapsed() < Duration::from_secs(20), "nobody waited for the sleeper");
    let (leader, child) = canceller.join().unwrap();
    assert!(report.cancelled && !report.is_success());
    assert!(report.failed.is_empty() && report.never_ready.is_empty(), "{report}");
    assert_eq!(report.aborted.len(), 2);
    assert!(report.aborted.iter().all(|unfinished| matches!(unfinished.error.root(), Error::Cancelled)));
    assert!(!exists(&leader), "the leader is not even a zombie");
    wait_until_gone(&child);
    assert!(!project.path("end").exists());
}

#[test]
fn a_process_that_does_not_want_to_end_is_killed() {
    let project = Project::new();
    let mut memo = project.memo();
    spawn(&memo, "trap '' TERM; echo $$ > leader; while true; do sleep 0.01; done", "out");
    let handle = memo.cancel_handle();
    let leader = project.path("leader");
    let canceller = std::thread::spawn(move || {
        let pid = wait_for(&leader);
        handle.cancel();
        pid
    });
    assert!(memo.finish().cancelled);
    assert!(!exists(&canceller.join().unwrap()));
}

#[test]
fn what_a_tool_leaves_running_is_killed_before_its_writes_are_taken() {
    let project = Project::new();
    let mut memo = project.memo();
    spawn(&memo, "(sleep 0.2; echo late >> out) & echo $! > child; echo good > out", "out");
    memo.finish().into_result().unwrap();
    wait_until_gone(&wait_for(&project.path("child")));
    assert_eq!(project.get("out"), "good\n");
}

#[test]
fn a_memo_that_is_dropped_kills_what_runs() {
    let project = Project::new();
    let mut memo = project.memo();
    spawn(&memo, "echo $$ > leader; exec sleep 1000", "out");
    memo.stir(Wait::Not);
    let leader = wait_for(&project.path("leader"));
    drop(memo);
    assert!(!exists(&leader));
}

#[test]
fn an_operation_after_the_cancellation_does_not_start() {
    let project = Project::new();
    let mut memo = project.memo();
    memo.cancel_handle().cancel();
    spawn(&memo, "echo ran > trace; echo > out", "out");
    let report = memo.finish();
    assert!(report.cancelled);
    assert!(matches!(memo.ops()[0].status, Status::Failed(Error::Cancelled)));
    assert!(!project.path("trace").exists());
}

#[test]
fn a_process_whose_time_is_up_is_ended_with_its_group() {
    let project = Project::new();
    let mut memo = project.memo();
    let sh = memo.tool(Tool::named("sh").relevant(["PATH"]));
    let script = "echo said; sleep 1000 & echo $! > child; wait";
    let slow = sh.cmd().args(["-c", script]);
    let _slow = memo.spawn(slow).writes(["out"]).timeout(Duration::from_millis(300)).any_exit().start();
    let quick = sh.cmd().args(["-c", "echo quick > quick"]);
    let _quick = memo.spawn(quick).writes(["quick"]).timeout(Duration::from_secs(1000)).start();
    let start = Instant::now();
    let report = memo.finish();
    assert!(start.elapsed() < Duration::from_secs(20));
    let [unfinished] = &report.failed[..] else { panic!("{report}") };
    let Error::Exit { ended, output, .. } = &unfinished.error else { panic!("{report}") };
    assert_eq!((*ended, &**output), (Ended::TimedOut, &b"said\n"[..]));
    wait_until_gone(&wait_for(&project.path("child")));
    assert!(!report.cancelled && project.get("quick") == "quick\n");

    let mut memo = project.memo();
    let sh = memo.tool(Tool::named("sh").relevant(["PATH"]));
    let _quick = memo.spawn(sh.cmd().args(["-c", "echo quick > quick"])).writes(["quick"]).start();
    memo.finish().into_result().unwrap();
    assert!(matches!(memo.ops()[0].status, Status::Revived), "the time is not in the key");
}
