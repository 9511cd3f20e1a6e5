//! Names that would lead somewhere else, or be shown as something else.

use buildbook::build_lock::LockName;
use buildbook::layout::{BuildHash, LayerName, LogTree, PackageId, Platform, RunId, Universe};
use buildbook::runlog::RunLog;
use buildbook_tests::Snapshot;

use crate::package;
use crate::program::program;

/// None of these is a name of anything.
fn hostile() -> Vec<String> {
    let mut names: Vec<String> = [
        "",
        ".",
        "..",
        "../a.1",
        "a.1/../../b.1",
        "/etc/passwd",
        "a/b",
        "a.1/",
        ".a.1",
        "a..b/..",
        "a\0b.1",
        "a.1\0",
        "a\n.1",
        "a.1\r",
        "a\u{1b}[31m.1",
        "a\u{7f}.1",
        "a\u{85}.1",
        "evil\u{202e}gpj.1",
        "a\u{200f}.1",
        "a\u{2066}.1",
    ]
    .map(str::to_owned)
    .to_vec();
    names.push("a".repeat(10_000));
    names.push(format!("{}.1", "é".repeat(5_000)));
    names.push(format!("a.{}", "../".repeat(3_000)));
    names
}

/// Every message about a name, `None` where the name was taken.
fn refusals(name: &str) -> [Option<String>; 11] {
    fn refusal<T: std::str::FromStr<Err: ToString>>(name: &str) -> Option<String> {
        name.parse::<T>().err().map(|error| error.to_string())
    }
    let lock = |name: &str| LockName::parse(name).err().map(|error| error.to_string());
    let json = serde_json::to_string(name).unwrap();
    [
        refusal::<PackageId>(name),
        refusal::<RunId>(name),
        refusal::<BuildHash>(name),
        refusal::<LayerName>(name),
        refusal::<Universe>(name),
        refusal::<Platform>(name),
        lock(name),
        lock(&format!("build-{name}.lock")),
        LockName::tool_for(&package("odoc"), name).err().map(|error| error.to_string()),
        serde_json::from_str::<PackageId>(&json).err().map(|error| error.to_string()),
        serde_json::from_str::<RunId>(&json).err().map(|error| error.to_string()),
    ]
}

/// Whether a text can be printed on a terminal without doing anything there.
fn is_harmless(text: &str) -> bool {
    !text.chars().any(|c| {
        (c.is_control() && c != '\n')
            || ('\u{200e}'..='\u{202e}').contains(&c)
            || ('\u{2066}'..='\u{2069}').contains(&c)
    })
}

#[test]
fn no_hostile_name_is_taken_and_no_message_repeats_it_at_length_or_as_it_is() {
    for name in hostile() {
        for (place, refusal) in refusals(&name).into_iter().enumerate() {
            let message = refusal.unwrap_or_else(|| panic!("{:?} is taken at {place}", name.get(..40)));
            assert!(message.len() < 1000, "{} bytes", message.len());
            assert!(is_harmless(&message), "{message:?}");
        }
    }
    assert!("a..".parse::<PackageId>().is_err(), "its version would be a folder above");
}

#[test]
fn a_run_is_never_looked_for_outside() {
    let folder = tempfile::tempdir().unwrap();
    let log = RunLog::at(LogTree::at(folder.path().join("logs")));
    let _run = log.start_run(crate::at("2026-03-09T12:54:44Z")).unwrap();
    std::fs::create_dir(folder.path().join("2026-03-09-125445")).unwrap();
    for name in hostile() {
        assert!(log.resolve(&name).is_err());
    }
    for name in
        ["../../2026-03-09-125445", "../2026-03-09-125445", "2026-03-09-125444/../../2026-03-09-125445"]
    {
        assert!(log.resolve(name).is_err(), "{name}");
    }
}

/// A name on the command line, in a plan, and as a folder that somebody made.
#[test]
fn the_program_refuses_hostile_names_and_touches_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("book");
    std::fs::create_dir_all(root.join("test-1/packages")).unwrap();
    let before = Snapshot::take(folder.path()).unwrap();
    let Some(probe) = program(&root) else { return };
    drop(probe);
    let ask = |arguments: &[&str]| {
        let output = program(&root).unwrap().args(arguments).output().unwrap();
        let said =
            [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert!(!output.status.success(), "{arguments:?}: {said}");
        assert_ne!(output.status.code(), Some(101), "{said}");
        assert!(said.len() < 3000, "{} bytes are said", said.len());
        assert!(is_harmless(&said), "{said:?}");
    };
    for name in hostile().iter().filter(|name| !name.contains('\0') && name.len() < 9_000) {
        ask(&["--platform", "test-1", "history", name]);
        ask(&["--platform", name, "status"]);
        ask(&["--platform", "test-1", "show", name]);
    }
    assert_eq!(before.differences(&Snapshot::take(folder.path()).unwrap()), Vec::<String>::new());

    let plan = folder.path().join("plan.json");
    for name in hostile() {
        let target = serde_json::json!({ "package": name, "command": ["true"] });
        std::fs::write(&plan, serde_json::json!({ "targets": [target] }).to_string()).unwrap();
        let before = Snapshot::take(folder.path()).unwrap();
        ask(&["--platform", "test-1", "run", plan.to_str().unwrap()]);
        assert_eq!(
            before.differences(&Snapshot::take(folder.path()).unwrap()),
            Vec::<String>::new(),
            "{name:?}"
        );
    }
}
