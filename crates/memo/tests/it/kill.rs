//! Builds that are killed.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use buildbook_memo::{Env, Memo, Settings, Tool, TrimPolicy, execute_trim, plan_trim, survey_cache};

use crate::support::Random;

/// How many files are built from each other.
const STEPS: u32 = 6;
/// How many builds are killed in an ordinary test run.
const KILLS: u32 = 40;

/// The build: every step copies the one before several times, slowly, appending to its file, so that a process that
/// is left over from another build does damage.
fn build(tree: &Path, cache: &Path) {
    let env: Env = [("PATH", "/usr/bin:/bin")].into_iter().collect();
    let settings = Settings::new(tree, std::time::SystemTime::now).cache(cache).env(env);
    let mut memo = Memo::new(settings);
    let sh = memo.tool(Tool::named("sh").relevant(["PATH"]));
    memo.file_ready("step0");
    for step in 1..=STEPS {
        let (from, to) = (format!("step{}", step - 1), format!("step{step}"));
        let slowly =
            format!("for i in 1 2 3; do head -c 20 {from} >> {to}; echo {step} >> {to}; sleep 0.003; done");
        let cmd = sh.cmd().arg("-c").arg(slowly);
        let _running = memo.spawn(cmd).reads([&from]).writes([&to]).start();
        let text = format!("{step}");
        let _running =
            memo.write_with(format!("side{step}"), "1", move || Ok(text.repeat(5_000).into_bytes())).start();
    }
    let report = memo.finish();
    assert!(report.is_success(), "{report}");
}

/// What the build gives.
fn expected(source: &str, step: u32) -> String {
    if step == 0 {
        return source.to_owned();
    }
    let before = expected(source, step - 1);
    format!("{}{step}\n", &before[..before.len().min(20)]).repeat(3)
}

fn check(tree: &Path, source: &str, kill: u32) {
    for step in 1..=STEPS {
        let built = std::fs::read_to_string(tree.join(format!("step{step}"))).unwrap();
        assert_eq!(built, expected(source, step), "step {step} after kill {kill}");
        let side = std::fs::read_to_string(tree.join(format!("side{step}"))).unwrap();
        assert_eq!(side, step.to_string().repeat(5_000), "side {step} after kill {kill}");
    }
}

/// Starts a build in another process.
fn start(tree: &Path, cache: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::builds_if_asked_to", "--nocapture"])
        .env("MEMO_TEST_TREE", tree)
        .env("MEMO_TEST_CACHE", cache)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Does nothing in an ordinary test run; in another process started by [`start`] it builds.
#[test]
fn builds_if_asked_to() {
    let (Some(tree), Some(cache)) = (std::env::var_os("MEMO_TEST_TREE"), std::env::var_os("MEMO_TEST_CACHE"))
    else {
        return;
    };
    build(&PathBuf::from(tree), &PathBuf::from(cache));
}

#[test]
fn after_builds_were_killed_at_any_point_the_next_is_right() {
    let kills = std::env::var("MEMO_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let mut random = Random::new(11);
    let trees: Vec<PathBuf> = ["one", "two"].iter().map(|name| folder.path().join(name)).collect();
    for tree in &trees {
        std::fs::create_dir(tree).unwrap();
    }
    let mut killed = 0;
    for kill in 0..kills {
        let tree = &trees[random.below(2) as usize];
        let source = format!("source {} of {}\n", random.below(30), tree.file_name().unwrap().display());
        std::fs::write(tree.join("step0"), &source).unwrap();
        let mut child = start(tree, &cache);
        // At a random point of the build: this is what is tested, and not a wait for something.
        std::thread::sleep(Duration::from_micros(u64::from(random.below(80_000))));
        child.kill().unwrap();
        killed += u32::from(child.wait().unwrap().signal().is_some());

        // Sometimes the next build is of something else.
        let source = if random.below(2) == 0 { source } else { format!("{source} edited\n") };
        std::fs::write(tree.join("step0"), &source).unwrap();
        assert!(start(tree, &cache).wait().unwrap().success(), "after kill {kill}");
        check(tree, &source, kill);
    }
    assert!(killed > kills / 4, "only {killed} of {kills} builds were hit");
    let running = std::fs::read_dir(cache.join("running")).unwrap().count();
    assert_eq!(running, 0, "the last build has removed what killed ones left");
}

#[test]
fn builds_and_trims_share_a_cache_at_the_same_time() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let trees: Vec<PathBuf> = (0..3).map(|number| folder.path().join(format!("tree{number}"))).collect();
    for tree in &trees {
        std::fs::create_dir(tree).unwrap();
    }
    for round in 0..3 {
        // The trees have the same sources, so that they want the same objects.
        let source = format!("source of round {}\n", round % 2);
        let mut builds: Vec<Child> = Vec::new();
        for tree in &trees {
            std::fs::write(tree.join("step0"), &source).unwrap();
            builds.push(start(tree, &cache));
        }
        let policy = TrimPolicy { max_bytes: 0, min_age: Duration::ZERO };
        while builds.iter_mut().any(|build| build.try_wait().unwrap().is_none()) {
            let survey = survey_cache(&cache).unwrap();
            let result = execute_trim(&plan_trim(survey, &policy, std::time::SystemTime::now())).unwrap();
            assert!(result.problems.is_empty(), "{:?}", result.problems);
        }
        for (mut build, tree) in builds.into_iter().zip(&trees) {
            assert!(build.wait().unwrap().success(), "round {round}");
            check(tree, &source, round);
        }
    }
}

/// Does nothing in an ordinary test run; in another process it is a build that is about to start a process, which
/// has the lock of the build at that moment.
#[test]
fn is_about_to_start_a_process_if_asked_to() {
    let Some(running) = std::env::var_os("MEMO_TEST_RUNNING").map(PathBuf::from) else { return };
    let folder = running.join("1-0");
    std::fs::create_dir_all(&folder).unwrap();
    let lock = buildbook_fsio::Lock::acquire(&folder.join("lock")).unwrap();
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let namespace = std::fs::read_link("/proc/self/ns/pid").unwrap();
    let (pid, group, started) = (std::process::id(), fields[2], fields[19]);
    let note = format!("{pid} {group} {started} {} {}\n", boot.trim(), namespace.display());
    lock.write_note(note.as_bytes()).unwrap();
    let mut heir =
        Command::new("sleep").arg("1000").stdout(lock.file().try_clone().unwrap()).spawn().unwrap();
    std::fs::write(running.with_extension("heir"), format!("{}\n", heir.id())).unwrap();
    heir.wait().unwrap();
}

#[test]
fn what_a_killed_build_was_about_to_start_is_ended_and_not_taken_for_the_build() {
    let project = crate::support::Project::new();
    let running = project.path("cache/running");
    std::fs::create_dir_all(&running).unwrap();
    let mut build = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::is_about_to_start_a_process_if_asked_to"])
        .env("MEMO_TEST_RUNNING", &running)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let heir = running.with_extension("heir");
    while !std::fs::read_to_string(&heir).is_ok_and(|text| text.ends_with('\n')) {
        assert!(build.try_wait().unwrap().is_none(), "it gave up");
        std::thread::sleep(Duration::from_millis(2));
    }
    // As long as the build is alive, nothing of it is touched.
    let ask = || {
        let mut memo = project.memo();
        let _running = memo.write_with("out", "", || Ok(b"x".to_vec())).start();
        memo.finish().into_result().unwrap();
    };
    let pid = std::fs::read_to_string(&heir).unwrap();
    let is_there = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        stat.is_ok_and(|stat| !stat.rsplit_once(')').unwrap().1.starts_with(" Z"))
    };
    ask();
    assert!(is_there() && running.join("1-0").is_dir());
    build.kill().unwrap();
    build.wait().unwrap();
    assert!(is_there(), "it has the lock now");
    ask();
    assert!(!is_there());
    assert!(!running.join("1-0").exists());
}
