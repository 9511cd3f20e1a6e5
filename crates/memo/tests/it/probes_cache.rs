//! Probes of the cache: what it gives is what was put there, whatever happened to it since.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use buildbook_memo::{Memo, Status};

use crate::shell::{build, revived, runs, sh, traced};
use crate::support::Project;

/// Copies `in` to `out`, and says whether the cache had it.
fn copied(project: &Project) -> bool {
    revived(project, copy)[0]
}

fn copy(memo: &Memo) {
    memo.file_ready("in");
    let _running = memo.spawn(sh(memo, &traced("cat in > out"))).reads(["in"]).writes(["out"]).start();
}

/// All files in a folder of the cache.
fn files(project: &Project, folder: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(project.path("cache").join(folder))
        .unwrap()
        .flat_map(|spread| std::fs::read_dir(spread.unwrap().path()).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    found.sort();
    found
}

fn remove(project: &Project, name: &str) {
    std::fs::remove_file(project.path(name)).unwrap();
}

#[test]
fn p6_what_stands_in_the_place_of_a_revived_file_is_replaced() {
    let project = Project::new();
    project.put("in", "one");
    assert!(!copied(&project));
    project.put("in", "two");
    assert!(!copied(&project));
    project.put("in", "one");
    assert!(copied(&project));
    assert_eq!(project.get("out"), "one");

    // So is something of the right size, and a link, whose target stays as it is.
    project.put("out", "eno");
    assert!(copied(&project));
    assert_eq!(project.get("out"), "one");
    project.put("elsewhere", "one");
    remove(&project, "out");
    std::os::unix::fs::symlink("elsewhere", project.path("out")).unwrap();
    assert!(copied(&project));
    assert!(project.path("out").symlink_metadata().unwrap().is_file());
    assert_eq!((project.get("out"), project.get("elsewhere")), ("one".to_owned(), "one".to_owned()));
}

#[test]
fn p7_a_revived_file_that_is_edited_in_place_does_not_poison_the_cache() {
    let project = Project::new();
    project.put("in", "good\n");
    assert!(!copied(&project));
    for _ in 0..2 {
        let out = project.path("out");
        let mut file = std::fs::File::options().append(true).open(&out).unwrap();
        std::io::Write::write_all(&mut file, b"evil\n").unwrap();
        assert_eq!(project.get("out"), "good\nevil\n");
        remove(&project, "out");
        assert!(copied(&project));
        assert_eq!(project.get("out"), "good\n");
    }
    assert_eq!(runs(&project), 1);
}

#[test]
fn p15_an_operation_runs_again_when_its_entry_is_lost_or_torn() {
    let project = Project::new();
    project.put("in", "data");
    assert!(!copied(&project));
    let entry = files(&project, "entries").remove(0);
    let text = std::fs::read(&entry).unwrap();
    let changed = String::from_utf8(text.clone()).unwrap().replace("\"exit\":0", "\"exit\":7");
    assert_ne!(changed.as_bytes(), text);
    for (damage, times) in [
        (None, 2),
        (Some(&b""[..]), 3),
        (Some(&text[..text.len() / 2]), 4),
        (Some(changed.as_bytes()), 5),
        (Some(&vec![0; text.len()]), 6),
    ] {
        remove(&project, "out");
        match damage {
            None => std::fs::remove_file(&entry).unwrap(),
            Some(bytes) => std::fs::write(&entry, bytes).unwrap(),
        }
        assert!(!copied(&project), "{damage:?}");
        assert_eq!((project.get("out"), runs(&project)), ("data".to_owned(), times));
        remove(&project, "out");
        assert!(copied(&project), "it is known again");
    }
}

#[test]
fn p15b_an_operation_runs_again_when_its_payload_is_truncated_changed_or_lost() {
    let project = Project::new();
    project.put("in", "payload");
    assert!(!copied(&project));
    let object = files(&project, "objects").remove(0);
    std::fs::set_permissions(&object, std::fs::Permissions::from_mode(0o644)).unwrap();
    for (damage, times) in
        [(Some(""), 2), (Some("pay"), 3), (Some("poyload"), 4), (Some("payload and more"), 5), (None, 6)]
    {
        remove(&project, "out");
        match damage {
            None => std::fs::remove_file(&object).unwrap(),
            Some(bytes) => std::fs::write(&object, bytes).unwrap(),
        }
        assert!(!copied(&project), "{damage:?}");
        assert_eq!((project.get("out"), runs(&project)), ("payload".to_owned(), times));
        remove(&project, "out");
        assert!(copied(&project), "it is whole again");
        assert_eq!(project.get("out"), "payload");
    }
}

#[test]
fn the_cache_is_not_looked_at_where_everything_is_in_place() {
    let project = Project::new();
    project.put("in", "data");
    assert!(!copied(&project));
    assert!(copied(&project), "its entry was found now, and is remembered");
    let entry = files(&project, "entries").remove(0);
    std::fs::remove_file(&entry).unwrap();
    assert!(copied(&project), "nothing had to be taken out");
    for damage in ["gone", "changed", "has other rights"] {
        match damage {
            "gone" => remove(&project, "out"),
            "changed" => project.put("out", "dada"),
            _ => {
                let path = project.path("out");
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
            }
        }
        assert!(!copied(&project), "{damage}: something has to be taken out, and there is nothing");
        assert_eq!(project.get("out"), "data");
        assert!(copied(&project));
        std::fs::remove_file(&entry).unwrap();
    }
}

#[test]
fn what_a_process_printed_is_verified_like_its_files() {
    let project = Project::new();
    let ask = |memo: &Memo| {
        let _running = memo.spawn(sh(memo, &traced("echo said"))).start();
    };
    assert_eq!(revived(&project, ask), [false]);
    let object = files(&project, "objects").remove(0);
    std::fs::set_permissions(&object, std::fs::Permissions::from_mode(0o644)).unwrap();
    std::fs::write(&object, "lied\n").unwrap();
    let mut memo = project.memo();
    ask(&memo);
    memo.finish().into_result().unwrap();
    let op = memo.ops().remove(0);
    assert!(matches!(op.status, Status::Executed));
    assert_eq!((&*op.output, runs(&project)), (&b"said\n"[..], 2));
}

#[test]
fn a_damaged_entry_is_reported_and_does_not_fail_the_build() {
    let project = Project::new();
    project.put("in", "data");
    assert!(!copied(&project));
    std::fs::write(files(&project, "entries").remove(0), "junk").unwrap();
    let mut memo = project.memo();
    let problems = std::rc::Rc::new(std::cell::Cell::new(0));
    let seen = std::rc::Rc::clone(&problems);
    memo.on_feedback(move |feedback| {
        if let buildbook_memo::Feedback::OpCacheProblem { error, .. } = feedback {
            assert!(matches!(error, buildbook_memo::Error::Damaged { .. }), "{error}");
            seen.set(seen.get() + 1);
        }
    });
    copy(&memo);
    memo.finish().into_result().unwrap();
    assert_eq!(problems.get(), 1);
}

#[test]
fn an_output_that_several_operations_share_keeps_the_rights_of_each() {
    let project = Project::new();
    let script = "umask 022; echo same > plain; echo same > program; chmod 755 program; echo same > secret; chmod 600 secret";
    let names = ["plain", "program", "secret"];
    for is_known in [false, true] {
        let is_revived = revived(&project, |memo| {
            let _running = memo.spawn(sh(memo, script)).writes(names).start();
        });
        assert_eq!(is_revived, [is_known]);
        let modes = names.map(|name| project.path(name).metadata().unwrap().permissions().mode() & 0o777);
        assert_eq!(modes, [0o644, 0o755, 0o600]);
        names.iter().for_each(|name| remove(&project, name));
    }
    assert_eq!(files(&project, "objects").len(), 1, "one payload serves all");
}

#[test]
fn a_build_leaves_nothing_but_entries_and_payloads() {
    let project = Project::new();
    project.put("in", "data");
    let (report, _) = build(&project, |memo| {
        copy(memo);
        let _failed = memo.spawn(sh(memo, "echo x > bad; echo y; exit 1")).writes(["bad"]).start();
        let _refused = memo.write_with("made", "1", || panic!("on purpose")).start();
    });
    assert_eq!(report.failed.len(), 2);
    assert_eq!(std::fs::read_dir(project.path("cache/running")).unwrap().count(), 0);
    assert_eq!((files(&project, "entries").len(), files(&project, "objects").len()), (1, 1));
    let mut names: Vec<_> =
        std::fs::read_dir(project.root()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["bad", "cache", "in", "out", "trace"]);
}

const TREE: &str = "BUILDBOOK_MEMO_TEST_TREE";
const CACHE: &str = "BUILDBOOK_MEMO_TEST_CACHE";
const STEPS: usize = 20;

/// What another process does for the test below; nothing in an ordinary run.
#[test]
fn shares_a_cache_if_asked_to() {
    let (Some(tree), Some(cache)) = (std::env::var_os(TREE), std::env::var_os(CACHE)) else { return };
    let project = Project::new();
    let mut settings = project.settings().cache(PathBuf::from(cache)).relocatable(true);
    settings.cwd = tree.into();
    let mut memo = Memo::new(settings);
    for step in 0..STEPS {
        let script = format!("for i in 1 2 3 4 5 6 7 8; do printf '{step} '; done > out{step}");
        let _running = memo.spawn(sh(&memo, &script)).writes([format!("out{step}")]).start();
    }
    memo.finish().into_result().unwrap();
}

#[test]
fn processes_share_a_cache_and_each_gets_the_right_files() {
    let project = Project::new();
    for round in 0..3 {
        let trees: Vec<PathBuf> = (0..4).map(|n| project.path(&format!("tree-{round}-{n}"))).collect();
        let mut builds = Vec::new();
        for tree in &trees {
            std::fs::create_dir(tree).unwrap();
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args(["--exact", "probes_cache::shares_a_cache_if_asked_to"]);
            command.env(TREE, tree).env(CACHE, project.path("shared")).stdout(Stdio::piped());
            builds.push(command.spawn().unwrap());
        }
        for build in builds {
            let build = build.wait_with_output().unwrap();
            assert!(build.status.success(), "{}", String::from_utf8_lossy(&build.stdout));
        }
        for tree in &trees {
            for step in 0..STEPS {
                let built = std::fs::read_to_string(tree.join(format!("out{step}"))).unwrap();
                assert_eq!(built, format!("{step} ").repeat(8));
            }
        }
    }
}
