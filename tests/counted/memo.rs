//! Large files on their way into the cache of a memo, and out of it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::SystemTime;

use buildbook::memo::{Digest, Durability, Memo, Settings, Status, fail};

use crate::child;
use crate::count::{self, Cost};

const LARGE: usize = 16 << 20;

fn memo(folder: &Path, build: &str) -> Memo {
    let build = folder.join(build);
    fs::create_dir_all(&build).unwrap();
    let settings = Settings::new(build, SystemTime::now).cache(folder.join("cache"));
    Memo::new(settings.durability(Durability::Cached).relocatable(true))
}

fn large() -> Vec<u8> {
    (0..LARGE).map(|number| (number / 1_000) as u8).collect()
}

/// Keeps a file.
pub(crate) fn keep(folder: &Path) -> Cost {
    let bytes = large();
    let content = Digest::of(&bytes);
    fs::create_dir_all(folder.join("one")).unwrap();
    fs::write(folder.join("one/file"), bytes).unwrap();
    fs::set_permissions(folder.join("one/file"), fs::Permissions::from_mode(0o644)).unwrap();
    count::cost(|| {
        let mut memo = memo(folder, "one");
        drop(memo.keep("file", "salt", content).start());
        memo.finish().into_result().unwrap();
    })
}

/// Takes it out again, in another folder.
pub(crate) fn revive(folder: &Path) -> Cost {
    let cost = count::cost(|| {
        let mut memo = memo(folder, "two");
        drop(memo.write_with("file", "salt", || Err(fail("it is not known"))).start());
        memo.finish().into_result().unwrap();
        assert!(memo.ops().iter().all(|op| matches!(op.status, Status::Revived)));
    });
    assert!(fs::read(folder.join("two/file")).unwrap() == large());
    cost
}

#[test]
fn a_file_of_any_size_is_kept_and_taken_out_in_memory_that_does_not_grow() {
    let folder = tempfile::tempdir().unwrap();
    for role in ["keep", "revive"] {
        let cost = child::cost(role, folder.path());
        assert!(cost.bytes_allocated <= 1 << 20, "{role}: {cost:?}");
        // Copied, and the copy hashed; what the kernel copies by itself is not counted.
        assert!(cost.bytes_read >= LARGE as u64, "{role}: the copy is verified: {cost:?}");
        assert!(cost.bytes_read <= 3 * LARGE as u64, "{role}: {cost:?}");
    }
}
