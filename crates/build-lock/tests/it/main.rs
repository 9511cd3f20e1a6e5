//! What build locks promise, shown on real files by real processes.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests build the situations that the library must survive"
)]

mod acquire;
mod active;
mod child;
mod clean;
mod crash;
mod golden;
mod layers;
mod race;

use std::path::Path;
use std::time::{Duration, SystemTime};

use buildbook_build_lock::{Holder, LockName};
use buildbook_layout::Timestamp;

fn name(package: &str) -> LockName {
    LockName::build(&package.parse().unwrap())
}

fn now() -> Timestamp {
    Timestamp::parse("2026-03-09T12:54:44Z").unwrap()
}

fn holder() -> Holder {
    Holder::since(now())
}

/// The names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Makes a file that was last written so many seconds before [`now`].
fn file_of_age(path: &Path, seconds: u64) {
    std::fs::write(path, "4001\n1773060885\n\n\n").unwrap();
    set_age(path, seconds);
}

fn set_age(path: &Path, seconds: u64) {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(now().as_unix()).unwrap());
    let file = std::fs::File::options().append(true).open(path).unwrap();
    file.set_modified(now - Duration::from_secs(seconds)).unwrap();
}
