//! Making room in a cache.

use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, SystemTime};

use buildbook_memo::{
    Digest, Error, KeepReason, TrimDecision, TrimPolicy, execute_trim, fail, plan_trim, survey_cache,
};

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

/// The only entry of a cache.
fn entry(project: &Project) -> std::path::PathBuf {
    let folder = std::fs::read_dir(project.path("cache/entries")).unwrap().next().unwrap().unwrap().path();
    std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path()
}

#[test]
fn what_an_entry_may_need_that_cannot_be_looked_at_stays() {
    let project = Project::new();
    build(&project, "a");
    let entry = entry(&project);
    let text = std::fs::read(&entry).unwrap();
    // Too long to be read, also by those who may read everything.
    std::fs::File::options().write(true).open(&entry).unwrap().set_len(1 << 30).unwrap();
    let plan = plan_trim(survey_cache(project.path("cache")).unwrap(), &policy(0), SystemTime::now());
    assert_eq!((plan.problems.len(), plan.items.len()), (1, 1), "{:?}", plan.problems);
    assert_eq!(plan.items[0].decision, TrimDecision::Keep(KeepReason::MaybeNeeded));
    assert_eq!(execute_trim(&plan).unwrap().removed, 0);

    std::fs::write(&entry, text).unwrap();
    std::fs::remove_file(project.path("out")).unwrap();
    assert!(!build(&project, "a"), "it can be looked at again, and nothing is lost");
}

#[test]
fn an_entry_of_another_version_is_left_alone_by_builds_and_trims() {
    let project = Project::new();
    build(&project, "a");
    let entry = entry(&project);
    let json = r#"{"version":2,"made":"later"}"#;
    let text = format!("{json}\n{}\n", Digest::of(json.as_bytes()));
    std::fs::write(&entry, &text).unwrap();

    let plan = plan_trim(survey_cache(project.path("cache")).unwrap(), &policy(0), SystemTime::now());
    assert!(matches!(&plan.problems[..], [Error::OtherVersion { path }] if *path == entry), "{plan:?}");
    assert_eq!(plan.removals().count(), 0);

    std::fs::remove_file(project.path("out")).unwrap();
    assert!(build(&project, "a"), "it is no answer");
    assert_eq!(std::fs::read_to_string(&entry).unwrap(), text);
}

/// Neither looks for the entry when it begins: who keeps a file never does, and what an operation found is old when it ends.
#[test]
fn an_entry_of_another_version_is_left_alone_by_who_did_not_see_it() {
    let project = Project::new();
    let json = r#"{"version":2,"made":"later"}"#;
    let text = format!("{json}\n{}\n", Digest::of(json.as_bytes()));
    let keep = || {
        let mut memo = project.memo();
        drop(memo.keep("file", "salt", Digest::of(b"some")).mode(0o640).start());
        memo.finish().into_result().unwrap();
    };
    project.put("file", "some");
    std::fs::set_permissions(project.path("file"), std::fs::Permissions::from_mode(0o640)).unwrap();
    keep();
    let entry = entry(&project);
    std::fs::write(&entry, &text).unwrap();
    keep();
    assert_eq!(std::fs::read_to_string(&entry).unwrap(), text);

    std::fs::remove_file(&entry).unwrap();
    std::fs::remove_file(project.path("file")).unwrap();
    let (meanwhile, put) = (entry.clone(), text.clone());
    let make = move || {
        std::fs::write(&meanwhile, &put).unwrap();
        Ok(b"some".to_vec())
    };
    let mut memo = project.memo();
    drop(memo.write_with("file", "salt", make).mode(0o640).start());
    memo.finish().into_result().unwrap();
    assert_eq!(project.get("file"), "some");
    assert_eq!(std::fs::read_to_string(&entry).unwrap(), text);

    // What is of no version gives way.
    std::fs::write(&entry, "no entry").unwrap();
    keep();
    std::fs::remove_file(project.path("file")).unwrap();
    let mut memo = project.memo();
    drop(memo.write_with("file", "salt", || Err(fail("it is not known"))).mode(0o640).start());
    memo.finish().into_result().unwrap();
}

#[test]
fn a_folder_of_entries_that_cannot_be_looked_at_stops_a_trim() {
    let project = Project::new();
    build(&project, "a");
    std::os::unix::fs::symlink("00", project.path("cache/entries/00")).unwrap();
    assert!(survey_cache(project.path("cache")).is_err());
}
