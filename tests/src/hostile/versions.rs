//! What other versions, and other clocks, write.

use anyhow::Result;
use buildbook_layout::Timestamp;

use super::sound::{self, ANVIL, BASALT, LAYER, RECORD, STATUS};
use super::{ALL, Case};
use crate::Tree;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "unknown_fields",
        about: "records of a program that knows more",
        answer: "all are read, and every rewrite keeps the unknown fields",
        entries: &[("anvil.1.2.0", 3), ("basalt.0.9", 3)],
        problems: &[],
        write: unknown_fields,
    },
    Case {
        name: "unknown_category",
        about: "a category that nobody here has heard of",
        answer: "it is shown and counted under its own name",
        entries: &[("anvil.1.2.0", 3), ("basalt.0.9", 3)],
        problems: &[],
        write: unknown_category,
    },
    Case {
        name: "v2_fields",
        about: "records without a compiler and with full hashes",
        answer: "all are read",
        entries: &[("anvil.1.2.0", 3), ("basalt.0.9", 4)],
        problems: &[],
        write: v2_fields,
    },
    Case {
        name: "v3_fields",
        about: "records with a universe, and an index without changes",
        answer: "all are read, the universes among them; the index has no changes and no new packages",
        entries: &[("anvil.1.2.0", 3), ("basalt.0.9", 4)],
        problems: &[],
        write: v3_fields,
    },
    Case {
        name: "newer_status",
        about: "an index of a version to come",
        answer: "what is known of it is shown, or it is called too new; it is not overwritten unasked",
        entries: ALL,
        problems: &[],
        write: newer_status,
    },
    Case {
        name: "clock_in_future",
        about: "everything was written in 2099, by a clock that was wrong",
        answer: "everything is read; nothing of it is old, and no time is negative",
        entries: &[("anvil.1.2.0", 4), ("basalt.0.9", 2)],
        problems: &[],
        write: clock_in_future,
    },
];

fn unknown_fields(tree: &mut Tree) -> Result<()> {
    sound::write(tree)?;
    tree.append(
        BASALT,
        RECORD.replace('}', r#","machine":"node-7","cost":{"cpu":1.5,"parts":[1,2]}}"#) + "\n",
    )
}

fn unknown_category(tree: &mut Tree) -> Result<()> {
    sound::write(tree)?;
    tree.append(BASALT, RECORD.replace("build_failure", "solver_failure (é)") + "\n")
}

fn v2_fields(tree: &mut Tree) -> Result<()> {
    sound::write(tree)?;
    let record = |run: &str, category: &str| {
        format!(
            r#"{{"ts":"{run}T06:30:00Z","run":"{run}-060000","build_hash":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","status":"success","category":"{category}","blessed":true}}"#
        ) + "\n"
    };
    tree.append(BASALT, record("2026-03-01", "success"))?;
    tree.append(BASALT, record("2026-03-02", "doc_success"))
}

fn v3_fields(tree: &mut Tree) -> Result<()> {
    sound::write(tree)?;
    for universe in ["11111111111111111111111111111111", "22222222222222222222222222222222"] {
        let record = format!(
            r#"{{"ts":"2026-03-02T06:40:00Z","run":"2026-03-02-060000","build_hash":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","status":"success","category":"doc_success","blessed":false,"universe":"{universe}"}}"#
        );
        tree.append(BASALT, record + "\n")?;
    }
    let status = r#"{
  "generated": "2026-03-02T07:00:00Z",
  "run_id": "2026-03-02-060000",
  "scanned": 2,
  "blessed_totals": { "dependency_failure": 1, "doc_success": 1 },
  "non_blessed_totals": { "doc_success": 2 }
}
"#;
    tree.file(STATUS, status)?;
    tree.file(
        "debian-12-x86_64/final_status.json",
        r#"{ "anvil.1.2.0": "doc_success", "basalt.0.9": "dependency_failure" }"#,
    )?;
    tree.file(
        "debian-12-x86_64/run_timing.json",
        r#"{ "started_at": 1772431200.0, "completed_at": 1772434800.0 }"#,
    )
}

fn newer_status(tree: &mut Tree) -> Result<()> {
    sound::write(tree)?;
    let status = r#"{
  "version": 99,
  "generated": "2026-03-02T07:00:00Z",
  "run_id": "2026-03-02-060000",
  "blessed_totals": { "dependency_failure": 1, "doc_success": 1 },
  "non_blessed_totals": { "success": 1 },
  "changes_since_last": [ { "package": "basalt.0.9", "cause": "what nobody here knows" } ],
  "forecast": { "anvil.1.2.0": "sunny" }
}
"#;
    tree.file(STATUS, status)
}

fn clock_in_future(tree: &mut Tree) -> Result<()> {
    sound::write(tree)?;
    let future =
        RECORD.replace("2026-03-02", "2099-12-31").replace("build-bbbbbbbbbbbb", "build-aaaaaaaaaaaa");
    tree.append(ANVIL, future + "\n")?;
    tree.file("logs/runs/2099-12-31-235959/build.jsonl", "")?;
    tree.file(format!("{LAYER}/last_used"), "")?;
    let time = Timestamp::parse("2099-12-31T23:59:59Z")?;
    for path in [ANVIL, LAYER, "logs/runs/2099-12-31-235959", "logs/runs/2099-12-31-235959/build.jsonl"] {
        tree.changed_at(path, time);
    }
    for file in ["layer.json", "last_used"] {
        tree.changed_at(format!("{LAYER}/{file}"), time);
    }
    Ok(())
}
