//! Rows M1 to M8 of the acceptance list, as far as no probe shows them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::rc::Rc;

use buildbook_memo::{Env, Feedback, Kind, Memo, Spawn, Status, Tool, fail};

use crate::shell::{revived, runs, sh, traced};
use crate::support::Project;

fn rights(project: &Project, name: &str) -> u32 {
    project.path(name).metadata().unwrap().permissions().mode() & 0o7777
}

#[test]
fn m1_each_kind_of_operation_does_what_it_says() {
    let project = Project::new();
    project.put("source", "text");
    let mut memo = project.memo();
    memo.file_ready("source");
    memo.task(|memo| async move {
        assert_eq!(memo.read("source").await?, b"text");
        let exit = memo
            .spawn(sh(&memo, "cat source > spawned; echo said"))
            .reads(["source"])
            .writes(["spawned"])
            .await?;
        assert_eq!((exit.code, &*exit.output, exit.is_revived), (0, &b"said\n"[..], false));
        memo.write("a/written", "by hand").await?;
        memo.write_with("b/made", "salt", || Ok(b"by function".to_vec())).mode(0o640).await?;
        memo.copy("spawned", "c/copy").mode(0o700).await?;
        memo.mkdir("d/e/f").await?;
        memo.wait_files(["spawned", "a/written", "b/made", "c/copy", "d/e/f", "source"]).await
    });
    memo.finish().into_result().unwrap();
    let kinds: Vec<Kind> = memo.ops().iter().map(|op| op.kind).collect();
    assert_eq!(
        kinds,
        [Kind::Read, Kind::Spawn, Kind::Write, Kind::Write, Kind::Copy, Kind::Mkdir, Kind::WaitFiles]
    );
    for (name, text, mode) in
        [("a/written", "by hand", 0o644), ("b/made", "by function", 0o640), ("c/copy", "text", 0o700)]
    {
        assert_eq!((project.get(name).as_str(), rights(&project, name)), (text, mode), "{name}");
    }
    assert!(project.path("d/e/f").is_dir());
}

/// Says whether a spawn that is changed a little finds the result of the plain one.
fn finds_plain(change: impl FnOnce(&Project), ask: impl FnOnce(Spawn) -> Spawn) -> bool {
    let project = Project::new();
    project.put("in", "1");
    project.put("other", "1");
    let plain = |memo: &Memo| {
        memo.file_ready("in");
        memo.file_ready("other");
        let tool = Tool::installed("/bin/sh").relevant(["SEEN"]).shielded(["SHIELDED"]);
        let cmd = memo
            .tool(tool)
            .cmd()
            .args(["-c", "echo x > $1; echo x > $2", "sh"])
            .shielded_arg(project.path("out"))
            .shielded_arg(project.path("out2"));
        memo.spawn(cmd).reads(["in"]).writes(["out"])
    };
    assert_eq!(revived(&project, |memo| drop(plain(memo).start())), [false]);
    assert_eq!(revived(&project, |memo| drop(plain(memo).start())), [true]);
    change(&project);
    revived(&project, |memo| drop(ask(plain(memo)).start()))[0]
}

#[test]
fn m2_what_a_result_depends_on_is_in_the_key() {
    let same = |_: &Project| ();
    let mode = |project: &Project| {
        std::fs::set_permissions(project.path("in"), PermissionsExt::from_mode(0o755)).unwrap();
    };
    assert!(!finds_plain(|project| project.put("in", "2"), |spawn| spawn), "content of a read");
    assert!(!finds_plain(mode, |spawn| spawn), "rights of a read");
    assert!(!finds_plain(same, |spawn| spawn.reads(["other"])), "another read");
    assert!(!finds_plain(same, |spawn| spawn.writes(["out2"])), "another write");
    assert!(!finds_plain(same, |spawn| spawn.env("SEEN", "1")), "a relevant variable");
    assert!(!finds_plain(same, |spawn| spawn.env("NEW", "1")), "a variable that nobody declared");
    assert!(!finds_plain(same, |spawn| spawn.cwd("/")), "the working folder");
    assert!(!finds_plain(same, |spawn| spawn.stdin("other")), "a standard input");
    assert!(!finds_plain(same, |spawn| spawn.success_exits([0, 1])), "which exits mean success");
    assert!(!finds_plain(same, Spawn::any_exit), "that any exit means success");
    assert!(!finds_plain(same, |spawn| spawn.stamp("2")), "a stamp");
}

#[test]
fn m2_the_names_of_reads_are_in_the_key() {
    let project = Project::new();
    for (name, is_known) in [("one", false), ("two", false), ("one", true)] {
        let _ = std::fs::remove_dir_all(project.path("reads"));
        project.put(&format!("reads/{name}"), "same");
        let is_revived = revived(&project, |memo| {
            let read = format!("reads/{name}");
            memo.file_ready(&read);
            let _running = memo.spawn(sh(memo, "ls reads > out")).reads([&read]).writes(["out"]).start();
        });
        assert_eq!((is_revived, project.get("out")), (vec![is_known], format!("{name}\n")));
    }
}

#[test]
fn m2_the_names_of_writes_are_in_the_key() {
    let project = Project::new();
    for (name, is_known) in [("one", false), ("two", false), ("one", true)] {
        let is_revived = revived(&project, |memo| {
            let cmd = sh(memo, "for name in one two; do echo $name > $name; done");
            let _running = memo.spawn(cmd).writes([name]).start();
        });
        assert_eq!((is_revived, project.get(name)), (vec![is_known], format!("{name}\n")));
        std::fs::remove_file(project.path(name)).unwrap();
    }
}

#[test]
fn m2_what_a_result_does_not_depend_on_is_not_in_the_key() {
    let same = |_: &Project| ();
    let touch = |project: &Project| {
        project.put("in", "2");
        project.put("in", "1");
        project.put("out", "damaged");
    };
    assert!(finds_plain(touch, |spawn| spawn), "times of a read, and what stands in place of a write");
    assert!(finds_plain(same, |spawn| spawn.env("SHIELDED", "1")), "a shielded variable");
    assert!(finds_plain(same, |spawn| spawn.env("TMPDIR", "/elsewhere")), "where temporary files go");
    assert!(finds_plain(same, |spawn| spawn.reads(["in", "./in"])), "how often a read is named");
    assert!(finds_plain(same, |spawn| spawn.success_exits([0])), "what is the default anyway");
}

#[test]
fn m2_a_tool_sees_the_declared_environment_and_nothing_else() {
    let project = Project::new();
    let see = |value: &str| {
        let env =
            Env::new().with("SEEN", value).with("HIDDEN", value).with("TMPDIR", "t").forced("FORCED", "f");
        let mut memo = Memo::new(project.settings().env(env));
        let tool = memo.tool(Tool::installed("/usr/bin/env").relevant(["SEEN"]));
        let _running = memo.spawn(tool.cmd()).env("ADDED", "a").env("FORCED", "not this").start();
        memo.finish().into_result().unwrap();
        let op = memo.ops().remove(0);
        let mut lines: Vec<String> = String::from_utf8_lossy(&op.output).lines().map(str::to_owned).collect();
        lines.sort();
        (matches!(op.status, Status::Revived), lines)
    };
    let seen = |value: &str| {
        ["ADDED=a", "FORCED=f", &format!("SEEN={value}"), "TMPDIR=t"].map(str::to_owned).to_vec()
    };
    assert_eq!(see("1"), (false, seen("1")));
    assert_eq!(see("2"), (false, seen("2")));
    assert_eq!(see("1"), (true, seen("1")));
}

#[test]
fn m2_the_content_of_the_tool_is_in_the_key() {
    let project = Project::new();
    for (version, is_known) in [("1", false), ("2", false), ("1", true)] {
        let tool = project.path("tool");
        project.put("tool.new", &format!("#!/bin/sh\necho {version} > out\n"));
        std::fs::set_permissions(project.path("tool.new"), PermissionsExt::from_mode(0o755)).unwrap();
        std::fs::rename(project.path("tool.new"), &tool).unwrap();
        let is_revived = revived(&project, |memo| {
            let tool = memo.tool(Tool::installed(&tool));
            let _running = memo.spawn(tool.cmd()).writes(["out"]).start();
        });
        assert_eq!((is_revived, project.get("out")), (vec![is_known], format!("{version}\n")));
    }
}

#[test]
fn m2_a_relocatable_build_finds_its_results_in_another_folder() {
    let home = Project::new();
    for (folder, is_known) in [("one", false), ("two", true)] {
        std::fs::create_dir(home.path(folder)).unwrap();
        home.put(&format!("{folder}/in"), "text");
        let mut settings = home.settings().relocatable(true);
        settings.cwd = home.path(folder);
        let mut memo = Memo::new(settings);
        memo.file_ready("in");
        let cmd = sh(&memo, "cat \"$1\" > out").shielded_arg(home.path(folder).join("in"));
        let _running = memo.spawn(cmd).reads(["in"]).writes(["out"]).start();
        memo.finish().into_result().unwrap();
        assert_eq!(matches!(memo.ops()[0].status, Status::Revived), is_known);
        assert_eq!(home.get(&format!("{folder}/out")), "text");
    }
}

#[test]
fn m4_a_revived_process_gives_back_its_exit_its_output_and_its_files() {
    let project = Project::new();
    for is_known in [false, true] {
        let mut memo = project.memo();
        memo.task(move |memo| async move {
            let script = traced(
                "echo said; printf 'a\\0b' > bytes; : > empty; echo p > program; chmod 711 program; exit 7",
            );
            let spawn = memo.spawn(sh(&memo, &script)).writes(["bytes", "empty", "program"]);
            let exit = spawn.success_exits([7]).await?;
            assert_eq!((exit.code, &*exit.output, exit.is_revived), (7, &b"said\n"[..], is_known));
            Ok(())
        });
        memo.finish().into_result().unwrap();
        assert_eq!((project.get("bytes"), project.get("empty")), ("a\0b".to_owned(), String::new()));
        assert_eq!((project.get("program"), rights(&project, "program")), ("p\n".to_owned(), 0o711));
        assert_eq!(runs(&project), 1);
        ["bytes", "empty", "program"]
            .iter()
            .for_each(|name| std::fs::remove_file(project.path(name)).unwrap());
    }
}

#[test]
fn m6_no_more_processes_run_at_once_than_are_allowed_and_no_fewer() {
    for limit in [1, 3] {
        let project = Project::new();
        let mut memo = Memo::new(project.settings().max_spawn(limit.try_into().unwrap()));
        for n in 0..9 {
            // Nobody goes on before as many have started as may run at once.
            let script = "echo + >> log; for try in $(seq 2000); do
                test $(grep -c + log) -lt $1 || { sleep 0.05; echo - >> log; exit 0; }; sleep 0.01; done; exit 1";
            let _running = memo.spawn(sh(&memo, script).arg(limit.to_string()).arg(n.to_string())).start();
        }
        memo.finish().into_result().unwrap();
        let (mut now, mut most) = (0, 0);
        for line in project.get("log").lines() {
            now = if line == "+" { now + 1 } else { now - 1 };
            most = most.max(now);
        }
        assert_eq!((now, most), (0, limit));
    }
}

const IDLE: &str = "BUILDBOOK_MEMO_TEST_IDLE";

/// How often threads of this process have gone to sleep.
fn sleeps() -> u64 {
    let of_thread = |entry: std::io::Result<std::fs::DirEntry>| {
        let status = std::fs::read_to_string(entry.unwrap().path().join("status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        line.map_or(0, |count| count.trim().parse::<u64>().unwrap())
    };
    std::fs::read_dir("/proc/self/task").unwrap().map(of_thread).sum()
}

/// What another process does for the test below; nothing in an ordinary run.
#[test]
fn waits_for_a_process_if_asked_to() {
    if std::env::var_os(IDLE).is_none() {
        return;
    }
    let project = Project::new();
    let mut memo = project.memo();
    let _running = memo.spawn(sh(&memo, "sleep 2")).start();
    let before = sleeps();
    memo.finish().into_result().unwrap();
    let count = sleeps().saturating_sub(before);
    assert!(count < 100, "{count} times within two seconds");
}

#[test]
fn m6_waiting_for_a_process_wakes_nobody() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "rows::waits_for_a_process_if_asked_to", "--test-threads=1"]).env(IDLE, "1");
    let waited = command.output().unwrap();
    assert!(waited.status.success(), "{}", String::from_utf8_lossy(&waited.stdout));
    assert!(String::from_utf8_lossy(&waited.stdout).contains("1 passed"));
}

#[test]
fn m8_every_operation_is_told_to_be_complete_once_however_it_ended() {
    let project = Project::new();
    project.put("in", "x");
    let mut memo = project.memo();
    let told: Rc<RefCell<BTreeMap<usize, Vec<String>>>> = Rc::default();
    let others: Rc<RefCell<Vec<&str>>> = Rc::default();
    let (tell, tell_others) = (Rc::clone(&told), Rc::clone(&others));
    memo.on_feedback(move |feedback| match feedback {
        Feedback::OpComplete { op } => {
            let word = match &op.status {
                Status::Executed => "executed".to_owned(),
                Status::Revived => "revived".to_owned(),
                Status::Failed(error) => format!("failed: {error}"),
                Status::Aborted(error) => format!("aborted: {}", error.root()),
                _ => "waiting".to_owned(),
            };
            tell.borrow_mut().entry(op.id.index()).or_default().push(word);
        }
        Feedback::MissingTool { .. } => tell_others.borrow_mut().push("missing tool"),
        Feedback::TaskFailed { .. } => tell_others.borrow_mut().push("task failed"),
        Feedback::FileStatus { .. } => tell_others.borrow_mut().push("file status"),
        Feedback::ReadyAndWritten { .. } => tell_others.borrow_mut().push("ready and written"),
        other => panic!("{other:?}"),
    });
    memo.file_ready("in");
    memo.file_ready("in");
    let running = [
        memo.spawn(sh(&memo, "cat in > out")).reads(["in", "in"]).writes(["out"]).start().id(),
        memo.copy("out", "copy").start().id(),
        memo.spawn(sh(&memo, "exit 1")).writes(["bad"]).start().id(),
        memo.copy("bad", "after bad").start().id(),
        memo.copy("nobody", "after nobody").start().id(),
        memo.copy("loop", "loop").start().id(),
        memo.write("out", "again").start().id(),
        memo.spawn(memo.tool(Tool::named("no-such-tool")).cmd()).start().id(),
        memo.spawn(sh(&memo, ":")).writes(["not written"]).start().id(),
        memo.wait_files(["copy"]).id(),
        memo.mkdir("folder").id(),
        memo.read("in").id(),
    ];
    memo.file_ready("copy");
    memo.task(|_| async { Err(fail("no")) });
    let report = memo.finish();
    let count = running.len();
    let told: Vec<Vec<String>> = told.borrow().values().cloned().collect();
    assert!(told.iter().all(|words| words.len() == 1), "{told:?}");
    let words: Vec<&str> = told.iter().flatten().map(|word| word.split(':').next().unwrap()).collect();
    let (done, failed, aborted) = ("executed", "failed", "aborted");
    let expected = [done, done, failed, aborted, aborted, aborted, failed, failed, failed, done, done, done];
    assert_eq!((words, count), (expected.to_vec(), expected.len()), "{report}");
    others.borrow_mut().sort_unstable();
    assert_eq!(*others.borrow(), ["file status", "missing tool", "ready and written", "task failed"]);
}

#[test]
fn m7_a_build_is_a_success_only_when_nothing_is_wrong_and_a_later_one_repeats_what_was() {
    let project = Project::new();
    let mut memo = project.memo();
    let _fine = memo.write("fine", "1").start();
    assert!(memo.finish().is_success());
    let _waiting = memo.wait_files(["never"]);
    let _circle = memo.copy("circle", "circle").start();
    for _ in 0..2 {
        let report = memo.finish();
        assert!(!report.is_success());
        assert_eq!(report.never_ready, [project.path("never")]);
        assert_eq!(report.cycles.len(), 1);
        assert_eq!(report.aborted.len(), 2);
        let text = report.to_string();
        assert!(text.contains("nobody makes") && text.contains("waiting in a circle"), "{text}");
        let _more = memo.wait_files(["fine"]);
    }
}
