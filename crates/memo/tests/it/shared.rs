//! Memos that share a cache.

use std::time::{Duration, SystemTime};

use buildbook_memo::{Memo, SharedCache, Status, Tool};

use crate::support::Project;

/// Builds `out` of this number from `in` with a memo of its own, and says whether that was revived.
fn build(project: &Project, cache: &SharedCache, number: usize) -> bool {
    let mut memo = Memo::sharing(project.settings(), cache);
    memo.file_ready("in");
    let make = move || Ok(format!("made {number}").into_bytes());
    drop(memo.write_with(format!("out{number}"), "1", make).reads(["in"]).start());
    memo.finish().into_result().unwrap();
    matches!(memo.ops()[0].status, Status::Revived)
}

fn project() -> Project {
    let project = Project::new();
    project.put("in", "some");
    // So old that its digest is remembered.
    let long_ago = SystemTime::now() - Duration::from_secs(3600);
    std::fs::File::options().write(true).open(project.path("in")).unwrap().set_modified(long_ago).unwrap();
    std::thread::sleep(Duration::from_millis(60));
    project
}

fn areas(project: &Project) -> usize {
    std::fs::read_dir(project.path("cache/running")).unwrap().count()
}

#[test]
fn memos_at_the_same_time_share_a_cache_and_leave_what_they_learned_once() {
    let project = project();
    let in_parallel = |cache: &SharedCache| -> usize {
        std::thread::scope(|scope| {
            let build = |number| {
                scope.spawn({
                    let project = &project;
                    move || (0..10_usize).filter(|part| build(project, cache, number * 10 + part)).count()
                })
            };
            let threads: Vec<_> = (0..4_usize).map(build).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        })
    };
    let cache = SharedCache::new(&project.settings());
    assert_eq!((in_parallel(&cache), areas(&project)), (0, 1), "they have one staging area");
    assert!(!project.path("cache/known").exists());
    cache.finish().unwrap();
    assert!(project.path("cache/known").exists());
    assert_eq!(areas(&project), 0);

    for number in 0..40 {
        assert_eq!(project.get(&format!("out{number}")), format!("made {number}"));
        std::fs::remove_file(project.path(&format!("out{number}"))).unwrap();
    }
    assert_eq!((in_parallel(&cache), areas(&project)), (40, 1), "it can be used after its end");
    assert!(!project.path("cache/recent").exists());
    cache.finish().unwrap();
    assert!(project.path("cache/recent").exists());
    assert_eq!(areas(&project), 0);

    let mut alone = project.memo();
    alone.file_ready("in");
    drop(alone.write_with("out0", "1", || panic!("it is known")).reads(["in"]).start());
    alone.finish().into_result().unwrap();
}

#[test]
fn the_end_of_one_memo_takes_nothing_from_the_others() {
    let project = project();
    let cache = SharedCache::new(&project.settings());
    let memo = |number: usize| {
        let memo = Memo::sharing(project.settings(), &cache);
        drop(memo.write(format!("file{number}"), "some").start());
        memo
    };
    let (mut first, mut second) = (memo(1), memo(2));
    first.finish().into_result().unwrap();
    assert_eq!(areas(&project), 1);
    drop(first);
    assert_eq!(areas(&project), 1, "the second may have something there");
    second.finish().into_result().unwrap();
    drop(second);
    drop(cache);
    assert_eq!(areas(&project), 0, "whoever forgets to finish it leaves nothing there");
}

#[test]
fn what_could_not_be_left_to_later_builds_can_be_left_again() {
    let project = project();
    let cache = SharedCache::new(&project.settings());
    build(&project, &cache, 1);
    cache.finish().unwrap();
    std::fs::remove_file(project.path("cache/known")).unwrap();

    let cache = SharedCache::new(&project.settings());
    std::fs::remove_file(project.path("out1")).unwrap();
    assert!(build(&project, &cache, 1));
    assert!(!project.path("cache/recent").exists() && !project.path("cache/known").exists());
    // Nothing takes the place of a folder that is not empty.
    project.put("cache/known/in the way", "");
    cache.finish().unwrap_err();
    assert!(project.path("cache/recent").exists(), "one is left without the other");
    std::fs::remove_file(project.path("cache/recent")).unwrap();
    std::fs::remove_file(project.path("cache/known/in the way")).unwrap();
    std::fs::remove_dir(project.path("cache/known")).unwrap();
    cache.finish().unwrap();
    assert!(project.path("cache/known").exists(), "it is tried again");
    assert!(!project.path("cache/recent").exists(), "and what was left is not");

    let cache = SharedCache::new(&project.settings());
    std::fs::remove_file(project.path("out1")).unwrap();
    assert!(build(&project, &cache, 1));
    project.put("cache/recent/in the way", "");
    cache.finish().unwrap_err();
    std::fs::remove_dir_all(project.path("cache/recent")).unwrap();
    cache.finish().unwrap();
    assert!(project.path("cache/recent").exists());
}

#[test]
fn a_build_goes_on_when_somebody_has_removed_its_staging_area() {
    let project = project();
    let cache = SharedCache::new(&project.settings());
    assert!(!build(&project, &cache, 1));
    let area = std::fs::read_dir(project.path("cache/running")).unwrap().next().unwrap().unwrap().path();
    for (number, lost) in [(2, area), (3, project.path("cache"))] {
        std::fs::remove_dir_all(lost).unwrap();
        assert!(!build(&project, &cache, number));
        assert_eq!(areas(&project), 1, "one more for all that is left");
        std::fs::remove_file(project.path(&format!("out{number}"))).unwrap();
        assert!(build(&project, &cache, number), "it was kept");

        let mut memo = Memo::sharing(project.settings(), &cache);
        std::fs::remove_dir_all(project.path("cache/running")).unwrap();
        let echo = memo.tool(Tool::named("echo")).cmd().arg(number.to_string());
        drop(memo.spawn(echo).start());
        memo.finish().into_result().unwrap();
        assert_eq!(*memo.ops()[0].output, *format!("{number}\n").as_bytes());
    }
    cache.finish().unwrap();
    assert_eq!(areas(&project), 0);
}

#[test]
fn a_process_whose_output_is_lost_is_no_success() {
    let project = project();
    let mut memo = project.memo();
    let script = ["-c", "rm -r cache/running; echo some"];
    let lost = memo.tool(Tool::named("sh")).cmd().args(script);
    drop(memo.spawn(lost).start());
    let report = memo.finish();
    assert!(report.failed[0].error.is_not_found(), "{report:?}");
}
