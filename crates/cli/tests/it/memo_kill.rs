//! Runs that are killed while they take results from a cache.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::book::{Ended, command};
use crate::farm::{Farm, files};

/// How many files each target makes, of so many random bytes.
const FILES: usize = 60;
const BYTES: usize = 8_000;
/// How many runs are killed in an ordinary test run, each a little later than the one before.
const KILLS: usize = 16;

/// Two targets, the second of which contains what the first has made.
fn targets(farm: &Farm) -> Value {
    let many = format!(
        "mkdir -p out/sub; for i in $(seq {FILES}); do head -c {BYTES} /dev/urandom | base64 > out/$i; ln -s ../$i out/sub/$i; done"
    );
    let copy = "cp -r \"$BUILDBOOK_DEPS/out\" copy; chmod 750 copy/sub; chmod 755 copy/1";
    json!([
        {"package": "many.1", "outputs": ["out"], "command": farm.script('m', &many)},
        {"package": "copy.1", "deps": ["many.1"], "outputs": ["copy"], "command": farm.script('c', copy)},
    ])
}

/// How many files there are below a folder, which others add to and rename meanwhile.
fn count(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths.map(|path| if path.is_dir() && !path.is_symlink() { count(&path) } else { 1 }).sum()
}

#[test]
fn a_run_that_is_killed_while_it_takes_results_from_the_cache_is_completed_by_the_next() {
    let kills = std::env::var("MEMO_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let farm = Farm::new();
    let targets = targets(&farm);
    let built = farm.via("whole", &targets);
    assert!(built.values().all(|via| via == "built"), "{built:?}");
    let whole = farm.layers("whole");
    let all = count(&farm.book.path("whole/test-1"));
    assert!(all > 4 * FILES, "{all} files");

    let mut hit = 0;
    for kill in 0..kills {
        let root = format!("book {kill}");
        let folder = farm.book.path(&root).join("test-1");
        let mut running = farm.command(&root, &targets);
        let mut running = running.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // When so many files are there, whether they have their names already or not.
        let enough = all * kill / kills;
        while count(&folder) < enough && running.try_wait().unwrap().is_none() {}
        running.kill().unwrap();
        let is_killed = running.wait().unwrap().signal().is_some();
        let left = count(&folder);
        hit += usize::from(is_killed && left > 0 && left < all);

        let fsck = Ended::from(command(&farm.book.path(&root)).arg("fsck").output().unwrap());
        assert!(fsck.status == 0 || left == 0, "after {left} of {all} files: {}{}", fsck.stdout, fsck.stderr);
        let via = farm.via(&root, &targets);
        assert!(
            via.values().all(|via| via == "memo" || via == "layer"),
            "{via:?} after {left} of {all} files"
        );
        assert_eq!(farm.ran(), "mc", "nothing runs again after {left} of {all} files");
        assert!(farm.layers(&root) == whole, "after {left} of {all} files");
        let running = farm.book.path("cache/running");
        assert_eq!(count(&running), 0, "the next run has removed what the killed one left");

        let fsck = Ended::from(command(&farm.book.path(&root)).args(["fsck", "--repair"]).output().unwrap());
        assert_eq!(fsck.status, 0, "{}{}", fsck.stdout, fsck.stderr);
        let hidden = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name());
        let hidden: Vec<_> = hidden.filter(|name| name.as_encoded_bytes().starts_with(b".")).collect();
        assert!(hidden.is_empty(), "{hidden:?}");
    }
    assert!(hit > kills / 3, "only {hit} of {kills} runs were hit while they took files from the cache");
    assert!(!files(&farm.book.path("cache/entries")).is_empty());
}
