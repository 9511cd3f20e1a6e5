//! What the program inherits: standard streams that are full or closed, and signals that are ignored.

use std::fs::{File, OpenOptions};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::book::{Book, Ended};

/// The end of a pipe that nobody reads any more.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

fn full() -> File {
    OpenOptions::new().write(true).open("/dev/full").unwrap()
}

/// The program, started by one that ignores a signal.
fn ignoring(signal: &str, book: &Book, arguments: &[&str]) -> Command {
    let program = book.command();
    let mut command = Command::new("env");
    command.env_remove("BUILDBOOK_ROOT").arg(format!("--ignore-signal={signal}"));
    command.arg(program.get_program()).args(program.get_args()).args(arguments);
    command
}

#[test]
fn a_reader_that_goes_early_ends_a_command_quietly() {
    let book = Book::new();
    let plan = book.plan(&[("a.1", "echo hello", &[]), ("b.1", "exit 1", &[])]);
    book.batch(&plan);
    for arguments in [
        &["packages"][..],
        &["packages", "--json"],
        &["log", "a.1"],
        &["show", "latest"],
        &["fsck"],
        &["gc", "--dry-run"],
        &["progress", "--watch"],
    ] {
        let Output { status, stderr, .. } = book.command().args(arguments).stdout(closed()).output().unwrap();
        assert_eq!((status.code(), stderr.len()), (Some(0), 0), "{arguments:?}");
    }
    let run = book.command().arg("run").arg(&plan).stdout(closed()).output().unwrap();
    assert_eq!(run.status.code(), Some(1), "a batch still says that a target failed");
    assert_eq!(book.run(&["runs", "--json"]).json()["runs"][1]["state"], "finished");
}

#[test]
fn an_answer_that_cannot_be_printed_is_an_error() {
    let book = Book::new();
    book.batch(&book.plan(&[("a.1", "true", &[])]));
    for arguments in [&["packages"][..], &["packages", "--json"], &["runs"]] {
        let ended = Ended::from(book.command().args(arguments).stdout(full()).output().unwrap());
        ended.assert_error(3, "cannot write to standard output: No space left");
    }
}

#[test]
fn a_batch_goes_on_when_nobody_can_be_told_how_far_it_is() {
    for stderr in [closed, || Stdio::from(full())] {
        let book = Book::new();
        let plan = book.plan(&[("a.1", "true", &[]), ("b.1", "true", &["a.1"]), ("c.1", "true", &[])]);
        let mut command = book.command();
        command.args(["run", "--json", "-j", "2"]).arg(&plan).stderr(stderr());
        let ended = Ended::from(command.output().unwrap());
        assert_eq!((ended.status, &ended.json()["totals"]["built"]), (0, &3.into()), "{}", ended.stdout);
    }
}

#[test]
fn a_batch_that_was_told_to_outlive_its_terminal_does() {
    let book = Book::new();
    let (begun, go) = (book.path("begun"), book.path("go"));
    let script =
        format!("touch '{}'; while [ ! -e '{}' ]; do sleep 0.05; done", begun.display(), go.display());
    let plan = book.plan(&[("a.1", &script, &[])]);
    let mut command = ignoring("HUP", &book, &["run", "--json", plan.to_str().unwrap()]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let start = Instant::now();
    while !begun.exists() {
        assert!(start.elapsed() < Duration::from_secs(60), "the target did not begin");
        std::thread::sleep(Duration::from_millis(10));
    }
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGHUP).unwrap();
    std::fs::write(&go, "").unwrap();
    let ended = Ended::from(child.wait_with_output().unwrap());
    assert_eq!((ended.status, &ended.json()["totals"]["built"]), (0, &1.into()), "{}", ended.stdout);
}

#[test]
fn how_a_command_ended_is_known_whatever_the_parent_ignores() {
    let book = Book::new();
    let plan = book.plan(&[("a.1", "true", &[]), ("b.1", "exit 7", &[])]);
    let ended =
        Ended::from(ignoring("CHLD", &book, &["run", "--json", plan.to_str().unwrap()]).output().unwrap());
    let report = ended.json();
    assert_eq!((&report["totals"]["built"], &report["totals"]["failed"]), (&1.into(), &1.into()), "{report}");
    assert!(report["failures"][0]["message"].as_str().unwrap().contains("status 7"), "{report}");
}
