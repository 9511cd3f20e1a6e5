//! The real program where the book cannot be written to: status 3 and one clear line, and readers that go on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use buildbook_tests::Snapshot;
use buildbook_tests::device::Mounted;
use serde_json::json;

use super::{fill, on_a_small_disk};
use crate::program::program;

/// A book on which the program has run a plan, and the plan.
struct Built {
    root: PathBuf,
    plan: PathBuf,
}

impl Built {
    /// `None` where the program has not been built.
    fn on(disk: &Path) -> Option<Built> {
        let built = Built { root: disk.join("book"), plan: disk.join("plan.json") };
        built.plan_with("echo building");
        let output = program(&built.root)?.arg("run").arg(&built.plan).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        Some(built)
    }

    fn plan_with(&self, script: &str) {
        let target = json!({ "package": "a.1", "command": ["sh", "-c", script], "blessed": true });
        fs::write(&self.plan, json!({ "targets": [target] }).to_string()).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Output {
        program(&self.root).unwrap().args(arguments).output().unwrap()
    }

    fn build(&self) -> Output {
        self.run(&["run", self.plan.to_str().unwrap()])
    }

    /// Every reading command says what it says on a good day.
    fn assert_readable(&self, before: &[Output]) {
        for (arguments, before) in READERS.iter().zip(before) {
            let now = self.run(arguments);
            assert_eq!(
                (now.status, &now.stdout, &now.stderr),
                (before.status, &before.stdout, &before.stderr),
                "{arguments:?}"
            );
        }
    }

    fn read(&self) -> Vec<Output> {
        READERS.iter().map(|arguments| self.run(arguments)).collect()
    }
}

const READERS: [&[&str]; 10] = [
    &["status"],
    &["packages"],
    &["failures"],
    &["history", "a.1"],
    &["log", "a.1"],
    &["runs"],
    &["show", "latest"],
    &["locks"],
    &["gc", "--dry-run"],
    &["fsck"],
];

fn assert_one_clear_line(output: &Output, answer: &str, what: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{what}: {output:?}");
    assert_eq!(said.lines().count(), 1, "{what}: {said}");
    assert!(said.starts_with("buildbook: cannot ") && said.contains(answer), "{what}: {said}");
}

#[test]
fn the_program_says_in_one_line_that_a_mount_is_read_only_and_reads_on() {
    on_a_small_disk("size=16m,mode=755", |disk| {
        let Some(built) = Built::on(disk) else { return };
        built.plan_with("echo something else");
        let before = (built.read(), Snapshot::take(&built.root).unwrap());
        let mounted = Mounted::read_only(&built.root).unwrap();
        assert_one_clear_line(&built.build(), "Read-only file system", "run");
        assert_one_clear_line(&built.run(&["index"]), "Read-only file system", "index");
        built.assert_readable(&before.0);
        assert_eq!(before.1.differences(&Snapshot::take(&built.root).unwrap()), Vec::<String>::new());
        drop(mounted);
        assert_eq!(built.build().status.code(), Some(0));
    });
}

#[test]
fn the_program_says_in_one_line_that_the_disk_is_full_and_goes_on_when_there_is_room() {
    on_a_small_disk("size=2m,mode=755", |disk| {
        let Some(built) = Built::on(disk) else { return };
        built.plan_with("echo something else");
        let before = built.read();
        fill(disk);
        assert_one_clear_line(&built.build(), "No space left on device", "run");
        assert_one_clear_line(&built.run(&["index"]), "No space left on device", "index");
        built.assert_readable(&before);
        fs::remove_file(disk.join("filler")).unwrap();
        assert_eq!(built.build().status.code(), Some(0));
        assert_eq!(built.run(&["fsck"]).status.code(), Some(0));
    });
}

/// The system sends a signal to whoever writes beyond the limit, and that ends a program which does not expect it.
#[test]
fn the_program_does_not_die_of_a_limit_on_file_sizes() {
    let folder = tempfile::tempdir().unwrap();
    let Some(built) = Built::on(folder.path()) else { return };
    built.plan_with("echo something else");
    let program = program(&built.root).unwrap();
    let output = Command::new("sh")
        .args(["-c", r#"ulimit -f 0; exec "$0" "$@""#])
        .arg(program.get_program())
        .args(program.get_args())
        .arg("run")
        .arg(&built.plan)
        .output()
        .unwrap();
    assert_one_clear_line(&output, "File too large", "run");
    assert_eq!(built.build().status.code(), Some(0));
    assert_eq!(built.run(&["fsck"]).status.code(), Some(0));
}
