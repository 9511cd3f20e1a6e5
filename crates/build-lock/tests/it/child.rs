//! Other processes, played by this test binary itself.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use buildbook_build_lock::BuildLocks;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use crate::{holder, name};

/// Another process that plays a part of [`plays_its_role`] until its standard input is closed.
pub(crate) struct Other {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Other {
    /// Starts a process in a role, and waits until it says that it is ready.
    pub(crate) fn start(role: &str, path: &Path) -> Other {
        let mut other = Self::spawn(role, path);
        assert!(other.says("ready"), "the other process gave up before it was ready");
        other
    }

    fn says(&mut self, wanted: &str) -> bool {
        let verdict = self
            .stdout
            .by_ref()
            .lines()
            .map_while(Result::ok)
            .find_map(|line| ["ready", "refused"].into_iter().find(|word| line.ends_with(word)));
        verdict == Some(wanted)
    }

    fn spawn(role: &str, path: &Path) -> Other {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child::plays_its_role", "--nocapture"])
            .env("BUILD_LOCK_TEST_ROLE", role)
            .env("BUILD_LOCK_TEST_PATH", path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Other { child, stdin, stdout: BufReader::new(stdout) }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn finish(self) {
        let Other { mut child, stdin, mut stdout } = self;
        drop(stdin);
        std::io::copy(&mut stdout, &mut std::io::sink()).unwrap();
        assert!(child.wait().unwrap().success(), "the other process found a fault");
    }
}

/// Does nothing in an ordinary test run; in another process started by [`Other`] it plays the role.
#[test]
fn plays_its_role() {
    let (Ok(role), Some(path)) =
        (std::env::var("BUILD_LOCK_TEST_ROLE"), std::env::var_os("BUILD_LOCK_TEST_PATH"))
    else {
        return;
    };
    let path = PathBuf::from(path);
    match role.as_str() {
        // Holds the lock of `a.1` in a folder.
        "hold" => {
            let _lock = BuildLocks::at(&path).acquire(&name("a.1"), &holder()).unwrap();
            ready_until_told_to_end();
        }
        "lockf" => {
            let file =
                File::options().read(true).write(true).create(true).truncate(false).open(&path).unwrap();
            if lockf(&file) { ready_until_told_to_end() } else { println!("refused") }
        }
        // Locks every file in a folder.
        "lockf-all" => {
            let files: Vec<File> = std::fs::read_dir(&path)
                .unwrap()
                .map(|entry| File::options().read(true).write(true).open(entry.unwrap().path()).unwrap())
                .collect();
            assert!(files.iter().all(lockf));
            ready_until_told_to_end();
        }
        "churn" => {
            println!("ready");
            crate::race::churn(&path);
        }
        role => panic!("there is no role {role}"),
    }
}

/// What `lockf` does, in C, OCaml and Python alike.
fn lockf(file: &File) -> bool {
    let whole = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    fcntl(file, FcntlArg::F_SETLK(&whole)).is_ok()
}

fn ready_until_told_to_end() {
    println!("ready");
    let _ = std::io::stdin().read_line(&mut String::new());
}

/// Whether a `lockf` by another process is refused.
pub(crate) fn lockf_is_refused(path: &Path) -> bool {
    let mut other = Other::spawn("lockf", path);
    let refused = other.says("refused");
    other.finish();
    refused
}
