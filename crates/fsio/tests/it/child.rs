//! Other processes, played by this test binary itself.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use buildbook_fsio::{Durability, Lock, append_lines};
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

/// Another process that plays a part of `ROLES` until its standard input is closed.
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

    /// Reads on until a line that says one of two things; whether it is the wanted one.
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
            .env("FSIO_TEST_ROLE", role)
            .env("FSIO_TEST_PATH", path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Other { child, stdin, stdout: BufReader::new(stdout) }
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
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
    let (Ok(role), Some(path)) = (std::env::var("FSIO_TEST_ROLE"), std::env::var_os("FSIO_TEST_PATH")) else {
        return;
    };
    let path = Path::new(&path);
    match role.as_str() {
        "hold" => {
            let _lock = Lock::acquire(path).unwrap();
            ready_until_told_to_end();
        }
        // What `lockf` does, in C, OCaml and Python alike.
        "lockf" => {
            let file = std::fs::OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(path)
                .unwrap();
            let whole = libc::flock {
                l_type: libc::F_WRLCK as libc::c_short,
                l_whence: libc::SEEK_SET as libc::c_short,
                l_start: 0,
                l_len: 0,
                l_pid: 0,
            };
            match fcntl(&file, FcntlArg::F_SETLK(&whole)) {
                Ok(_) => ready_until_told_to_end(),
                Err(_) => tell("refused"),
            }
        }
        role => {
            let writer: u32 = role.strip_prefix("append-").unwrap().parse().unwrap();
            for number in 0..500 {
                append_lines(path, format!("{writer} {number}\n").as_bytes(), Durability::Cached).unwrap();
            }
            ready_until_told_to_end();
        }
    }
}

fn tell(word: &str) {
    println!("{word}");
}

fn ready_until_told_to_end() {
    tell("ready");
    let _ = std::io::stdin().read_line(&mut String::new());
}

/// Whether a `lockf` by another process is refused.
pub(crate) fn lockf_is_refused(path: &Path) -> bool {
    let mut other = Other::spawn("lockf", path);
    let refused = other.says("refused");
    other.finish();
    refused
}
