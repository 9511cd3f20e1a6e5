use buildbook_atomic_swap::{recover, retire};
use buildbook_fsio::faults::{Fault, inject};

use crate::{fill, names};

#[test]
fn what_is_retired_is_gone_at_once_and_removed_later() {
    let folder = tempfile::tempdir().unwrap();
    let layer = folder.path().join("build-0123456789ab");
    fill(&layer, "1");
    let retired = retire(&layer).unwrap().expect("it was there");
    assert!(!layer.exists());
    assert!(retired.path().exists());
    retired.remove().unwrap();
    assert_eq!(names(folder.path()), [""; 0]);
    assert!(retire(&layer).unwrap().is_none());
}

#[test]
fn a_removal_that_is_cut_off_is_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let layer = folder.path().join("build-0123456789ab");
    fill(&layer, "1");
    inject(1, Fault::Stop, || retire(&layer).unwrap().unwrap().remove()).unwrap_err();
    assert_eq!(names(folder.path()).len(), 1);
    assert_eq!(recover(folder.path()).unwrap().removed.len(), 1);
    assert_eq!(names(folder.path()), [""; 0]);
}
