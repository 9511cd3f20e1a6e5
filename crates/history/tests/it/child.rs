//! Other processes, played by this test binary itself.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use buildbook_history::History;
use buildbook_layout::PackagesTree;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use crate::{World, entry, line};

/// Another process that plays a role. It says when it is ready, and goes on when it is told to.
pub(crate) struct Other {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Other {
    pub(crate) fn start(role: &str, world: &World) -> Other {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child::plays_its_role", "--nocapture"])
            .env("HISTORY_TEST_ROLE", role)
            .env("HISTORY_TEST_PACKAGES", world.history.tree().path())
            .env("HISTORY_TEST_PACKAGE", world.package.as_str())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut other = Other { child, stdin, stdout: BufReader::new(stdout) };
        assert!(other.stdout.by_ref().lines().map_while(Result::ok).any(|line| line.ends_with("ready")));
        other
    }

    pub(crate) fn go_on(&mut self) {
        self.stdin.write_all(b"\n").unwrap();
    }

    pub(crate) fn finish(self) {
        let Other { mut child, stdin, mut stdout } = self;
        drop(stdin);
        std::io::copy(&mut stdout, &mut std::io::sink()).unwrap();
        assert!(child.wait().unwrap().success());
    }
}

/// Does nothing in an ordinary test run; in another process started by [`Other`] it plays the role.
#[test]
fn plays_its_role() {
    let var = std::env::var;
    let (Ok(role), Ok(packages)) = (var("HISTORY_TEST_ROLE"), var("HISTORY_TEST_PACKAGES")) else { return };
    let package = var("HISTORY_TEST_PACKAGE").unwrap().parse().unwrap();
    let history = History::at(PackagesTree::at(packages));
    match role.split_once(' ').unwrap() {
        ("append", name) => {
            wait_until_told();
            for number in 0..crate::company::ENTRIES {
                history.append(&package, &crate::company::numbered(name, number)).unwrap();
            }
        }
        ("original", name) => write_as_the_original(&history.tree().history(&package), name),
        other => panic!("{other:?}"),
    }
}

fn wait_until_told() {
    println!("ready");
    let _ = std::io::stdin().read_line(&mut String::new());
}

/// Opens the file, waits for the lock, writes one line and closes, without looking at the name again.
fn write_as_the_original(path: &Path, name: &str) {
    let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
    wait_until_told();
    let whole = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    fcntl(&file, FcntlArg::F_SETLKW(&whole)).unwrap();
    file.write_all(line(&entry(name)).as_bytes()).unwrap();
}
