//! `status.json` and `progress.json` of any bytes.

use buildbook::history::History;
use buildbook::layout::{PackagesTree, Timestamp};
use buildbook::status_index::{self, Durability};
use buildbook::{progress, status_index::generate};

use super::{at, file, scratch};

/// What can be read of an index can be written and read again, and a new index can be made after it. One that
/// cannot be read is replaced if it is corrupt, and stays if it is of a later version.
///
/// # Panics
///
/// If it does not hold.
pub fn check_status(bytes: &[u8]) {
    let folder = scratch();
    let path = file(folder.path().join("status.json"), bytes);
    let history = History::at(PackagesTree::at(folder.path().join("packages")));
    let (run, now) = ("2026-03-09-125444".parse().unwrap(), at("2026-03-09T12:54:44Z"));
    match status_index::inspect(folder.path()) {
        Ok(found) => {
            let found = found.unwrap();
            assert!(found.problems.iter().all(|problem| problem.len() < bytes.len() * 8 + 1000));
            status_index::write(folder.path(), &found.status, Durability::Cached).unwrap();
            let again = status_index::inspect(folder.path()).unwrap().unwrap();
            assert_eq!((&again.status, again.problems), (&found.status, Vec::new()));
            let next = generate(&history, &run, Some(&found.status), now).unwrap().status;
            assert_eq!((next.changes, next.new_packages), (Vec::new(), Vec::new()), "there are no packages");
        }
        Err(error) => {
            let next = generate(&history, &run, None, now).unwrap().status;
            let written = status_index::write(folder.path(), &next, Durability::Cached);
            if matches!(error, status_index::Error::TooNew { .. }) {
                assert!(matches!(written, Err(status_index::Error::TooNew { .. })));
                assert_eq!(std::fs::read(&path).unwrap(), bytes);
            } else {
                written.unwrap();
                assert_eq!(status_index::read(folder.path()).unwrap(), Some(next));
            }
        }
    }
}

/// What can be read of a snapshot can be written and read again, and its parts stay within their bounds.
///
/// # Panics
///
/// If it does not hold.
pub fn check_progress(bytes: &[u8]) {
    let folder = scratch();
    file(folder.path().join("progress.json"), bytes);
    let Ok(found) = progress::read(folder.path()) else { return };
    let mut found = found.unwrap();
    for percent in [found.build_percent(), found.doc_percent()].into_iter().flatten() {
        assert!(percent <= 100);
    }
    for ratio in [found.build_ratio(), found.doc_ratio()].into_iter().flatten() {
        assert!((0.0..=1.0).contains(&ratio));
    }
    let now = Timestamp::UNIX_EPOCH;
    let _ = found.age(now);
    let changed = found.clone().incr_build_completed().incr_doc_completed();
    assert!(changed.build_completed >= found.build_completed);
    progress::write(folder.path(), &mut found, now).unwrap();
    assert_eq!(progress::read(folder.path()).unwrap(), Some(found));
}
