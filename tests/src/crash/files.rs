//! The rows of `progress` and `status-index`: one small file each.

use anyhow::{Context as _, Result, bail, ensure};
use buildbook::atomic_swap::{recover, replace_file};
use buildbook::history::History;
use buildbook::layout::PackagesTree;
use buildbook::progress::{self, Phase, Progress};
use buildbook::status_index::{self, Cache, Durability, Generated, Status};

use super::prepared::{NOW, at, entry, strangers};
use super::procedure::{Procedure, Recovered, State, World};

const RUN: &str = "logs/runs/2026-03-09-125444";

pub(super) fn procedures() -> Vec<Procedure> {
    let base = Procedure {
        touches: &["logs/runs/2026-03-09-125444/progress.json"],
        prepare: |world| {
            strangers(world, RUN)?;
            write_progress(world, 1)
        },
        recover: |world| Ok(Recovered::of(&recover(&world.at(RUN))?)),
        ..Procedure::PLAIN
    };
    vec![
        Procedure {
            name: "write the progress",
            covers: &["progress/file.rs write"],
            act: |world| write_progress(world, 2),
            look: |world| match progress::read(&world.at(RUN))?.context("it is gone")?.build_completed {
                1 => Ok(State::Old),
                2 => Ok(State::New),
                other => bail!("{other} builds have ended"),
            },
            ..base.clone()
        },
        Procedure {
            name: "delete the progress",
            covers: &["progress/file.rs delete"],
            act: |world| Ok(progress::delete(&world.at(RUN))?),
            look: |world| match progress::read(&world.at(RUN))?.map(|progress| progress.build_completed) {
                None => Ok(State::New),
                Some(1) => Ok(State::Old),
                Some(other) => bail!("{other} builds have ended"),
            },
            ..base.clone()
        },
        Procedure {
            name: "write the index",
            covers: &["status-index/file.rs write"],
            durable: true,
            touches: &["p/status.json"],
            prepare: |world| {
                strangers(world, "p")?;
                Ok(status_index::write(&world.at("p"), &status("2026-03-08-000000"), Durability::Cached)?)
            },
            act: |world| {
                Ok(status_index::write(&world.at("p"), &status("2026-03-09-125444"), Durability::Synced)?)
            },
            look: |world| match status_index::read(&world.at("p"))?.context("it is gone")? {
                seen if seen == status("2026-03-08-000000") => Ok(State::Old),
                seen if seen == status("2026-03-09-125444") => Ok(State::New),
                seen => bail!("the status is {seen:?}"),
            },
            recover: |world| Ok(Recovered::of(&recover(&world.at("p"))?)),
            ..base.clone()
        },
        Procedure {
            name: "remember the histories, cached",
            covers: &["status-index/cache.rs write"],
            touches: &["p/status.cache"],
            prepare: |world| {
                strangers(world, "p")?;
                let history = History::at(PackagesTree::at(world.at("p/packages")));
                history.append(&"astring.0.8.5".parse()?, &entry("old", NOW))?;
                Ok(replace_file(&world.at("p/status.cache"), OLD_CACHE, Durability::Cached)?)
            },
            act: |world| {
                let mut cache = Cache::read(&world.at("p"));
                index(world, &mut cache)?;
                Ok(cache.write(&world.at("p"))?)
            },
            look: |world| {
                let mut cache = Cache::read(&world.at("p"));
                let state = match std::fs::read(world.at("p/status.cache"))? == OLD_CACHE {
                    true => State::Old,
                    false if cache.is_empty() => bail!("half of it is there"),
                    false => State::New,
                };
                let standings = index(world, &mut cache)?.standings.len();
                ensure!(standings == 1, "{standings} packages stand somewhere");
                Ok(state)
            },
            recover: |world| Ok(Recovered::of(&recover(&world.at("p"))?)),
            ..base
        },
    ]
}

fn write_progress(world: &World, completed: u64) -> Result<()> {
    let run = "2026-03-09-125444".parse()?;
    let mut progress = Progress::create(run, "2026-03-09T12:54:44", ["astring.0.8.5"])
        .set_phase(Phase::Building)
        .set_build_total(9)
        .set_completed(completed, 0);
    Ok(progress::write(&world.at(RUN), &mut progress, at(NOW))?)
}

/// A cache of another version, say.
const OLD_CACHE: &[u8] = b"old";

fn index(world: &World, cache: &mut Cache) -> Result<Generated> {
    let history = History::at(PackagesTree::at(world.at("p/packages")));
    let run = "2026-03-09-125444".parse()?;
    Ok(status_index::generate_incremental(&history, &run, None, at(NOW), cache)?)
}

fn status(run: &str) -> Status {
    Status {
        generated: NOW.to_owned(),
        run_id: run.to_owned(),
        blessed_totals: [(buildbook::layout::Category::new("success"), 3)].into(),
        non_blessed_totals: Default::default(),
        changes: Vec::new(),
        new_packages: Vec::new(),
        version: status_index::VERSION,
        since: None,
    }
}
