//! Builds of shell commands, for probes.

use buildbook_memo::{Cmd, Handle, Memo, Report, Status, Tool};

use crate::support::Project;

/// A command that runs a script. The first argument after the script is its `$1`.
pub(crate) fn sh(memo: &Handle, script: &str) -> Cmd {
    memo.tool(Tool::named("sh").relevant(["PATH"])).cmd().arg("-c").arg(script).arg("sh")
}

/// A script that leaves a trace of having run.
pub(crate) fn traced(script: &str) -> String {
    format!("echo ran >> {TRACE}; {script}")
}

const TRACE: &str = "trace";

/// How many traced scripts have run in a project.
pub(crate) fn runs(project: &Project) -> usize {
    std::fs::read_to_string(project.path(TRACE)).unwrap_or_default().lines().count()
}

/// Builds what a function asks for, and says how each operation ended.
pub(crate) fn build(project: &Project, ask: impl FnOnce(&Memo)) -> (Report, Vec<Status>) {
    let mut memo = project.memo();
    ask(&memo);
    let report = memo.finish();
    (report, memo.ops().into_iter().map(|op| op.status).collect())
}

/// As [`build`], for builds that are a success; says which operations were revived.
pub(crate) fn revived(project: &Project, ask: impl FnOnce(&Memo)) -> Vec<bool> {
    let (report, statuses) = build(project, ask);
    assert!(report.is_success(), "{report}");
    statuses.iter().map(|status| matches!(status, Status::Revived)).collect()
}
