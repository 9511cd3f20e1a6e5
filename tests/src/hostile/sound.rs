//! The book that every case begins with.
//!
//! Two packages, one finished run, an index, one layer that is needed, documentation with one universe. All of it
//! is spelled out, so that a case can be read without running anything.

use anyhow::Result;
use buildbook_layout::Timestamp;

use super::{ALL, Case};
use crate::Tree;

pub(super) const ANVIL: &str = "debian-12-x86_64/packages/anvil.1.2.0/history.jsonl";
pub(super) const BASALT: &str = "debian-12-x86_64/packages/basalt.0.9/history.jsonl";
pub(super) const PACKAGES: &str = "debian-12-x86_64/packages";
pub(super) const STATUS: &str = "debian-12-x86_64/status.json";
pub(super) const LAYER: &str = "debian-12-x86_64/build-aaaaaaaaaaaa";
pub(super) const RUN: &str = "logs/runs/2026-03-02-060000";
pub(super) const DOCS: &str = "html/p/anvil/1.2.0";
pub(super) const UNIVERSE: &str = "html/u/11111111111111111111111111111111";

/// A line of `basalt`.
pub(super) const RECORD: &str = r#"{"ts":"2026-03-02T06:30:00Z","run":"2026-03-02-060000","build_hash":"build-bbbbbbbbbbbb","status":"failure","category":"build_failure","compiler":"5.3.0","blessed":true,"error":"exit 2"}"#;

pub(super) const CASES: &[Case] = &[Case {
    name: "sound",
    about: "nothing happened",
    answer: "everything is read and there is no problem",
    entries: ALL,
    problems: &[],
    write,
}];

pub(super) fn now() -> Timestamp {
    Timestamp::parse("2026-03-03T06:00:00Z").expect("it is a time of the book's form")
}

pub(super) fn write(tree: &mut Tree) -> Result<()> {
    tree.file(ANVIL, concat!(
        r#"{"ts":"2026-03-01T06:10:00Z","run":"2026-03-01-060000","build_hash":"build-aaaaaaaaaaaa","status":"success","category":"success","compiler":"5.3.0","blessed":true}"#, "\n",
        r#"{"ts":"2026-03-02T06:10:00Z","run":"2026-03-02-060000","build_hash":"build-aaaaaaaaaaaa","status":"success","category":"success","compiler":"5.3.0","blessed":true}"#, "\n",
        r#"{"ts":"2026-03-02T06:20:00Z","run":"2026-03-02-060000","build_hash":"doc-aaaaaaaaaaaa","status":"success","category":"doc_success","compiler":"5.3.0","blessed":true}"#, "\n",
    ))?;
    tree.file(BASALT, concat!(
        r#"{"ts":"2026-03-01T06:30:00Z","run":"2026-03-01-060000","build_hash":"build-bbbbbbbbbbbb","status":"success","category":"success","compiler":"5.3.0","blessed":true}"#, "\n",
        r#"{"ts":"2026-03-02T06:30:00Z","run":"2026-03-02-060000","build_hash":"build-bbbbbbbbbbbb","status":"failure","category":"dependency_failure","compiler":"5.3.0","blessed":true,"failed_dep":"copper.1","failed_dep_hash":"build-cccccccccccc"}"#, "\n",
    ))?;
    tree.file(STATUS, r#"{
  "generated": "2026-03-02T07:00:00Z",
  "run_id": "2026-03-02-060000",
  "blessed_totals": { "dependency_failure": 1, "doc_success": 1 },
  "non_blessed_totals": { "success": 1 },
  "changes_since_last": [
    { "package": "basalt.0.9", "build_hash": "build-bbbbbbbbbbbb", "blessed": true, "from": "success", "to": "dependency_failure" }
  ],
  "new_packages": []
}
"#)?;
    tree.file(format!("{RUN}/build.jsonl"), concat!(
        r#"{"t":"2026-03-02T06:10:00","kind":"build","pkg":"anvil.1.2.0","hash":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","status":"ok"}"#, "\n",
        r#"{"t":"2026-03-02T06:30:00","kind":"build","pkg":"basalt.0.9","hash":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","status":"cascade","failed_dep":"copper.1"}"#, "\n",
    ))?;
    tree.file(
        format!("{RUN}/summary.json"),
        r#"{
  "run_id": "2026-03-02-060000",
  "start_time": 1772431200.0,
  "end_time": 1772434800.0,
  "duration": 3600.0,
  "targets_requested": 2,
  "packages_built": 1,
  "packages_failed": 1,
  "docs_generated": 1,
  "failures": [ { "package": "basalt.0.9", "error": "dependency_failure" } ]
}"#,
    )?;
    tree.file(format!("{RUN}/build/anvil.1.2.0.log"), "built\n")?;
    tree.folder(format!("{RUN}/docs"))?;
    tree.link("logs/latest", "runs/2026-03-02-060000")?;
    tree.folder("locks")?;
    layer(tree, LAYER, "anvil.1.2.0")?;
    tree.file(format!("{DOCS}/doc/index.html"), "<title>anvil</title>\n")?;
    tree.file(format!("{DOCS}/universes.json"), r#"{"universes":["11111111111111111111111111111111"]}"#)?;
    tree.file(format!("{UNIVERSE}/copper/1/doc/index.html"), "<title>copper</title>\n")
}

/// A good layer of the first version.
pub(super) fn layer(tree: &Tree, folder: &str, package: &str) -> Result<()> {
    tree.file(
        format!("{folder}/layer.json"),
        format!(r#"{{"package":"{package}","exit_status":0,"deps":[],"hashes":[],"created":1772431800.0}}"#),
    )?;
    tree.file(format!("{folder}/layer.log"), "built\n")?;
    tree.file(format!("{folder}/fs/lib/META"), "version = \"1\"\n")
}
