//! Why a build failed, from a log of any length.

use std::fs::{self, File};
use std::path::Path;

use buildbook::batch_util::{Exit, category, classify_reader};

use crate::child;
use crate::count::{self, Cost};

const LOG: &str = "build.log";
const END: &str = "E: Unable to locate package libpretend-dev\n";

pub(crate) fn classify(folder: &Path) -> Cost {
    // The table of rules is made once in a process, whatever is classified with it.
    let warm = classify_reader(END.as_bytes(), Exit::Code(100)).unwrap();
    assert_eq!(warm.category, category::DEPEXT_UNAVAILABLE);
    let path = folder.join(LOG);
    count::cost(|| {
        let verdict = classify_reader(File::open(&path).unwrap(), Exit::Code(100)).unwrap();
        assert_eq!(verdict.category, category::DEPEXT_UNAVAILABLE);
    })
}

fn log(lines: usize) -> (tempfile::TempDir, u64) {
    let folder = tempfile::tempdir().unwrap();
    let mut text: String = (0..lines)
        .map(|number| {
            format!("[{number}/90000] cc -O2 -Iinclude -c src/module_{number}.c -o module_{number}.o\n")
        })
        .collect();
    text.push_str(END);
    fs::write(folder.path().join(LOG), &text).unwrap();
    (folder, text.len() as u64)
}

#[test]
fn a_log_is_read_once_in_memory_that_does_not_grow() {
    let (folder, bytes) = log(100_000);
    let cost = child::cost("classify", folder.path());
    assert_eq!(cost.bytes_read, bytes);
    assert!(cost.read_calls <= bytes / 65_536 + 3, "{cost:?}");
    assert!(cost.allocations <= 40, "no line asks for memory: {cost:?}");
    assert!(cost.bytes_allocated <= 512 << 10, "{cost:?}");
}
