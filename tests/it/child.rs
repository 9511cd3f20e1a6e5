//! Another process, played by this test binary itself.

use std::process::{Command, Stdio};

const ROLE: &str = "BUILDBOOK_TEST_ROLE";
const FOLDER: &str = "BUILDBOOK_TEST_FOLDER";

/// Plays a role in another process with these variables set, and gives what it printed.
pub(crate) fn play(role: &str, folder: &std::path::Path, variables: &[(&str, &str)]) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child::plays_its_role", "--nocapture"])
        .env(ROLE, role)
        .env(FOLDER, folder)
        .envs(variables.iter().copied())
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
        other => panic!("{other:?}"),
    };
    words.iter().for_each(|line| println!("said: {line}"));
}
