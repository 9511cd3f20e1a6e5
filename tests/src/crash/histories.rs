//! The rows of `history`.

use anyhow::{Context as _, Result, bail, ensure};
use buildbook::atomic_swap::recover;
use buildbook::history::{History, Retention};

use super::prepared::{NOW, at, entry, package, platform, strangers, text, tree};
use super::procedure::{Procedure, Recovered, State, World};

const PACKAGE: &str = "astring.0.8.5";
const FILE: &str = "p/packages/astring.0.8.5/history.jsonl";
const ASIDE: &str = "p/packages/astring.0.8.5/history.unreadable";

pub(super) fn procedures() -> Vec<Procedure> {
    let base = Procedure {
        touches: &["p/packages/astring.0.8.5"],
        recover: |world| Ok(Recovered::of(&recover(&world.at("p/packages/astring.0.8.5"))?)),
        ..Procedure::PLAIN
    };
    vec![
        Procedure {
            name: "append a first entry, and make the folders",
            covers: &["history/append.rs make_file"],
            durable: true,
            touches: &["p/packages"],
            // A file without a line is a history without an entry.
            scratch: &["p/packages"],
            prepare: |world| strangers(world, "p"),
            act: |world| {
                history(world).append_synced(&package(PACKAGE), &entry("new", NOW))?;
                Ok(())
            },
            look: |world| entries(world, &[]),
            ..base.clone()
        },
        Procedure {
            name: "append an entry behind a torn line",
            durable: true,
            unsynced: &[FILE, "p/packages/astring.0.8.5"],
            dead: &[FILE],
            prepare: |world| fill(world, "{\"ts\":\"2026-03-"),
            act: |world| {
                history(world).append_synced(&package(PACKAGE), &entry("new", NOW))?;
                Ok(())
            },
            look: |world| entries(world, &DAYS),
            ..base.clone()
        },
        Procedure {
            name: "append entries of a group of callers",
            durable: true,
            unsynced: &[FILE, "p/packages/astring.0.8.5"],
            dead: &[FILE],
            prepare: |world| fill(world, "{\"ts\":\"2026-03-"),
            act: |world| {
                history(world).group_appender(&package(PACKAGE)).append_synced(&entry("new", NOW))?;
                Ok(())
            },
            look: |world| entries(world, &DAYS),
            ..base.clone()
        },
        Procedure {
            name: "append several entries, cached",
            dead: &[FILE],
            part: Some("the first of them, where the process dies while it writes"),
            prepare: |world| fill(world, ""),
            act: |world| {
                history(world).append_all(&package(PACKAGE), &[entry("new", NOW), entry("new", NOW)])?;
                Ok(())
            },
            look: |world| match tags(world)?.len().saturating_sub(DAYS.len()) {
                1 => Ok(State::Part),
                _ => entries(world, &DAYS),
            },
            ..base.clone()
        },
        Procedure {
            name: "compact a history",
            covers: &["history/rewrite.rs lock_and_read", "history/rewrite.rs rewrite"],
            durable: true,
            prepare: |world| fill(world, "torn"),
            act: |world| {
                history(world).compact(&package(PACKAGE), &Retention::days(30), at(NOW))?;
                Ok(())
            },
            look: |world| {
                let tags = tags(world)?;
                match tags.as_slice() {
                    tags if *tags == DAYS => Ok(State::Old),
                    [first, last] if *first == DAYS[0] && *last == DAYS[3] => Ok(State::New),
                    tags => bail!("the entries are {tags:?}"),
                }
            },
            ..base.clone()
        },
        Procedure {
            name: "set broken lines aside",
            covers: &["history/set_aside.rs move_to"],
            durable: true,
            // It only grows; what is in it is looked at.
            scratch: &[ASIDE],
            part: Some("the lines are in both files, and are moved again"),
            prepare: |world| fill(world, "torn"),
            act: |world| {
                history(world).set_broken_lines_aside(&package(PACKAGE))?;
                Ok(())
            },
            look: |world| {
                entries(world, &DAYS)?;
                let aside = text(&world.at(ASIDE))?.unwrap_or_default();
                ensure!(aside.lines().all(|line| "torn".starts_with(line)), "{aside:?} was set aside");
                let is_here = text(&world.at(FILE))?.context("the history is gone")?.contains("torn");
                match (is_here, aside.lines().any(|line| line == "torn")) {
                    (true, false) => Ok(State::Old),
                    (true, true) => Ok(State::Part),
                    (false, true) => Ok(State::New),
                    (false, false) => bail!("the broken line is lost"),
                }
            },
            ..base
        },
    ]
}

/// What is acknowledged before, the oldest first.
const DAYS: [&str; 4] = ["1", "2", "3", "4"];

fn history(world: &World) -> History {
    History::at(platform(world).packages())
}

fn fill(world: &mut World, torn: &str) -> Result<()> {
    let tree = tree(world, "p/packages")?;
    tree.file("p/packages/bos.0.2.1/history.jsonl", "{}\n")?;
    for day in DAYS {
        let line = serde_json::to_string(&entry(day, &format!("2020-01-0{day}T00:00:00Z")))?;
        tree.append(FILE, line + "\n")?;
    }
    tree.append(FILE, torn)
}

/// The error texts of all entries, the oldest first.
fn tags(world: &World) -> Result<Vec<String>> {
    let read = history(world).read(&package(PACKAGE))?;
    let mut tags: Vec<String> =
        read.entries.into_iter().map(|entry| entry.error.unwrap_or_default()).collect();
    tags.reverse();
    Ok(tags)
}

/// Everything that was acknowledged, and behind it new entries or none.
fn entries(world: &World, before: &[&str]) -> Result<State> {
    let tags = tags(world)?;
    ensure!(tags.get(..before.len()).is_some_and(|tags| tags == before), "entries are lost: {tags:?}");
    let behind = tags.get(before.len()..).unwrap_or_default();
    ensure!(behind.iter().all(|tag| tag == "new"), "the entries are {tags:?}");
    Ok(if behind.is_empty() { State::Old } else { State::New })
}
