//! Another program that builds a layer: this test binary itself, holding a lock as `lockf` does.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

pub(crate) struct Other {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Other {
    /// Starts a process that locks a file, and waits until it has.
    pub(crate) fn start(lock: &Path) -> Other {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child::holds_a_lock", "--nocapture"])
            .env("GC_TEST_LOCK", lock)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let locked = stdout.by_ref().lines().map_while(Result::ok).any(|line| line.ends_with("locked"));
        assert!(locked, "the other process could not take the lock");
        Other { child, stdout }
    }

    pub(crate) fn finish(mut self) {
        drop(self.child.stdin.take());
        std::io::copy(&mut self.stdout, &mut std::io::sink()).unwrap();
        assert!(self.child.wait().unwrap().success());
    }
}

/// Does nothing in an ordinary test run.
#[test]
fn holds_a_lock() {
    let Some(path) = std::env::var_os("GC_TEST_LOCK") else { return };
    let file = File::options().read(true).write(true).create(true).truncate(false).open(path).unwrap();
    let whole = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    fcntl(&file, FcntlArg::F_SETLK(&whole)).unwrap();
    println!("locked");
    let _ = std::io::stdin().read_line(&mut String::new());
}
