//! Other processes, played by this test binary itself.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use buildbook_layout::{LogTree, RunId};
use buildbook_runlog::RunLog;

use crate::start;

/// Another process, which has a run, or starts some, in a folder.
pub(crate) struct Other {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Other {
    /// Starts a process in a role of [`plays_its_role`], and waits until it is ready.
    pub(crate) fn start(role: &str, log: &RunLog) -> Other {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child::plays_its_role", "--nocapture"])
            .env("RUNLOG_TEST_ROLE", role)
            .env("RUNLOG_TEST_PATH", log.tree().path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut other = Other { child, stdin, stdout: BufReader::new(stdout) };
        assert_eq!(other.next_word("ready"), "");
        other
    }

    /// Lets it go on.
    pub(crate) fn go(&mut self) {
        self.stdin.write_all(b"go\n").unwrap();
    }

    /// The next run that it says it has.
    pub(crate) fn next_run(&mut self) -> RunId {
        self.next_word("run ").parse().unwrap()
    }

    /// What follows a mark in the next line that has it. The test harness prints on the same lines.
    fn next_word(&mut self, mark: &str) -> String {
        let mut line = String::new();
        while self.stdout.read_line(&mut line).unwrap() > 0 {
            if let Some((_, word)) = line.trim_end().split_once(mark) {
                return word.to_owned();
            }
            line.clear();
        }
        panic!("the other process ended before it said {mark:?}");
    }

    /// Ends it as a power cut would, as far as it is concerned.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Lets it end.
    pub(crate) fn end(mut self) {
        self.go();
        std::io::copy(&mut self.stdout, &mut std::io::sink()).unwrap();
        assert!(self.child.wait().unwrap().success());
    }
}

/// Does nothing in an ordinary test run; in another process started by [`Other`] it plays the role: it
/// starts as many runs as the role says and keeps them until it is told to go on.
#[test]
fn plays_its_role() {
    let (Ok(role), Some(path)) = (std::env::var("RUNLOG_TEST_ROLE"), std::env::var_os("RUNLOG_TEST_PATH"))
    else {
        return;
    };
    let log = RunLog::at(LogTree::at(Path::new(&path)));
    println!("ready");
    wait();
    let mut runs = Vec::new();
    for _ in 0..role.parse().unwrap() {
        let run = log.start_run(start()).unwrap();
        println!("run {}", run.id());
        runs.push(run);
    }
    wait();
}

fn wait() {
    std::io::stdin().read_line(&mut String::new()).unwrap();
}
