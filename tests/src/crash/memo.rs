//! The rows of `memo`.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail, ensure};
use buildbook::atomic_swap::find_leftovers;
use buildbook::fsio::op::Operation;
use buildbook::memo::{
    Clock, Error, Feedback, Memo, Settings, Tool, TrimPolicy, execute_trim, plan_trim, survey_cache,
};
use sha2::{Digest as _, Sha256};

use super::prepared::{strangers, text, tree, write};
use super::procedure::{Procedure, Recovered, State, World};

/// By this clock, every file was changed just now, so that no digest is worth remembering.
const EARLY: Clock = || UNIX_EPOCH;
/// By this one, none was.
const LATE: Clock = || UNIX_EPOCH + Duration::from_secs(2_000_000_000);

/// What cannot be removed from the staging area at once goes with it.
const STAGED: &[Operation] = &[Operation::Unlink];

pub(super) fn procedures() -> Vec<Procedure> {
    let base = Procedure {
        // The cache is no part of the book, and has names that chance decides. `look` reads all of it.
        scratch: &["cache"],
        prepare: |world| strangers(world, "b"),
        look: |world| {
            sound(world)?;
            made(world, "b/out", "new\n")
        },
        recover: next_build,
        ..Procedure::PLAIN
    };
    let run = Procedure {
        name: "run a process and remember what it gave",
        covers: &[
            "memo/execute/spawn.rs run",
            "memo/execute/mod.rs remove_old",
            "memo/cache/mod.rs session",
            "memo/cache/mod.rs settle",
            "memo/cache/mod.rs enter",
            "memo/cache/objects.rs keep_bytes",
            "memo/cache/session.rs start",
            "memo/cache/session.rs stage",
            "memo/cache/session.rs capture",
            "memo/cache/session.rs end",
            "memo/cache/session.rs drop",
        ],
        touches: &["b/out"],
        falls_back: STAGED,
        act: |world| build(world, EARLY, process),
        ..base.clone()
    };
    vec![
        Procedure {
            name: "take what a process gave out of the cache",
            covers: &["memo/cache/place.rs place"],
            prepare: |world| {
                strangers(world, "b")?;
                build(world, EARLY, process)?;
                Ok(std::fs::remove_file(world.at("b/out"))?)
            },
            ..run.clone()
        },
        Procedure {
            name: "drop what is damaged in the cache, and make it again",
            covers: &["memo/cache/mod.rs drop_entry", "memo/cache/objects.rs drop_object"],
            touches: &["b/made"],
            falls_back: STAGED,
            prepare: |world| {
                strangers(world, "b")?;
                build(world, EARLY, function)?;
                std::fs::remove_file(world.at("b/made"))?;
                let [object] = <[PathBuf; 1]>::try_from(files(world, "objects")?)
                    .map_err(|found| anyhow::anyhow!("{found:?}"))?;
                std::fs::remove_file(&object)?;
                write(&object, "junk")
            },
            act: |world| build(world, EARLY, function),
            look: |world| made(world, "b/made", "by a function\n"),
            ..base.clone()
        },
        Procedure {
            name: "write and copy files, and make a folder",
            covers: &["memo/cache/place.rs write", "memo/execute/files.rs make_folder"],
            touches: &["b/in"],
            scratch: &["cache", "b/in"],
            part: Some("each of the files is there or not"),
            act: |world| {
                build(world, EARLY, |memo| {
                    let _written = memo.write("in/written", "new\n").start();
                    let _copied = memo.copy("in/written", "in/copied").start();
                    let _folder = memo.mkdir("in/folder");
                })
            },
            look: |world| {
                sound(world)?;
                let written = made(world, "b/in/written", "new\n")?;
                let copied = made(world, "b/in/copied", "new\n")?;
                ensure!(copied <= written, "a copy is there before what it is of");
                let folder = world.at("b/in/folder").is_dir();
                Ok(match (written, copied, folder) {
                    (State::New, State::New, true) => State::New,
                    (State::Old, State::Old, false) => State::Old,
                    _ => State::Part,
                })
            },
            ..base.clone()
        },
        Procedure {
            name: "remember digests and entries for later builds",
            covers: &[
                "memo/cache/mod.rs lock_remembered",
                "memo/cache/known.rs remember_known",
                "memo/cache/recent.rs remember_recent",
            ],
            part: Some("one of the two is remembered, and the other is not"),
            prepare: |world| {
                strangers(world, "b")?;
                build(world, EARLY, process)
            },
            act: |world| build(world, LATE, process),
            look: |world| {
                sound(world)?;
                ensure!(made(world, "b/out", "new\n")? == State::New, "the file is gone");
                match ["cache/known", "cache/recent"].map(|name| world.at(name).exists()) {
                    [true, true] => Ok(State::New),
                    [false, false] => Ok(State::Old),
                    _ => Ok(State::Part),
                }
            },
            ..base.clone()
        },
        Procedure {
            name: "clean up after a build that died",
            covers: &[
                "memo/cache/mod.rs clean",
                "memo/cache/session.rs clean",
                "memo/cache/session.rs take_dead",
                "memo/cache/session.rs kill_and_take",
            ],
            gap: Some("it begins with what the build has left"),
            prepare: |world| {
                let tree = tree(world, "b")?;
                for name in [
                    "running/1-0/lock",
                    "running/1-0/output-0",
                    "running/1-0/staged-1",
                    ".known.tmp-bb0000000001",
                ] {
                    tree.file(Path::new("cache").join(name), "")?;
                }
                Ok(())
            },
            // Only what needs the area is kept from going on when that cannot be cleaned up.
            act: |world| {
                let recovered = next_build(world)?;
                ensure!(recovered.problems.is_empty(), "{:?}", recovered.problems);
                ensure!(is_clean(world)?, "something of the dead build is left");
                Ok(())
            },
            look: |world| {
                sound(world)?;
                Ok(State::New)
            },
            ..base.clone()
        },
        Procedure {
            name: "trim a cache",
            covers: &["memo/trim/execute.rs execute_trim", "memo/trim/execute.rs remove"],
            part: Some("some entries are gone, and payloads that nothing needs"),
            prepare: |world| {
                strangers(world, "b")?;
                build(world, EARLY, process)?;
                build(world, EARLY, function)
            },
            act: |world| {
                let survey = survey_cache(world.at("cache"))?;
                let policy = TrimPolicy { max_bytes: 0, min_age: Duration::ZERO };
                let result = execute_trim(&plan_trim(survey, &policy, LATE()))?;
                ensure!(result.problems.is_empty() && result.used_since == 0, "{result:?}");
                Ok(())
            },
            look: |world| {
                sound(world)?;
                for (name, expected) in [("b/out", "new\n"), ("b/made", "by a function\n")] {
                    ensure!(made(world, name, expected)? == State::New, "{name} is gone");
                }
                match (files(world, "entries")?.len(), files(world, "objects")?.len()) {
                    (0, 0) => Ok(State::New),
                    (2, 3) => Ok(State::Old),
                    _ => Ok(State::Part),
                }
            },
            ..base
        },
        run,
    ]
}

/// Builds, and takes everything for an error that is told.
fn build(world: &World, clock: Clock, ask: impl FnOnce(&Memo)) -> Result<()> {
    let settings = Settings::new(world.at("b"), clock).cache(world.at("cache"));
    let mut memo = Memo::new(settings);
    let problems: Rc<RefCell<Vec<String>>> = Rc::default();
    let seen = Rc::clone(&problems);
    memo.on_feedback(move |feedback| match feedback {
        // This one is the occasion for a row.
        Feedback::OpCacheProblem { error: Error::Damaged { .. }, .. } => {}
        Feedback::OpCacheProblem { error, .. } | Feedback::Upkeep { error } => {
            seen.borrow_mut().push(error.to_string());
        }
        _ => {}
    });
    ask(&memo);
    let report = memo.finish();
    drop(memo);
    report.into_result()?;
    ensure!(problems.borrow().is_empty(), "{:?}", problems.borrow());
    Ok(())
}

fn process(memo: &Memo) {
    let sh = memo.tool(Tool::installed("/bin/sh"));
    let _running = memo.spawn(sh.cmd().args(["-c", "echo new > out; echo said"])).writes(["out"]).start();
}

fn function(memo: &Memo) {
    let _running = memo.write_with("made", "salt", || Ok(b"by a function\n".to_vec())).start();
}

/// What the next build does, whatever it builds.
fn next_build(world: &World) -> Result<Recovered> {
    let clean = is_clean(world)?;
    build(world, EARLY, |memo| {
        memo.file_ready("README.old");
        let _read = memo.read("README.old");
    })?;
    let problems = if is_clean(world)? { Vec::new() } else { vec!["something is left".to_owned()] };
    Ok(Recovered { clean, problems })
}

fn is_clean(world: &World) -> Result<bool> {
    let cache = world.at("cache");
    let is_left = std::fs::read_dir(cache.join("running")).is_ok_and(|mut areas| areas.next().is_some());
    Ok(!is_left && (!cache.exists() || find_leftovers(&cache)?.is_empty()))
}

/// A file that nobody has, or that has what it shall have.
fn made(world: &World, name: &str, expected: &str) -> Result<State> {
    match text(&world.at(name))?.as_deref() {
        None => Ok(State::Old),
        Some(text) if text == expected => Ok(State::New),
        Some(text) => bail!("{name} has {text:?}"),
    }
}

/// Every payload is what its name says, and every entry is whole and has its payloads.
fn sound(world: &World) -> Result<()> {
    for object in files(world, "objects")? {
        let bytes = std::fs::read(&object)?;
        ensure!(object.ends_with(digest(&bytes)), "{} is something else", object.display());
    }
    for entry in files(world, "entries")? {
        let text = std::fs::read_to_string(&entry)?;
        let (line, sum) = text.split_once('\n').context("an entry without an end")?;
        ensure!(sum.trim_end() == digest(line.as_bytes()), "{} is torn", entry.display());
        let value: serde_json::Value = serde_json::from_str(line)?;
        let writes = value["writes"].as_array().context("an entry without writes")?;
        for blob in writes.iter().chain(value.get("output")) {
            let name = blob["digest"].as_str().context("a payload without a digest")?;
            let path = world.at("cache/objects").join(name.get(..2).unwrap_or_default()).join(name);
            ensure!(path.exists(), "{} has lost {name}", entry.display());
        }
    }
    Ok(())
}

fn files(world: &World, part: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let folder = world.at("cache").join(part);
    for entry in walkdir::WalkDir::new(&folder).sort_by_file_name() {
        match entry {
            Ok(entry) if !entry.file_type().is_dir() => found.push(entry.into_path()),
            Ok(_) => {}
            Err(_) if !folder.exists() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
