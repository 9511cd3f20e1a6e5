//! Stops a write at every one of its operations, and looks at what is left.

use buildbook_atomic_swap::recover;
use buildbook_fsio::faults::{Fault, count, inject};
use buildbook_progress::{read, write};

use crate::{at, fresh};

#[test]
fn a_snapshot_is_old_or_new_after_any_stop() {
    let now = at("2026-03-09T12:55:00Z");
    let prepare = || {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &mut fresh().set_completed(1, 1), now).unwrap();
        folder
    };
    let folder = prepare();
    let (_, calls) = count(|| write(folder.path(), &mut fresh().set_completed(2, 2), now));
    assert!(calls.len() >= 3, "{calls:?}");

    for at in 0..calls.len() {
        for fault in [Fault::Stop, Fault::StopTorn, Fault::FailTorn(nix::libc::ENOSPC)] {
            let folder = prepare();
            let mut progress = fresh().set_completed(2, 2);
            let result = inject(at, fault, || write(folder.path(), &mut progress, now));
            let seen = read(folder.path()).unwrap().unwrap();
            let expected = if result.is_ok() { 2 } else { 1 };
            assert_eq!(seen.build_completed, expected, "{fault:?} at {:?}", calls.get(at));

            recover(folder.path()).unwrap();
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "leftovers are cleaned");
            write(folder.path(), &mut progress, now).unwrap();
            assert_eq!(read(folder.path()).unwrap(), Some(progress));
        }
    }
}
