use buildbook_atomic_swap::{Durability, Swap, recover, retire};
use buildbook_fsio::faults::{Fault, inject, inject_all};

use crate::{fill, names, version};

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

#[test]
fn a_publisher_does_not_mind_that_its_target_is_retired_or_put_back_meanwhile() {
    const NOT_FOUND: i32 = 2;
    const EXISTS: i32 = 17;
    const UNSUPPORTED: i32 = 22;
    const NOT_EMPTY: i32 = 39;
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("site");
    for (turn, surprise) in [("1", EXISTS), ("2", NOT_FOUND), ("3", NOT_FOUND)] {
        let swap = Swap::prepare(&target).unwrap();
        fill(swap.staging(), turn);
        // As if somebody had come between the look at the target and what is done about it.
        let committed = inject(0, Fault::Fail(surprise), || swap.commit(Durability::Cached)).unwrap();
        assert_eq!(committed.replaced, turn != "1");
        assert_eq!(version(&target).as_deref(), Some(turn));
    }

    // The same where renames have no flags.
    let target = folder.path().join("other");
    for (turn, surprise) in [("1", NOT_EMPTY), ("2", NOT_FOUND)] {
        let swap = Swap::prepare(&target).unwrap();
        fill(swap.staging(), turn);
        let faults = [(0, Fault::Fail(UNSUPPORTED)), (1, Fault::Fail(surprise))];
        let (committed, _) = inject_all(&faults, || swap.commit(Durability::Cached));
        assert_eq!(committed.unwrap().replaced, turn != "1");
        assert_eq!(version(&target).as_deref(), Some(turn));
    }
}
