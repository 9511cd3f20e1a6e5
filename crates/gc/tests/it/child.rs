//! Another program that builds a layer: this test binary itself, holding a lock as `lockf` does.

use buildbook_other_process::{hold_lockf, part};

/// Does nothing in an ordinary test run.
#[test]
fn plays_its_role() {
    if let Some((_, path)) = part() {
        hold_lockf(&path);
    }
}
