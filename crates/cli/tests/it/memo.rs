//! Targets whose results come from a cache.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::book::{Ended, command};
use crate::farm::{Farm, files};

fn all_via(word: &str) -> BTreeMap<String, String> {
    ["app.1", "lib.1"].map(|name| (name.to_owned(), word.to_owned())).into()
}

#[test]
fn another_book_takes_everything_from_the_memo_and_nothing_runs() {
    let farm = Farm::new();
    farm.write("lib.c", "int f;\n");
    let targets = farm.targets();
    assert_eq!(farm.via("one", &targets), all_via("built"));
    assert_eq!(farm.ran(), "la");
    let second = farm.run("two", &targets);
    assert_eq!(farm.events("two", &second.json()), all_via("memo"), "{}", second.stderr);
    assert_eq!(farm.ran(), "la", "nothing ran");
    assert_eq!(second.json()["totals"]["from_memo"], json!(2));
    assert!(second.stderr.contains("from memo   lib.1"), "{}", second.stderr);

    let (one, two) = (farm.layers("one"), farm.layers("two"));
    assert_eq!(one, two, "rights, contents and links");
    assert!(
        one.keys().any(|path| path.ends_with("fs/lib/sub/o")) && one.keys().any(|path| path.ends_with("app"))
    );
    assert!(!one.keys().any(|path| path.ends_with("scratch")), "what is no output is not kept");
    for root in ["one", "two"] {
        let book = |words: &[&str]| Ended::from(command(&farm.book.path(root)).args(words).output().unwrap());
        assert_eq!(book(&["log", "lib.1"]).stdout, "compiling\n", "its log comes back");
        let entries = book(&["history", "lib.1", "--json"]).json()["entries"].clone();
        assert_eq!((entries.as_array().unwrap().len(), &entries[0]["status"]), (1, &json!("success")));
        assert_eq!(book(&["fsck"]).status, 0);
    }
    assert_eq!(farm.via("two", &targets), all_via("layer"), "its layers are as good as any");

    std::fs::remove_dir_all(farm.book.path("one")).unwrap();
    assert_eq!(farm.via("one", &targets), all_via("memo"), "a book that is made again");
    assert_eq!(farm.ran(), "la");
}

#[test]
fn a_target_runs_again_when_anything_that_it_declares_is_another() {
    let farm = Farm::new();
    farm.write("lib.c", "one");
    let ran = |targets: &Value, root: &str| {
        let before = farm.ran().len();
        farm.via(root, targets);
        farm.ran()[before..].to_owned()
    };
    let targets = farm.targets();
    assert_eq!(ran(&targets, "one"), "la");
    farm.write("lib.c", "two");
    assert_eq!(ran(&targets, "one"), "la", "an input is part of the hash: the layer is another as well");
    let two = farm.layers("one");
    assert!(two.values().any(|(_, text)| text == "two"), "{two:?}");
    farm.write("lib.c", "one");
    assert_eq!(ran(&targets, "other 1"), "", "the old input has the old result");
    std::fs::set_permissions(farm.book.path("lib.c"), std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(ran(&targets, "other 2"), "la", "whether an input can be run");
    std::fs::set_permissions(farm.book.path("lib.c"), std::fs::Permissions::from_mode(0o644)).unwrap();

    let edited = |pointer: &str, value: Value| {
        let mut edited = targets.clone();
        let (target, key) = pointer.rsplit_once('/').unwrap();
        edited.pointer_mut(target).unwrap()[key] = value;
        edited
    };
    assert_eq!(ran(&edited("/0/env", json!({"FLAG": "two"})), "other 3"), "la", "a variable");
    assert_eq!(ran(&edited("/0/outputs", json!(["lib", "scratch"])), "other 4"), "la", "an output");
    let command = farm.script('A', "true; cat \"$BUILDBOOK_DEPS/lib/link\" > app");
    assert_eq!(ran(&edited("/1/command", command), "other 5"), "A", "a command, and nothing below it");
    let longer = edited("/0/timeout_s", json!(100));
    assert_eq!(ran(&longer, "other 6"), "", "the time that it may take says nothing about the result");
}

#[test]
fn a_target_runs_again_when_its_program_or_the_search_path_is_another() {
    let mut farm = Farm::new();
    let program = farm.book.path("bin/tool");
    std::fs::create_dir_all(program.parent().unwrap()).unwrap();
    let install = |text: &str| {
        std::fs::write(
            &program,
            format!("#!/bin/sh\nprintf x >> '{}'; echo {text} > out\n", farm.book.path("ran").display()),
        )
        .unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    let targets = json!([{"package": "a.1", "command": ["tool"], "outputs": ["out"]}]);
    install("one");
    let usual = format!("{}:/usr/bin:/bin", program.parent().unwrap().display());
    farm.path = Some(usual.clone());
    let via = |farm: &Farm, root: &str| farm.via(root, &targets)["a.1"].clone();
    assert_eq!((via(&farm, "1"), via(&farm, "2")), ("built".into(), "memo".into()));
    install("two");
    assert_eq!(via(&farm, "3"), "built");
    assert_eq!(std::fs::read_to_string(farm.layer("3").join("fs/out")).unwrap(), "two\n");
    farm.path = Some(format!("{usual}:/elsewhere"));
    assert_eq!(via(&farm, "4"), "built");
    install("one");
    farm.path = Some(usual);
    assert_eq!((via(&farm, "5"), farm.ran().as_str()), ("memo".into(), "xxx"));
}

#[test]
fn a_target_with_outputs_sees_no_variable_that_is_not_declared() {
    let farm = Farm::new();
    let targets = json!([{"package": "a.1", "command": ["env"], "outputs": ["."], "env": {"MINE": "yes"}},
                         {"package": "b.1", "command": ["env"]}]);
    let run = farm.command("one", &targets).env("SECRET", "no").output().unwrap();
    assert!(run.status.success());
    let log = |package: &str| {
        Ended::from(command(&farm.book.path("one")).args(["log", package]).output().unwrap()).stdout
    };
    let mut names: Vec<String> =
        log("a.1").lines().map(|line| line.split('=').next().unwrap().to_owned()).collect();
    names.sort();
    assert_eq!(names, ["BUILDBOOK_DEPS", "BUILDBOOK_PACKAGE", "MINE", "PATH"]);
    assert!(log("b.1").contains("SECRET=no") && log("b.1").contains("BUILDBOOK_RUN="), "as before");
}

#[test]
fn a_result_is_not_taken_for_one_that_was_made_from_other_layers() {
    let farm = Farm::new();
    let source = farm.book.path("undeclared");
    let targets = json!([
        // What it reads is not declared, so its hash and its layer's name stay.
        {"package": "lib.1", "command": ["cp", source.to_str().unwrap(), "lib"]},
        {"package": "app.1", "deps": ["lib.1"], "outputs": ["app"],
         "command": farm.script('a', "cp \"$BUILDBOOK_DEPS/lib\" app")},
        {"package": "top.1", "deps": ["app.1"], "outputs": ["."], "command": farm.script('t', "true")},
    ]);
    std::fs::write(&source, "one").unwrap();
    farm.via("1", &targets);
    assert_eq!(farm.via("2", &targets)["app.1"], "memo");
    std::fs::write(&source, "two").unwrap();
    let via = farm.via("3", &targets);
    assert_eq!(
        (via["lib.1"].as_str(), via["app.1"].as_str(), via["top.1"].as_str()),
        ("built", "built", "built")
    );
    let app = farm.layers("3").into_iter().find(|(path, _)| path.ends_with("fs/app")).unwrap();
    assert_eq!((app.1.1.as_str(), farm.ran().as_str()), ("two", "atat"));
}

#[test]
fn a_damaged_cache_makes_the_command_run_and_is_whole_afterwards() {
    let farm = Farm::new();
    let targets = json!([{"package": "a.1", "outputs": ["out"], "command": farm.script('x', "echo made > out; echo said")}]);
    assert_eq!(farm.via("first", &targets)["a.1"], "built");
    let damages: [fn(&Path); 3] = [
        |path| {
            let mut bytes = std::fs::read(path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            std::fs::write(path, bytes).unwrap();
        },
        |path| std::fs::write(path, "").unwrap(),
        |path| std::fs::remove_file(path).unwrap(),
    ];
    let (cache, whole) = (farm.book.path("cache"), farm.book.path("whole"));
    std::fs::rename(&cache, &whole).unwrap();
    let mut rounds = 0;
    for folder in ["objects", "entries"] {
        let names: Vec<PathBuf> = files(&whole.join(folder))
            .into_iter()
            .map(|path| path.strip_prefix(&whole).unwrap().to_owned())
            .collect();
        assert_eq!(names.len(), 3, "the file, the log and the answer");
        for name in names {
            for damage in damages {
                rounds += 1;
                assert!(Command::new("cp").arg("-a").args([&whole, &cache]).status().unwrap().success());
                let path = cache.join(&name);
                std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
                damage(&path);
                let (root, again) = (format!("round {rounds}"), format!("round {rounds} again"));
                assert_eq!(farm.via(&root, &targets)["a.1"], "built", "{name:?}");
                assert_eq!(std::fs::read_to_string(farm.layer(&root).join("fs/out")).unwrap(), "made\n");
                assert_eq!(std::fs::read_to_string(farm.layer(&root).join("layer.log")).unwrap(), "said\n");
                assert_eq!(farm.via(&again, &targets)["a.1"], "memo", "{name:?}");
                std::fs::remove_dir_all(&cache).unwrap();
            }
        }
    }
    assert_eq!(farm.ran().len(), 1 + rounds);
}

#[test]
fn a_cache_heals_when_the_command_makes_something_else_each_time() {
    let farm = Farm::new();
    let count = farm.book.path("ran");
    let script = format!("echo x >> '{0}'; cp '{0}' out", count.display());
    let targets = json!([{"package": "a.1", "outputs": ["out"], "command": ["sh", "-c", script]}]);
    farm.via("1", &targets);
    let out = |root: &str| std::fs::read_to_string(farm.layer(root).join("fs/out")).unwrap();
    // However often something gets lost.
    for round in 1..12 {
        let made = "x\n".repeat(round);
        for path in files(&farm.book.path("cache/objects")) {
            if std::fs::read(&path).unwrap() == made.as_bytes() {
                std::fs::remove_file(path).unwrap();
            }
        }
        let (root, again) = (format!("{round} lost"), format!("{round} again"));
        assert_eq!(farm.via(&root, &targets)["a.1"], "built", "round {round}");
        assert_eq!(farm.via(&again, &targets)["a.1"], "memo", "round {round}");
        let makes = "x\n".repeat(round + 1);
        assert_eq!((out(&root), out(&again)), (makes.clone(), makes));
    }
}

#[test]
fn a_failure_is_not_remembered() {
    let farm = Farm::new();
    let good = farm.book.path("good");
    let script = farm.script('x', &format!("echo made > out; test -e '{}'", good.display()));
    let targets = json!([{"package": "a.1", "outputs": ["out"], "command": script}]);
    assert_eq!(farm.run("1", &targets).status, 1);
    assert_eq!(farm.run("2", &targets).status, 1);
    assert_eq!(farm.ran(), "xx");
    farm.write("good", "");
    assert_eq!(farm.via("3", &targets)["a.1"], "built");
    assert_eq!(farm.via("4", &targets)["a.1"], "memo");
}

#[test]
fn a_target_whose_command_does_not_make_an_output_fails() {
    let farm = Farm::new();
    let targets = json!([{"package": "a.1", "outputs": ["bin/x", "out"], "command": ["sh", "-c", "echo hi; echo > out"]}]);
    for root in ["1", "2"] {
        let ended = farm.run(root, &targets);
        let message = ended.json()["failures"][0]["message"].as_str().unwrap().to_owned();
        assert_eq!((ended.status, message.as_str()), (1, "the command did not make its output \"bin/x\""));
        let log = Ended::from(command(&farm.book.path(root)).args(["log", "a.1"]).output().unwrap()).stdout;
        assert_eq!(log, format!("hi\nbuildbook: {message}\n"));
    }
    // The same without a cache: what a plan says does not depend on how it is run.
    let plan = farm.book.plan_of(&json!({ "targets": targets }));
    assert_eq!(farm.book.batch(&plan).0, 1);
}

#[test]
fn an_input_that_changes_while_the_command_runs_fails_the_target() {
    let farm = Farm::new();
    farm.write("in", "one");
    let script = farm.script('x', "cp \"$BUILDBOOK_SOURCE/in\" out; echo two > \"$BUILDBOOK_SOURCE/in\"");
    let targets = json!([{"package": "a.1", "inputs": ["in"], "outputs": ["out"], "command": script}]);
    let ended = farm.run("1", &targets);
    let message = &ended.json()["failures"][0]["message"];
    assert_eq!(
        (ended.status, message),
        (1, &json!("its input \"in\" was changed while the batch was running"))
    );
    farm.write("in", "one");
    assert_eq!(farm.run("2", &targets).status, 1, "nothing of it was kept");
    assert_eq!(farm.ran(), "xx");
}

#[test]
fn a_plan_without_outputs_runs_as_before() {
    let farm = Farm::new();
    let targets = json!([{"package": "a.1", "command": farm.script('x', "echo made > file")}]);
    for (root, via) in [("1", "built"), ("1", "layer"), ("2", "built")] {
        assert_eq!(farm.via(root, &targets)["a.1"], via, "{root}");
    }
    assert_eq!(farm.ran(), "xx");
    assert_eq!(files(&farm.book.path("cache")), [] as [PathBuf; 0], "nothing was put into the cache");
}

#[test]
fn what_cannot_be_made_again_is_not_kept_and_said() {
    let farm = Farm::new();
    let targets =
        json!([{"package": "a.1", "outputs": ["."], "command": farm.script('x', "echo > f; mkfifo pipe")}]);
    for root in ["1", "2"] {
        let ended = farm.run(root, &targets);
        let words = "a.1: not kept for the memo: \"pipe\" is neither a file nor a folder nor a link";
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
    assert_eq!(farm.ran(), "xx");
}

#[test]
fn programs_that_use_a_cache_at_the_same_time_all_have_whole_results() {
    let farm = Farm::new();
    farm.write("lib.c", "int f;\n");
    // Each time something else: files of two runs must not be mixed.
    let mut targets = vec![];
    for number in 0..8 {
        let script = farm.script('x', "head -c 20 /dev/urandom | od -An -tx1 > a; cp a b; cp a c");
        targets.push(json!({"package": format!("p{number}.1"), "outputs": ["."], "command": script}));
    }
    let targets = json!(targets);
    let roots = ["1", "2", "3", "4"];
    let running: Vec<_> = roots
        .map(|root| {
            let mut command = farm.command(root, &targets);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .into_iter()
        .collect();
    for program in running {
        let ended = Ended::from(program.wait_with_output().unwrap());
        assert_eq!(ended.status, 0, "{}", ended.stderr);
    }
    let via = farm.via("5", &targets);
    assert!(via.values().all(|via| via == "memo"), "{via:?}");
    for root in roots.into_iter().chain(["5"]) {
        let found = farm.layers(root);
        let texts = |name: &str| -> Vec<String> {
            let named = found.iter().filter(|(path, _)| path.ends_with(format!("fs/{name}")));
            named.map(|(_, (_, text))| text.clone()).collect()
        };
        assert_eq!(
            texts("a").iter().collect::<BTreeSet<_>>().len(),
            8,
            "{root}: files of two targets are mixed"
        );
        assert!(texts("a") == texts("b") && texts("b") == texts("c"), "{root}: files of two runs are mixed");
    }
}

#[test]
fn a_cache_that_cannot_be_used_stops_nothing_but_says_so() {
    let farm = Farm::new();
    let targets = json!([{"package": "a.1", "outputs": ["out"], "command": farm.script('x', "echo > out")}]);
    std::fs::write(farm.book.path("cache"), "no folder").unwrap();
    farm.run("1", &targets).assert_error(2, "cannot make the folder of the memo");
    assert!(!farm.book.path("1").exists(), "nothing was begun");
    std::fs::remove_file(farm.book.path("cache")).unwrap();
    std::fs::create_dir(farm.book.path("cache")).unwrap();
    for name in ["objects", "entries", "running"] {
        std::fs::write(farm.book.path("cache").join(name), "no folder").unwrap();
    }
    let ended = farm.run("1", &targets);
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    assert_eq!(ended.json()["totals"]["built"], json!(1));
    assert!(ended.stderr.contains("a.1: not kept for the memo"), "{}", ended.stderr);
}

#[test]
fn somebody_who_holds_what_the_memo_remembers_keeps_no_batch_from_its_end() {
    let farm = Farm::new();
    farm.write("lib.c", "some");
    std::fs::create_dir(farm.book.path("cache")).unwrap();
    let held = std::fs::File::create(farm.book.path("cache/known.lock")).unwrap();
    held.lock().unwrap();
    let said = std::fs::File::create(farm.book.path("said")).unwrap();
    let mut batch = farm.command("one", &farm.targets());
    let mut batch = batch.stdout(said.try_clone().unwrap()).stderr(said).spawn().unwrap();
    let start = Instant::now();
    let status = loop {
        if let Some(status) = batch.try_wait().unwrap() {
            break status;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "it waits for the lock");
        std::thread::sleep(Duration::from_millis(10));
    };
    let said = std::fs::read_to_string(farm.book.path("said")).unwrap();
    assert_eq!(status.code(), Some(0), "{said}");
    let (report, told) = (said.find("\"totals\"").unwrap(), said.find("memo: not remembered: ").unwrap());
    assert!(report < told, "the run is at its end before: {said}");
    let runs = Ended::from(command(&farm.book.path("one")).args(["runs", "--json"]).output().unwrap()).json();
    assert_eq!(runs["runs"][0]["state"], "finished", "{runs}");
    assert!(!farm.book.path("cache/known").exists());
    drop(held);
    assert_eq!(farm.via("two", &farm.targets()), all_via("memo"), "what was kept is there");
    assert!(farm.book.path("cache/known").exists(), "and is remembered by the next");
}
