//! Ending a batch before its end.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::book::{Book, Ended};

/// Starts a batch whose second target waits for ever, and returns when that has begun.
fn start_and_wait(book: &Book) -> Child {
    let begun = book.path("begun");
    let hang =
        format!("[ -e '{}' ] && exit 0; touch '{}'; sleep 90", book.path("go").display(), begun.display());
    let plan = book.plan(&[
        ("quick.1", "true", &[]),
        ("slow.1", &hang, &["quick.1"]),
        ("last.1", "true", &["slow.1"]),
    ]);
    book.start(&plan, &begun)
}

fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
}

/// What anybody finds who looks after an interruption, and that the next run goes on.
fn assert_sound_and_resumable(book: &Book) {
    let fsck = book.run(&["fsck"]);
    assert_eq!(fsck.status, 0, "{}", fsck.stdout);
    let runs = book.run(&["runs", "--json"]).json();
    assert_eq!(runs["runs"][0]["state"], "interrupted");
    assert_eq!(runs["runs"][0]["latest"], false, "`latest` only ever names a finished run");
    assert_eq!(book.run(&["locks", "--json"]).json()["locks"], Value::Array(Vec::new()));

    std::fs::write(book.path("go"), "").unwrap();
    let (status, report) = book.batch(&book.path("plan.json"));
    assert_eq!(status, 0, "{report}");
    assert_eq!(
        (&report["totals"]["from_layer"], &report["totals"]["built"]),
        (&1.into(), &2.into()),
        "{report}"
    );
    let repaired = book.run(&["fsck", "--repair"]);
    assert_eq!(repaired.status, 0, "{}", repaired.stdout);
    let platform = book.root().join("test-1");
    let hidden: Vec<_> = std::fs::read_dir(platform)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with('.'))
        .collect();
    assert_eq!(hidden, [""; 0], "no leftover survives");
}

#[test]
fn ctrl_c_leaves_a_sound_book_and_the_next_run_goes_on() {
    let book = Book::new();
    let child = start_and_wait(&book);
    signal(&child, Signal::SIGINT);
    let ended = Ended::from(child.wait_with_output().unwrap());
    assert_eq!(ended.status, 1);
    let report = ended.json();
    assert_eq!(
        (&report["complete"], &report["totals"]["not_attempted"]),
        (&false.into(), &2.into()),
        "{report}"
    );
    assert_sound_and_resumable(&book);
}

#[test]
fn a_batch_that_is_killed_leaves_a_sound_book_and_the_next_run_goes_on() {
    let book = Book::new();
    let mut child = start_and_wait(&book);
    let progress = book.run(&["progress", "--json"]).json();
    assert_eq!(progress["progress"][0]["state"], "in_progress", "{progress}");
    let locks = book.run(&["locks", "--json"]).json();
    assert_eq!(locks["locks"][0]["package"], "slow", "{locks}");
    assert_eq!(locks["locks"][0]["pid"], child.id());
    signal(&child, Signal::SIGKILL);
    child.wait().unwrap();
    assert_sound_and_resumable(&book);
}

/// Starts a batch whose target ignores the request to end, asks for the end with some signals, and tells how long
/// that took.
fn end_a_stubborn_target(signals: &[Signal]) -> Duration {
    let book = Book::new();
    let begun = book.path("begun");
    let script = format!("trap '' TERM INT; touch '{}'; while true; do sleep 0.1; done", begun.display());
    let plan = book.plan(&[("stubborn.1", &script, &[])]);
    let child =
        book.command().arg("run").arg(&plan).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let start = Instant::now();
    while !begun.exists() {
        assert!(start.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(10));
    }
    let start = Instant::now();
    for one in signals {
        signal(&child, *one);
    }
    let ended = Ended::from(child.wait_with_output().unwrap());
    assert_eq!(ended.status, 1);
    start.elapsed()
}

#[test]
fn a_target_that_ignores_the_request_to_end_is_killed_after_a_while() {
    let took = end_a_stubborn_target(&[Signal::SIGTERM]);
    assert!((Duration::from_secs(4)..Duration::from_secs(60)).contains(&took), "{took:?}");
}

#[test]
fn a_second_request_kills_without_waiting() {
    let took = end_a_stubborn_target(&[Signal::SIGTERM, Signal::SIGINT]);
    assert!(took < Duration::from_secs(4), "{took:?}");
}
