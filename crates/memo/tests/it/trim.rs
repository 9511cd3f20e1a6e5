//! Making room in a cache.

use std::time::{Duration, SystemTime};

use buildbook_memo::{TrimDecision, TrimPolicy, execute_trim, plan_trim, survey_cache};

use crate::support::Project;

/// Builds `out` from `in`, and says whether that ran.
fn build(project: &Project, contents: &str) -> bool {
    project.put("in", contents);
    let mut memo = project.memo();
    memo.file_ready("in");
    let text = contents.repeat(10_000);
    let _running = memo.write_with("out", "1", move || Ok(text.into_bytes())).reads(["in"]).start();
    memo.finish().into_result().unwrap();
    matches!(memo.ops()[0].status, buildbook_memo::Status::Executed)
}

fn policy(max_bytes: u64) -> TrimPolicy {
    TrimPolicy { max_bytes, min_age: Duration::ZERO }
}

#[test]
fn a_trim_keeps_what_was_used_last_and_a_dry_run_keeps_everything() {
    let project = Project::new();
    for contents in ["a", "b", "c"] {
        assert!(build(&project, contents));
    }
    assert!(!build(&project, "a"), "used again, it is the last now");

    let cache = project.path("cache");
    let dry = plan_trim(survey_cache(&cache).unwrap(), &policy(0), SystemTime::now());
    assert_eq!((dry.items.len(), dry.removals().count()), (6, 6));
    assert!(!build(&project, "a"), "a plan removes nothing");

    let size = dry.bytes();
    let plan = plan_trim(survey_cache(&cache).unwrap(), &policy(size / 2), SystemTime::now());
    let goes = plan.bytes_to_free();
    let result = execute_trim(&plan).unwrap();
    assert_eq!((result.removed, result.bytes_freed, result.used_since), (4, goes, 0));
    assert!(result.problems.is_empty());
    assert!(!build(&project, "a"));
    assert!(build(&project, "b"));
    assert!(build(&project, "c"));
}

#[test]
fn what_is_used_between_the_plan_and_its_execution_stays() {
    let project = Project::new();
    build(&project, "a");
    build(&project, "b");
    let plan = plan_trim(survey_cache(project.path("cache")).unwrap(), &policy(0), SystemTime::now());
    assert!(!build(&project, "b"));
    let result = execute_trim(&plan).unwrap();
    assert_eq!((result.removed, result.used_since), (2, 2));
    std::fs::remove_file(project.path("out")).unwrap();
    assert!(!build(&project, "b"));
    assert_eq!(project.get("out").len(), 10_000);
    assert!(build(&project, "a"));
}

#[test]
fn a_cache_that_is_not_there_has_nothing_to_trim() {
    let project = Project::new();
    let plan = plan_trim(survey_cache(project.path("cache")).unwrap(), &policy(0), SystemTime::now());
    assert!(plan.items.is_empty());
    execute_trim(&plan).unwrap();
    assert!(!project.path("cache").exists(), "looking makes nothing");
}

#[test]
fn what_is_recent_stays() {
    let project = Project::new();
    build(&project, "a");
    let policy = TrimPolicy { max_bytes: 0, min_age: Duration::from_secs(3600) };
    let plan = plan_trim(survey_cache(project.path("cache")).unwrap(), &policy, SystemTime::now());
    assert!(plan.items.iter().all(|item| matches!(item.decision, TrimDecision::Keep(_))));
    assert_eq!(plan.items.len(), 2);
}
