//! The process, for the test that started it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::role::{PATH, READY, ROLE};

/// Another process that plays a role.
#[derive(Debug)]
pub struct Other {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Other {
    /// Starts a process in a role, with a path to play it at, and waits until it says that it is ready.
    #[must_use]
    pub fn start(role: &str, path: &Path) -> Other {
        let mut other = Other::spawn(role, path);
        assert!(other.says_first(&[READY]).is_some(), "the other process gave up before it was ready");
        other
    }

    /// As [`Other::start`], without waiting.
    #[must_use]
    pub fn spawn(role: &str, path: &Path) -> Other {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child::plays_its_role", "--nocapture"])
            .env(ROLE, role)
            .env(PATH, path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Other { child, stdin, stdout: BufReader::new(stdout) }
    }

    /// Reads on until it has said one of some words, and gives this word and what follows it on its line; `None` when it
    /// ends before. The test harness prints on the same lines, so a word need not be at the start of one.
    pub fn says_first<'w>(&mut self, words: &[&'w str]) -> Option<(&'w str, String)> {
        let mut line = String::new();
        while self.stdout.read_line(&mut line).unwrap() > 0 {
            for word in words {
                if let Some((_, rest)) = line.trim_end().split_once(word) {
                    return Some((word, rest.to_owned()));
                }
            }
            line.clear();
        }
        None
    }

    /// Tells it to go on.
    pub fn go_on(&mut self) {
        self.stdin.write_all(b"\n").unwrap();
    }

    /// Its number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as a power cut would, as far as it is concerned.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Tells it to go on whenever it waits, and waits for its end.
    pub fn finish(self) {
        let Other { mut child, stdin, mut stdout } = self;
        drop(stdin);
        std::io::copy(&mut stdout, &mut std::io::sink()).unwrap();
        assert!(child.wait().unwrap().success(), "the other process found a fault");
    }
}
