//! Lock files of any bytes.

use std::time::Duration;

use buildbook::build_lock::{BuildLocks, Holder, LockName};
use buildbook::fsio::Lock;
use buildbook::layout::Timestamp;

use super::{at, file, scratch};

/// A lock that is held is listed whatever its file says, and stays; one that is free is neither listed nor kept. Its
/// next holder describes itself as if nothing had been there.
///
/// # Panics
///
/// If it does not hold.
pub fn check_lock_body(bytes: &[u8]) {
    let folder = scratch();
    let locks = BuildLocks::at(folder.path());
    let name = LockName::build(&"a.1".parse().unwrap());
    let path = file(locks.path(&name), bytes);
    let far = at("9000-01-01T00:00:00Z");

    let held = Lock::acquire(&path).unwrap();
    let active = locks.list_active().unwrap();
    assert!(active.problems.is_empty(), "{:?}", active.problems);
    let [info] = &active.locks[..] else { panic!("one lock: {active:?}") };
    assert_eq!((info.package.as_str(), info.version.as_deref()), ("a", Some("1")));
    assert!(info.layer_name.as_ref().is_none_or(|layer| !layer.contains('\n')));
    assert!(info.start_time.is_none_or(|time| time <= far.max(time)));
    let cleaned = locks.cleanup_stale(Duration::ZERO, far).unwrap();
    assert_eq!((cleaned.removed.len(), cleaned.kept.len(), cleaned.problems.len()), (0, 1, 0));
    assert_eq!(std::fs::read(&path).unwrap(), bytes, "looking changes nothing");
    held.release();
    assert!(locks.list_active().unwrap().locks.is_empty());

    let start = Timestamp::UNIX_EPOCH;
    let lock = locks.try_acquire(&name, &Holder::since(start)).unwrap().unwrap();
    let info = locks.list_active().unwrap().locks.remove(0);
    assert_eq!((info.pid, info.start_time), (Some(std::process::id()), Some(start)));
    assert_eq!((info.layer_name, info.temp_log_path, info.run), (None, None, None));
    lock.release().unwrap();
    file(&path, bytes);
    assert_eq!(locks.cleanup_stale(Duration::ZERO, far).unwrap().removed, [path]);
}
