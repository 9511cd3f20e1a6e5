//! The cache that the original's tests wrote.

use std::fs;
use std::path::Path;
use std::time::Duration;

use buildbook_gc::{Policy, Roots, gc_layers};
use buildbook_layout::Timestamp;

use crate::farm::Farm;

const CACHE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/cache");

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (kind, to) = (entry.file_type().unwrap(), to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &to);
        } else if kind.is_file() {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn the_layers_of_the_original_are_known_and_nothing_else_is_touched() {
    let farm = Farm::new();
    copy(Path::new(CACHE), farm.tree().path());
    let before = farm.names();
    let policy = Policy { min_age: Duration::ZERO, ..Policy::default() };

    let careful = gc_layers(&farm.tree(), &Roots::new(), &policy, Timestamp::now()).unwrap();
    assert!(careful.removed.is_empty(), "one of the three layers does not tell its parents");
    assert_eq!(careful.problems.len(), 1);

    let bold = Policy { remove_corrupt: true, ..policy };
    let roots: Roots = ["build-f00000000002"].into_iter().collect();
    let result = gc_layers(&farm.tree(), &roots, &bold, Timestamp::now()).unwrap();
    let mut removed: Vec<&str> = result.removed.iter().map(|removed| removed.name.as_str()).collect();
    removed.sort_unstable();
    assert_eq!(removed, ["build-f00000000001", "build-f00000000003"]);
    let left: Vec<String> = before.into_iter().filter(|name| !removed.contains(&name.as_str())).collect();
    assert_eq!(farm.names(), left);
}
