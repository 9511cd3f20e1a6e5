//! Lock files that the original's tests wrote, held by another process with `lockf`.

use std::collections::BTreeMap;
use std::path::Path;

use buildbook_build_lock::{BuildLocks, LockInfo};
use buildbook_other_process::Other;
use serde_json::{Value, json};

const LOCKS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/cache/locks");
const EXPECTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/expected.json");

/// What this crate reads where the original reads something else, and why.
fn differences() -> BTreeMap<&'static str, (&'static str, Value)> {
    let anvil = json!({"package": "anvil", "version": "1.2.0"});
    let first_dot = "name and version part at the first dot, not at the last";
    let held_is_held =
        "a held lock is listed with what is known; the original drops it when the text is unreadable";
    BTreeMap::from([
        ("build-anvil.1.2.0.lock", (first_dot, anvil.clone())),
        ("build-anvil.1.2.0-0123456789abcdef0123456789abcdef.lock", (first_dot, anvil)),
        ("build-dune-kit.3.1-rc1.lock", (first_dot, json!({"package": "dune-kit", "version": "3.1-rc1"}))),
        (
            "build-zinc.1-ZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ.lock",
            (
                "a universe has hexadecimal digits",
                json!({"version": "1-ZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ", "universe": null}),
            ),
        ),
        (
            "build-dirlock-form.1.lock",
            (
                "a third line with a slash is the log path of the later writer",
                json!({"layer_name": null, "temp_log_path": "/tmp/day11_run_x/build.log"}),
            ),
        ),
        ("build-hexpid.1.lock", ("nobody writes a process id in hexadecimal", json!({"pid": null}))),
        ("build-badpid.1.lock", (held_is_held, listed("badpid", Value::Null, json!(1_773_060_906.0)))),
        ("build-badtime.1.lock", (held_is_held, listed("badtime", json!(4027), Value::Null))),
        ("build-empty.1.lock", (held_is_held, listed("empty", Value::Null, Value::Null))),
        ("build-one-line.1.lock", (held_is_held, listed("one-line", json!(4026), Value::Null))),
        (
            "build-nodot.lock",
            (
                "a package may have no version",
                json!({
                    "stage": "build", "package": "nodot", "version": null, "universe": null, "pid": 4030,
                    "start_time": 1_773_060_914.0, "layer_name": "build-00000000001e",
                    "temp_log_path": "/tmp/day11_run_30/build.log",
                }),
            ),
        ),
    ])
}

fn listed(package: &str, pid: Value, start_time: Value) -> Value {
    json!({
        "stage": "build", "package": package, "version": "1", "universe": null, "pid": pid,
        "start_time": start_time, "layer_name": null, "temp_log_path": null,
    })
}

/// A lock in the words of the original, which has a tool's compiler where others have their universe, and a
/// `0` where we have no version of a tool.
fn in_words_of_the_original(lock: &LockInfo) -> Value {
    let is_tool = lock.stage.as_str() == "tool";
    let universe = lock.universe.as_ref().map(ToString::to_string);
    json!({
        "stage": lock.stage.as_str(),
        "package": lock.package,
        "version": lock.version.clone().or_else(|| is_tool.then(|| "0".to_owned())),
        "universe": universe.or_else(|| lock.compiler.clone()),
        "pid": lock.pid,
        "start_time": lock.start_time.map(|time| time.as_unix_f64()),
        "layer_name": lock.layer_name,
        "temp_log_path": lock.temp_log_path,
    })
}

#[test]
fn the_files_of_the_original_are_read_as_it_reads_them_but_for_its_faults() {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(LOCKS).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    let expected: Value = serde_json::from_slice(&std::fs::read(EXPECTED).unwrap()).unwrap();
    let expected = expected["locks"].as_object().unwrap();
    assert_eq!(expected.len(), 28, "every file is in the table");

    let locks = BuildLocks::at(folder.path());
    assert!(locks.list_active().unwrap().locks.is_empty(), "nobody holds them");
    let other = Other::start("lockf-all", folder.path());
    let active = locks.list_active().unwrap();
    let found: BTreeMap<&str, &LockInfo> =
        active.locks.iter().map(|lock| (lock.file_name.as_str(), lock)).collect();

    let mut differences = differences();
    for (file, original) in expected {
        let ours = found.get(file.as_str()).map_or(Value::Null, |lock| in_words_of_the_original(lock));
        let mut wanted = original.clone();
        if let Some((why, Value::Object(fields))) = differences.remove(file.as_str()) {
            if wanted.is_null() {
                wanted = json!({});
            }
            for (key, value) in fields {
                assert_ne!(wanted.get(&key), Some(&value), "{file}: {key} is no difference ({why})");
                wanted[key] = value;
            }
        }
        assert_eq!(ours, wanted, "{file}");
    }
    assert!(differences.is_empty(), "{differences:?}");
    assert!(found.values().all(|lock| lock.holder_pid == i32::try_from(other.pid()).ok()));

    let unknown: Vec<_> = active.problems.iter().filter_map(|problem| problem.path().file_name()).collect();
    assert_eq!(unknown, ["build-.lock", "other-yarrow.5.lock", "yarrow.5.lock"], "held, but for what?");
    other.finish();
    assert!(Path::new(LOCKS).join("build-empty.1.lock").exists(), "the golden files are untouched");
}
