//! A process in which one thing is done, played by this test binary itself.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::count::Cost;

const ROLE: &str = "BUILDBOOK_COUNTED_ROLE";
const FOLDER: &str = "BUILDBOOK_COUNTED_FOLDER";

/// Has another process play a role, and gives what it cost.
pub(crate) fn cost(role: &str, folder: &Path) -> Cost {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child::plays_its_role", "--nocapture", "--test-threads=1"])
        .env(ROLE, role)
        .env(FOLDER, folder)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "{role}");
    let text = String::from_utf8(output.stdout).unwrap();
    // What the test harness prints has no such mark.
    let said = text.lines().find_map(|line| line.split_once("cost: "));
    said.unwrap().1.parse().unwrap()
}

/// Does nothing in an ordinary test run.
#[test]
fn plays_its_role() {
    let (Ok(role), Some(folder)) = (std::env::var(ROLE), std::env::var_os(FOLDER)) else { return };
    let folder: &Path = folder.as_ref();
    let cost = match role.as_str() {
        "newest" => crate::reading::newest(folder),
        "blessed" => crate::reading::blessed(folder),
        "pass over" => crate::reading::pass_over(folder),
        "classify" => crate::classify::classify(folder),
        "index" => crate::index::index(folder),
        "keep" => crate::memo::keep(folder),
        "revive" => crate::memo::revive(folder),
        "incremental" => crate::incremental::index(folder),
        "run" => crate::run::run(folder),
        "from memo" => crate::run::from_memo(folder),
        other => panic!("{other:?}"),
    };
    println!("cost: {cost}");
}
