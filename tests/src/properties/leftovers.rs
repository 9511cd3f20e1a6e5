//! Names beside a target, of any bytes: which of them recovery may take for its own.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use buildbook::atomic_swap::{find_leftovers, recover};

use super::scratch;

/// Recovery touches nothing but what has exactly a name of ours: dot, target, dot, role, `-bb`, ten characters.
///
/// # Panics
///
/// If it does not hold.
pub fn check_leftovers(bytes: &[u8]) {
    let Some((first, name)) = bytes.split_first() else { return };
    let fits = name.len() <= 200 && !name.contains(&b'/') && !name.contains(&0);
    if name.is_empty() || !fits || name == b"." || name == b".." {
        return;
    }
    let folder = scratch();
    let path = folder.path().join(OsStr::from_bytes(name));
    if first & 1 == 0 {
        std::fs::write(&path, b"x").unwrap()
    } else {
        std::fs::create_dir(&path).unwrap()
    }
    let leftovers = find_leftovers(folder.path()).unwrap();
    assert!(
        leftovers.iter().all(|leftover| leftover.path == path && leftover.target.starts_with(folder.path()))
    );
    assert!(
        leftovers.iter().all(|leftover| leftover.target.file_name().is_some_and(|name| !name.is_empty()))
    );
    let recovery = recover(folder.path()).unwrap();
    // A folder where a file of ours would be, or the other way round, is told and left.
    assert!(recovery.problems.is_empty() || path.exists(), "{:?}", recovery.problems);
    if !path.exists() {
        assert!(is_ours(name), "{}", name.escape_ascii());
    }
}

fn is_ours(name: &[u8]) -> bool {
    let Some(start) = name.len().checked_sub(13) else { return false };
    let (rest, ticket) = name.split_at(start);
    let roles: [&[u8]; 4] = [b".tmp", b".new", b".old", b".trash"];
    let target = roles.iter().find_map(|role| rest.strip_suffix(*role));
    ticket.starts_with(b"-bb")
        && ticket[3..].iter().all(u8::is_ascii_alphanumeric)
        && target.is_some_and(|target| target.starts_with(b".") && target.len() > 1)
}
