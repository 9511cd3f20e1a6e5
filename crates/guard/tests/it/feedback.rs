//! What is said when something is said twice about one file (row U1).

use std::path::PathBuf;

use buildbook_guard::{Allowed, Error, FileId, FileStatus, Guard};

use crate::drained;

type Told = fn(&mut Guard<&'static str>, FileId) -> Result<(), Error>;
const READY: (FileStatus, Told) = (FileStatus::Ready, Guard::set_file_ready);
const NEVER: (FileStatus, Told) = (FileStatus::Never, Guard::set_file_never);

#[test]
fn the_first_word_about_a_file_stands_and_the_second_is_reported() {
    for (first, then) in [(READY, READY), (READY, NEVER), (NEVER, READY), (NEVER, NEVER)] {
        let mut guard = Guard::new();
        let file = guard.file("out/a");
        guard.add("before", &[file], &[]);
        assert_eq!(guard.file_status(file), FileStatus::Undecided);
        first.1(&mut guard, file).unwrap();
        let expected = if first.0 == then.0 {
            Error::FileStatusRepeat { path: PathBuf::from("out/a"), status: first.0 }
        } else {
            Error::FileStatusUnstable { path: PathBuf::from("out/a"), status: first.0, told: then.0 }
        };
        for _ in 0..2 {
            assert_eq!(then.1(&mut guard, file), Err(expected.clone()));
            assert_eq!(guard.file_status(file), first.0);
        }
        guard.add("after", &[file], &[]);
        let came_out = ["before", "after"].map(|op| match first.0 {
            FileStatus::Ready => Allowed::Ready(op),
            _ => Allowed::Aborted { op, never: file },
        });
        assert_eq!(drained(&mut guard), came_out, "{first:?} then {then:?}");
    }
}

#[test]
fn feedback_names_what_was_tried_the_file_and_what_stands() {
    let mut guard: Guard<()> = Guard::new();
    let [a, b] = ["a", "b"].map(|path| guard.file(path));
    guard.set_file_ready(a).unwrap();
    guard.set_file_never(b).unwrap();
    let texts = [
        guard.set_file_ready(a).unwrap_err(),
        guard.set_file_never(a).unwrap_err(),
        guard.set_file_ready(b).unwrap_err(),
        guard.set_file_never(b).unwrap_err(),
    ]
    .map(|feedback| feedback.to_string());
    assert_eq!(
        texts,
        [
            "set file ready: a is ready, as was said before",
            "set file never: a is ready, as was said before",
            "set file ready: b will never be ready, as was said before",
            "set file never: b will never be ready, as was said before",
        ]
    );
}
