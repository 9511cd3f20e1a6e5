//! Another process, played by this test binary itself.

use std::path::Path;
use std::process::{Command, Stdio};

/// What makes the test binary play a role.
pub(crate) const ARGUMENTS: [&str; 3] = ["--exact", "child::plays_its_role", "--nocapture"];
const ROLE: &str = "BUILDBOOK_TEST_ROLE";
const FOLDER: &str = "BUILDBOOK_TEST_FOLDER";

/// Plays a role in another process with these variables set, and gives what it said.
pub(crate) fn play(role: &str, folder: &Path, variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(ARGUMENTS).envs(variables.iter().copied());
    said(role, folder, command)
}

/// Runs a command that ends in starting this test binary with [`ARGUMENTS`], and gives what the role said.
pub(crate) fn said(role: &str, folder: &Path, mut command: Command) -> String {
    let output = command
        .env(ROLE, role)
        .env(FOLDER, folder)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "{role}");
    let text = String::from_utf8(output.stdout).unwrap();
    // What the test harness prints has no such mark.
    text.lines().filter_map(|line| line.split_once("said: ")).map(|(_, words)| format!("{words}\n")).collect()
}

/// Does nothing in an ordinary test run.
#[test]
fn plays_its_role() {
    let (Ok(role), Some(folder)) = (std::env::var(ROLE), std::env::var_os(FOLDER)) else { return };
    let words = match role.as_str() {
        "zones" => crate::zones::times(folder.as_ref()),
        "descriptors" => crate::zones::descriptors(folder.as_ref()),
        "huge_line" => crate::hostile_input::read_a_huge_line(folder.as_ref()),
        "dense_documents" => crate::hostile_input::read_dense_documents(folder.as_ref()),
        "many_packages" => crate::hostile_input::read_many_packages(folder.as_ref()),
        "collect" => crate::mounts::collect(folder.as_ref()),
        other => panic!("{other:?}"),
    };
    words.iter().for_each(|line| println!("said: {line}"));
}
