//! What a run takes without building it.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};

use serde_json::json;

use crate::book::{Book, Ended};

/// The layer that the newest entry of a package names.
fn layer(book: &Book, package: &str) -> PathBuf {
    let entries = book.run(&["history", package, "--json"]).json();
    book.root().join("test-1").join(entries["entries"][0]["build_hash"].as_str().unwrap())
}

#[test]
fn a_collection_keeps_what_a_run_in_progress_has_taken_although_a_later_run_has_ended() {
    let book = Book::new();
    let (begun, go) = (book.path("begun"), book.path("go"));
    book.batch(&book.plan(&[("a.1", "true", &[])]));
    let taken = layer(&book, "a.1");

    let wait = format!("touch '{}'; while [ ! -e '{}' ]; do sleep 0.02; done", begun.display(), go.display());
    let plan = book.plan(&[("a.1", "true", &[]), ("slow.1", &wait, &["a.1"])]);
    let run = book.start(&plan, &begun);
    // The package comes to stand on something else meanwhile, in a run that ends before.
    assert_eq!(book.batch(&book.plan(&[("a.1", "true; true", &[])])).0, 0);
    assert_ne!(layer(&book, "a.1"), taken);
    assert_eq!(book.gc(&[]).status, 0);
    assert!(taken.is_dir(), "the run that builds upon it is still there");

    std::fs::write(&go, "").unwrap();
    let ended = Ended::from(run.wait_with_output().unwrap());
    assert_eq!((ended.status, &ended.json()["totals"]["from_layer"]), (0, &json!(1)), "{}", ended.stderr);
}

/// Collections ask for what is needed while runs begin and end. One is stopped here while it reads histories.
#[cfg(target_os = "linux")]
#[test]
fn a_collection_keeps_what_a_run_takes_that_begins_while_histories_are_read() {
    use nix::sys::signal::{Signal, kill};

    let book = Book::new();
    let (begun, go) = (book.path("begun"), book.path("go"));
    book.batch(&book.plan(&[("p.1", "true", &[])]));
    let taken = layer(&book, "p.1");
    book.batch(&book.plan(&[("other.1", "true", &[])]));
    let packages = book.root().join("test-1/packages");
    let line = std::fs::read_to_string(packages.join("p.1/history.jsonl")).unwrap();
    let line = line.replace(taken.file_name().unwrap().to_str().unwrap(), "build-000000000000");
    std::fs::create_dir(packages.join("a.1")).unwrap();
    std::fs::write(packages.join("a.1/history.jsonl"), line.repeat(100_000)).unwrap();
    // What was used in the last 20 ms stays anyway.
    std::thread::sleep(Duration::from_millis(25));

    let mut collection = stopped_while_it_reads(&book, "a.1/history.jsonl");

    let wait = format!("touch '{}'; while [ ! -e '{}' ]; do sleep 0.02; done", begun.display(), go.display());
    let plan = book.plan(&[("p.1", "true", &[]), ("slow.1", &wait, &["p.1"])]);
    let run = book.start(&plan, &begun);
    // The package comes to stand on something else before the collection reads of it.
    assert_eq!(book.batch(&book.plan(&[("p.1", "true; true", &[])])).0, 0);
    kill(pid(&collection), Signal::SIGCONT).unwrap();
    let collected = collection.wait().unwrap();
    let is_there = taken.is_dir();
    std::fs::write(&go, "").unwrap();
    assert!(run.wait_with_output().unwrap().status.success() && collected.success());
    assert!(is_there, "a run that was in progress built upon it");
}

#[cfg(target_os = "linux")]
fn pid(child: &std::process::Child) -> nix::unistd::Pid {
    nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap())
}

/// A collection that was stopped while it had a file open. One that was quicker than this process is let go, and
/// another one is begun.
#[cfg(target_os = "linux")]
fn stopped_while_it_reads(book: &Book, name: &str) -> std::process::Child {
    use nix::sys::signal::{Signal, kill};

    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(60) {
        let gc = ["gc", "--min-age-days", "0"];
        let mut collection = book.command().args(gc).stdout(Stdio::null()).spawn().unwrap();
        let open = PathBuf::from(format!("/proc/{}/fd", collection.id()));
        let reads = || {
            let files = std::fs::read_dir(&open).into_iter().flatten().flatten();
            files.flat_map(|file| std::fs::read_link(file.path())).any(|file| file.ends_with(name))
        };
        while collection.try_wait().unwrap().is_none() {
            if reads() {
                kill(pid(&collection), Signal::SIGSTOP).unwrap();
                if reads() {
                    return collection;
                }
                kill(pid(&collection), Signal::SIGCONT).unwrap();
            }
        }
    }
    panic!("no collection could be stopped while it read {name}");
}

#[test]
fn the_use_of_a_layer_is_noted_when_the_last_note_is_old() {
    let book = Book::new();
    let plan = book.plan(&[("a.1", "true", &[])]);
    book.batch(&plan);
    let layer = layer(&book, "a.1");
    book.batch(&plan);
    assert!(!layer.join("last_used").exists(), "it has just been made, which is a note as well");

    let two_hours_ago = SystemTime::now() - Duration::from_secs(7200);
    let set_back = |path: PathBuf| std::fs::File::open(path).unwrap().set_modified(two_hours_ago).unwrap();
    set_back(layer.join("layer.json"));
    let (status, report) = book.batch(&plan);
    assert_eq!((status, &report["totals"]["from_layer"]), (0, &json!(1)), "{report}");
    let noted = || std::fs::metadata(layer.join("last_used")).unwrap().modified().unwrap();
    let first = noted();
    assert!(first > two_hours_ago, "it is noted");
    book.batch(&plan);
    assert_eq!(noted(), first, "the note is good for a while");
    set_back(layer.join("last_used"));
    book.batch(&plan);
    assert!(noted() > two_hours_ago, "and then it is made again");
}

#[test]
fn a_target_that_is_in_place_waits_for_what_it_needs_and_is_blocked_by_its_failure() {
    let book = Book::new();
    let fail = book.path("fail");
    let script = format!("[ ! -e '{}' ]", fail.display());
    let plan = book.plan(&[("base.1", &script, &[]), ("top.1", "true", &["base.1"])]);
    assert_eq!(book.batch(&plan).0, 0);
    std::fs::remove_dir_all(layer(&book, "base.1")).unwrap();
    std::fs::write(&fail, "").unwrap();
    let (status, report) = book.batch(&plan);
    let totals = ["failed", "blocked", "from_layer"].map(|key| report["totals"][key].as_u64().unwrap());
    assert_eq!((status, totals), (1, [1, 1, 0]), "{report}");
}
