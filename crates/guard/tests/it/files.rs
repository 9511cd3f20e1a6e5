//! Paths and their numbers.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use buildbook_guard::{FileStatus, Guard};

#[test]
fn a_path_has_one_number_and_numbers_have_no_gaps() {
    let mut guard: Guard<()> = Guard::new();
    let numbers = ["a", "b", "a", "c/d", "c//d/", "b"].map(|path| guard.file(path).index());
    assert_eq!(numbers, [0, 1, 0, 2, 2, 1]);
    assert_eq!(guard.find("c/./d"), Some(guard.file("c/d")));
    assert_eq!(guard.find("c"), None);
    assert_eq!(guard.file("c").index(), 3, "asking for a path does not number it");
}

#[test]
fn a_path_may_have_any_bytes_and_any_length() {
    let mut guard: Guard<()> = Guard::new();
    let long = "x".repeat(100_000);
    let paths = [
        &b"\xff\xfe/\x80"[..],
        b"\xff\xfe",
        b"",
        long.as_bytes(),
        b"new\nline",
        &[0, 1],
        "\u{fffd}".as_bytes(),
    ];
    let files = paths.map(|bytes| guard.file(Path::new(OsStr::from_bytes(bytes))));
    for (bytes, file) in paths.into_iter().zip(files) {
        assert_eq!(guard.path(file).as_os_str().as_bytes(), bytes);
    }
}

#[test]
fn a_named_file_is_undecided_and_nobody_waits_for_it() {
    let mut guard: Guard<()> = Guard::new();
    let file = guard.file("a");
    assert_eq!(guard.file_status(file), FileStatus::Undecided);
    assert_eq!(guard.undecided_files(), []);
    assert_eq!(guard.ready_files(), []);
    assert_eq!(guard.never_files(), []);
}

#[test]
#[should_panic(expected = "used with the guard that numbered it")]
fn a_number_of_another_guard_is_refused_loudly() {
    let mut other: Guard<()> = Guard::new();
    let file = other.file("a");
    let _ = Guard::<()>::new().file_status(file);
}
