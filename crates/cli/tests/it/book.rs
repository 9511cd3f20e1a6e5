//! A book in a temporary folder, and the program that works on it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) struct Book {
    folder: TempDir,
}

/// How the program ended.
pub(crate) struct Ended {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Book {
    pub(crate) fn new() -> Book {
        Book { folder: tempfile::tempdir().unwrap() }
    }

    /// A folder beside the book, for plans and what targets touch.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.path("book")
    }

    /// Writes a plan of targets, each `(package, command, dependencies)`.
    pub(crate) fn plan(&self, targets: &[(&str, &str, &[&str])]) -> PathBuf {
        let targets: Vec<Value> = targets
            .iter()
            .map(|(package, script, deps)| {
                serde_json::json!({ "package": package, "command": ["sh", "-c", script], "deps": deps })
            })
            .collect();
        self.plan_of(&serde_json::json!({ "targets": targets }))
    }

    pub(crate) fn plan_of(&self, plan: &Value) -> PathBuf {
        let path = self.path("plan.json");
        std::fs::write(&path, plan.to_string()).unwrap();
        path
    }

    pub(crate) fn command(&self) -> Command {
        command(&self.root())
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        Ended::from(self.command().args(arguments).output().unwrap())
    }

    /// Collects whatever nothing needs. What was used in the last 20 ms stays, because the clock of a file system may
    /// be behind, and a batch may take less: so this waits first.
    pub(crate) fn gc(&self, arguments: &[&str]) -> Ended {
        std::thread::sleep(Duration::from_millis(25));
        self.run(&[&["gc", "--min-age-days", "0"], arguments].concat())
    }

    /// Runs a plan and gives its report.
    pub(crate) fn batch(&self, plan: &Path) -> (i32, Value) {
        let ended = self.run(&["run", plan.to_str().unwrap(), "--json"]);
        (ended.status, ended.json())
    }

    /// Starts to run a plan, and returns when one of its targets has made a file.
    pub(crate) fn start(&self, plan: &Path, begun: &Path) -> Child {
        let child = self
            .command()
            .args(["run", "--json"])
            .arg(plan)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let start = Instant::now();
        while !begun.exists() {
            assert!(start.elapsed() < Duration::from_secs(60), "no target has made {}", begun.display());
            std::thread::sleep(Duration::from_millis(10));
        }
        child
    }
}

/// The program on a book at any place, without the user's own settings.
pub(crate) fn command(root: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_buildbook"));
    command.env_remove("BUILDBOOK_ROOT").args(["--platform", "test-1"]).arg("--root").arg(root);
    command
}

/// The program on a book at any place, asked for no platform.
pub(crate) fn ask(root: &Path, arguments: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_buildbook"));
    command.env_remove("BUILDBOOK_ROOT").arg("--root").arg(root).args(arguments);
    Ended::from(command.output().unwrap())
}

impl From<Output> for Ended {
    fn from(output: Output) -> Ended {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ended {
            status: output.status.code().expect("it was not ended by a signal"),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

impl Ended {
    /// The one document on standard output.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {:?}; {:?}", self.stdout, self.stderr))
    }

    /// Asserts an error of one line that says something.
    #[track_caller]
    pub(crate) fn assert_error(&self, status: i32, words: &str) {
        assert_eq!(self.status, status, "{}{}", self.stdout, self.stderr);
        assert!(self.stderr.contains(words), "{:?} should say {words:?}", self.stderr);
        assert_eq!(self.stderr.trim_end().lines().count(), 1, "one line: {:?}", self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
    }
}
