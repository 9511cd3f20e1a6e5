//! The rows of `build-lock`.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use buildbook::build_lock::{BuildLocks, Holder, LockName};
use buildbook::layout::Timestamp;

use super::prepared::{NOW, at, book, package, strangers, tree};
use super::procedure::{Procedure, Recovered, State, World};

const STALE: [&str; 3] = ["locks/build-a.1.lock", "locks/build-b.1.lock", "locks/build-c.1.lock"];

pub(super) fn procedures() -> Vec<Procedure> {
    let base = Procedure { touches: &["locks"], recover: clean_up, ..Procedure::PLAIN };
    let take = Procedure {
        name: "take, describe and give back a build lock",
        covers: &["build-lock/locks.rs acquire", "build-lock/locks.rs prepare", "build-lock/guard.rs write"],
        // The folder stays once it is made.
        scratch: &["locks"],
        prepare: |world| strangers(world, "p"),
        act: |world| build(world, |locks, name, holder| Ok(locks.acquire(name, holder)?)),
        look: nobody_builds,
        ..base.clone()
    };
    vec![
        Procedure {
            name: "try to take a build lock",
            covers: &["build-lock/locks.rs try_acquire"],
            act: |world| {
                build(world, |locks, name, holder| locks.try_acquire(name, holder)?.context("it is held"))
            },
            ..take.clone()
        },
        Procedure {
            name: "wait for a build lock with a limit",
            covers: &["build-lock/locks.rs acquire_within"],
            act: |world| {
                build(world, |locks, name, holder| {
                    let limit = Duration::from_secs(60);
                    locks.acquire_within(name, holder, limit)?.context("it is held")
                })
            },
            ..take.clone()
        },
        take,
        Procedure {
            name: "clean up stale locks",
            covers: &["build-lock/clean.rs clean"],
            prepare: |world| {
                let tree = tree(world, "locks")?;
                STALE.iter().try_for_each(|path| tree.file(path, "42\n1773060884\n"))
            },
            act: |world| {
                let recovered = clean_up(world)?;
                ensure!(recovered.problems.is_empty(), "{:?}", recovered.problems);
                Ok(())
            },
            look: |world| {
                nobody_builds(world)?;
                let left = STALE.iter().filter(|path| world.at(path).exists()).count();
                Ok(match left {
                    0 => State::New,
                    3 => State::Old,
                    _ => State::Part,
                })
            },
            ..base
        },
    ]
}

fn build(
    world: &World,
    take: impl Fn(&BuildLocks, &LockName, &Holder) -> Result<buildbook::build_lock::BuildLock>,
) -> Result<()> {
    let mut lock = take(&locks(world), &LockName::build(&package("a.1")), &Holder::since(at(NOW)))?;
    lock.set_temp_log_path("/tmp/a.log".as_ref())?;
    lock.set_layer(&"build-0123456789ab".parse()?)?;
    Ok(lock.release()?)
}

fn locks(world: &World) -> BuildLocks {
    BuildLocks::at(book(world).locks())
}

/// Whatever has happened to builders that are gone, nobody is taken for building, and the lock can be had.
fn nobody_builds(world: &World) -> Result<State> {
    let active = locks(world).list_active()?;
    ensure!(active.locks.is_empty(), "somebody is taken for building: {:?}", active.locks);
    let path = locks(world).path(&LockName::build(&package("a.1")));
    let probe = buildbook::fsio::probe(&path)?;
    ensure!(!matches!(probe, buildbook::fsio::Probe::Held { .. }), "the lock is held");
    Ok(State::New)
}

fn clean_up(world: &World) -> Result<Recovered> {
    // Files of this moment are clean too: every builder is gone.
    let now = Timestamp::now();
    let cleaned = locks(world).cleanup_stale(Duration::ZERO, now)?;
    let kept = cleaned.kept.iter().map(|kept| format!("{}: {}", kept.path.display(), kept.reason));
    let problems = cleaned.problems.iter().map(ToString::to_string);
    let problems: Vec<String> = kept.chain(problems).collect();
    Ok(Recovered { clean: cleaned.removed.is_empty() && problems.is_empty(), problems })
}
