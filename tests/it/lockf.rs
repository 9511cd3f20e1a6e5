//! A program that knows nothing of ours, and locks as the original does.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use buildbook::build_lock::{BuildLocks, Holder, LockName};
use buildbook::layout::Book;

use crate::program::program;
use crate::{at, package};

/// Takes and gives back whole-file locks on demand: `lock` answers whether it was to be had.
const SCRIPT: &str = "
import fcntl, os, sys
file = open(sys.argv[1], 'r+b')
print(os.getpid(), flush=True)
for command in sys.stdin:
    try:
        if command == 'lock\\n':
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            fcntl.lockf(file, fcntl.LOCK_UN)
        print('done', flush=True)
    except OSError:
        print('refused', flush=True)
";

struct Python {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    pid: i32,
}

impl Python {
    /// `None` where there is no Python.
    fn start(file: &Path) -> Option<Python> {
        let started = Command::new("python3")
            .args(["-c", SCRIPT])
            .arg(file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = match started {
            Ok(child) => child,
            Err(error) => {
                eprintln!("skipped: python3 cannot be started: {error}");
                return None;
            }
        };
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut python = Python { child, stdin, stdout: BufReader::new(stdout), pid: 0 };
        let answer = python.answer();
        let Ok(pid) = answer.parse() else {
            eprintln!("skipped: python3 does not run here");
            let _ = python.child.wait();
            return None;
        };
        python.pid = pid;
        Some(python)
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn asks(&mut self, command: &str) -> String {
        writeln!(self.stdin, "{command}").unwrap();
        self.answer()
    }

    fn ends(self) {
        let Python { mut child, stdin, .. } = self;
        drop(stdin);
        assert!(child.wait().unwrap().success());
    }
}

#[test]
fn a_lock_of_another_language_and_ours_exclude_each_other_and_both_are_seen() {
    let folder = tempfile::tempdir().unwrap();
    let book = Book::at(folder.path());
    let locks = BuildLocks::at(book.locks());
    std::fs::create_dir_all(locks.folder()).unwrap();
    std::fs::create_dir(folder.path().join("debian-12-x86_64")).unwrap();
    let name = LockName::build(&package("astring.0.8.5"));
    let path = locks.path(&name);
    assert!(path.ends_with("locks/build-astring.0.8.5.lock"));
    std::fs::write(&path, "41\n1773060884\nbuild-0123456789ab\n/tmp/day11_run_x/build.log\n").unwrap();
    let Some(mut python) = Python::start(&path) else { return };
    let holder = Holder::since(at("2026-03-09T12:54:44Z"));

    assert!(locks.list_active().unwrap().locks.is_empty(), "the text alone is no lock");
    assert_eq!(python.asks("lock"), "done");
    let active = locks.list_active().unwrap();
    let [lock] = &active.locks[..] else { panic!("one lock: {active:?}") };
    assert_eq!((lock.package.as_str(), lock.version.as_deref()), ("astring", Some("0.8.5")));
    assert_eq!(
        (lock.holder_pid, lock.pid),
        (Some(python.pid), Some(41)),
        "the kernel knows better than the text"
    );
    assert!(locks.try_acquire(&name, &holder).unwrap().is_none());
    let listed = listed_by_the_program(folder.path());
    if let Some(listed) = &listed {
        assert_eq!(
            (&listed["locks"][0]["package"], &listed["locks"][0]["holder_pid"]),
            (&"astring".into(), &python.pid.into())
        );
    }

    assert_eq!(python.asks("unlock"), "done");
    assert!(locks.list_active().unwrap().locks.is_empty());
    let ours = locks.try_acquire(&name, &holder).unwrap().expect("it is free");
    assert_eq!(python.asks("lock"), "refused");
    for _ in 0..2 {
        assert_eq!(locks.list_active().unwrap().locks.len(), 1);
        assert_eq!(python.asks("lock"), "refused", "looking at the lock released it");
    }
    if listed.is_some() {
        listed_by_the_program(folder.path());
        assert_eq!(python.asks("lock"), "refused", "the program released it");
    }
    ours.release().unwrap();
    // Our release removed the name; what Python has open is a file that nobody else can reach.
    assert!(!path.exists());
    python.ends();
    assert!(locks.try_acquire(&name, &holder).unwrap().is_some());
}

/// `None` where the program has not been built.
fn listed_by_the_program(root: &Path) -> Option<serde_json::Value> {
    let output = program(root)?.args(["locks", "--json"]).output().unwrap();
    assert!(output.status.success());
    Some(serde_json::from_slice(&output.stdout).unwrap())
}
