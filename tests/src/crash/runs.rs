//! The rows of `runlog`.

use anyhow::{Context as _, Result, bail, ensure};
use buildbook::fsio::op::Operation;
use buildbook::layout::{RunId, Timestamp};
use buildbook::runlog::{
    Counts, Event, EventKind, EventStatus, Node, Plan, Run, RunLog, RunRetention, RunState,
};

use super::prepared::{NOW, at, book, package, strangers, text};
use super::procedure::{Procedure, Recovered, State, World};
use crate::Tree;

const RUN: &str = "logs/runs/2026-03-09-125444";
const EVENTS: &str = "logs/runs/2026-03-09-125444/build.jsonl";
const PACKAGE: &str = "astring.0.8.5";

pub(super) fn procedures() -> Vec<Procedure> {
    let base = Procedure {
        touches: &["logs"],
        recover: |world| Ok(Recovered::of(&log(world).recover()?)),
        ..Procedure::PLAIN
    };
    let mut rows = Vec::from(starts_and_ends(&base));
    rows.extend(in_a_run(&base));
    rows.extend(upkeep(base));
    rows
}

fn starts_and_ends(base: &Procedure) -> [Procedure; 3] {
    let whole = Procedure {
        durable: true,
        // A run that was cut off stays, and says that it was.
        scratch: &[RUN],
        part: Some("the run is finished, and `latest` names the one before"),
        act: |world| {
            let run = log(world).start_run(at(NOW))?;
            finish(run, 5, at(NOW))
        },
        ..base.clone()
    };
    [
        Procedure {
            name: "start a run",
            covers: &[
                "runlog/start.rs start_run",
                "runlog/start.rs make_folder_of_runs",
                "runlog/start.rs lock_and_furnish",
            ],
            dead: &[RUN],
            prepare: first,
            act: |world| {
                // A run that was begun and is not finished would be dropped, as when a process dies.
                world.run = Some(log(world).start_run(at(NOW))?);
                Ok(())
            },
            look: |world| {
                latest_is_good(world)?;
                let runs = log(world).runs()?;
                ensure!(runs.problems.is_empty(), "{:?}", runs.problems);
                Ok(if runs.runs.iter().any(|run| run.state == RunState::InProgress) {
                    State::New
                } else {
                    State::Old
                })
            },
            ..base.clone()
        },
        Procedure {
            name: "start and finish a run",
            covers: &[
                "runlog/finish.rs write_summary",
                "runlog/finish.rs switch_latest",
                "runlog/start.rs lock_latest",
            ],
            prepare: first,
            look: finished,
            ..whole.clone()
        },
        Procedure {
            name: "start and finish the first run of a book",
            touches: &["book"],
            scratch: &["book/logs"],
            part: Some("the run is finished, and there is no `latest`"),
            act: |world| {
                let log = RunLog::at(buildbook::layout::Book::at(world.at("book")).logs());
                finish(log.start_run(at(NOW))?, 5, at(NOW))
            },
            prepare: |world| strangers(world, "book"),
            look: |world| {
                let log = RunLog::at(buildbook::layout::Book::at(world.at("book")).logs());
                match log.latest()? {
                    Some(latest) if log.state(&latest)? == RunState::Finished => Ok(State::New),
                    Some(latest) => bail!("`latest` names {latest}, which is not finished"),
                    None if log.runs()?.runs.iter().any(|run| run.state == RunState::Finished) => {
                        Ok(State::Part)
                    }
                    None => Ok(State::Old),
                }
            },
            recover: |world| {
                let log = RunLog::at(buildbook::layout::Book::at(world.at("book")).logs());
                Ok(Recovered::of(&log.recover()?))
            },
            ..whole
        },
    ]
}

fn in_a_run(base: &Procedure) -> [Procedure; 6] {
    // After a stop, the next process has a run of its own.
    let in_run = Procedure {
        touches: &[RUN],
        prepare: in_progress,
        recover: |world| {
            let folder = world.at(RUN);
            let mut all = Recovered::of(&log(world).recover()?);
            // What a writer who is alive could not remove stays until it has died.
            for folder in [folder.clone(), folder.join("build")] {
                let one = Recovered::of(&buildbook::atomic_swap::recover(&folder)?);
                all.clean &= one.clean;
                all.problems.extend(one.problems);
            }
            Ok(all)
        },
        ..base.clone()
    };
    [
        Procedure {
            name: "write a phase file",
            covers: &["runlog/run.rs write_dated"],
            act: |world| Ok(run(world)?.write_plan(&plan(2), at(NOW))?),
            look: |world| {
                latest_is_good(world)?;
                match log(world).plan(&newest(world)?)?.context("there is no plan")?.record.targets {
                    1 => Ok(State::Old),
                    2 => Ok(State::New),
                    other => bail!("the plan has {other} targets"),
                }
            },
            ..in_run.clone()
        },
        Procedure {
            name: "write the structure of the graph",
            covers: &["runlog/run.rs write_dag_structure"],
            act: |world| {
                let node =
                    |hash: u64| Node { hash: hash.to_string(), pkg: package(PACKAGE), deps: Vec::new() };
                let nodes: Vec<Node> = (0..2000).map(node).collect();
                Ok(run(world)?.write_dag_structure(&nodes)?)
            },
            look: |world| match log(world).dag_structure(&newest(world)?)?.nodes.len() {
                0 => Ok(State::Old),
                2000 => Ok(State::New),
                other => bail!("there are {other} nodes"),
            },
            ..in_run.clone()
        },
        Procedure {
            name: "log an event",
            covers: &["runlog/run.rs log_build_results"],
            dead: &[EVENTS],
            act: |world| Ok(run(world)?.log_build_result(&event("new"), at(NOW))?),
            look: events,
            ..in_run.clone()
        },
        Procedure {
            name: "log an event behind a torn line",
            dead: &[EVENTS],
            prepare: |world| {
                in_progress(world)?;
                Tree::create(world.root(), at(NOW))?.append(EVENTS, "{\"t\":\"2026-03-")
            },
            act: |world| Ok(run(world)?.log_build_result(&event("new"), at(NOW))?),
            look: events,
            ..in_run.clone()
        },
        Procedure {
            name: "copy a log to the run",
            covers: &["runlog/logs.rs copy_open"],
            act: |world| {
                let source = world.at("layer.log");
                ensure!(run(world)?.add_build_log(&package(PACKAGE), &source)?, "the log is not there");
                Ok(())
            },
            look: run_log,
            ..in_run.clone()
        },
        Procedure {
            name: "link a log to the run",
            covers: &["runlog/logs.rs link"],
            falls_back: &[Operation::HardLink],
            act: |world| {
                let source = world.at("layer.log");
                ensure!(run(world)?.link_build_log(&package(PACKAGE), &source)?, "the log is not there");
                Ok(())
            },
            look: run_log,
            ..in_run
        },
    ]
}

fn upkeep(base: Procedure) -> [Procedure; 2] {
    [
        Procedure {
            name: "prune runs",
            covers: &["runlog/prune.rs prune", "runlog/prune.rs take_out_of_sight"],
            durable: true,
            touches: &["logs/runs"],
            part: Some("some of the runs are gone"),
            prepare: |world| {
                strangers(world, "logs")?;
                for day in ["01", "02", "03", "04"] {
                    let start = at(&format!("2026-03-{day}T00:00:00Z"));
                    finish(log(world).start_run(start)?, 7, start)?;
                }
                Ok(())
            },
            act: |world| {
                let retention = RunRetention { keep_newest: Some(1), min_age: None };
                let pruned = log(world).prune(&retention, at(NOW))?;
                ensure!(pruned.problems.is_empty(), "{:?}", pruned.problems);
                Ok(())
            },
            look: |world| {
                latest_is_good(world)?;
                let runs = log(world).runs()?;
                ensure!(runs.problems.is_empty(), "{:?}", runs.problems);
                for run in &runs.runs {
                    ensure!(run.state == RunState::Finished, "{} is {:?}", run.id, run.state);
                    let summary = log(world).summary(&run.id)?.context("a run lost its summary")?;
                    ensure!(summary.packages_built == 7, "{} has another summary", run.id);
                }
                Ok(match runs.runs.len() {
                    4 => State::Old,
                    1 => State::New,
                    _ => State::Part,
                })
            },
            ..base.clone()
        },
        Procedure {
            name: "recover the runs",
            covers: &["runlog/list.rs recover"],
            touches: &["logs/runs"],
            gap: Some("it begins with leftovers"),
            prepare: |world| {
                first(world)?;
                drop(log(world).start_run(at(NOW))?);
                let tree = Tree::create(world.root(), at(NOW))?;
                tree.link("logs/.latest.tmp-bb0000000001", "runs/x")?;
                tree.file("logs/runs/.2026-03-01-000000.trash-bb0000000002/summary.json", "{")?;
                tree.file(format!("{RUN}/.summary.json.tmp-bb0000000003"), "{")?;
                tree.file(format!("{RUN}/build/.{PACKAGE}.log.tmp-bb0000000004"), "half")
            },
            act: |world| {
                let recovered = Recovered::of(&log(world).recover()?);
                ensure!(recovered.problems.is_empty(), "{:?}", recovered.problems);
                Ok(())
            },
            look: |world| {
                latest_is_good(world)?;
                let left = super::contents::leftovers(world.root())?;
                ensure!(left.is_empty(), "{left:?}");
                Ok(State::New)
            },
            ..base
        },
    ]
}

fn log(world: &World) -> RunLog {
    RunLog::at(book(world).logs())
}

/// A book with a run that was acknowledged as finished.
fn first(world: &mut World) -> Result<()> {
    strangers(world, "logs")?;
    let start = at("2026-03-08T00:00:00Z");
    finish(log(world).start_run(start)?, 7, start)
}

fn finish(run: Run, built: u64, now: Timestamp) -> Result<()> {
    let counts = Counts { packages_built: built, ..Counts::default() };
    run.finish_run(counts, now).map_err(|failed| anyhow::Error::new(failed.error))?;
    Ok(())
}

/// The run that is being written; another one after the death of its writer.
fn run(world: &mut World) -> Result<&Run> {
    if world.run.is_none() {
        world.run = Some(log(world).start_run(at(NOW))?);
    }
    world.run.as_ref().context("a run was just started")
}

fn newest(world: &World) -> Result<RunId> {
    Ok(log(world).runs()?.runs.pop().context("there are no runs")?.id)
}

/// `latest` names a finished run, and the first one is as it was acknowledged.
fn latest_is_good(world: &World) -> Result<RunId> {
    let log = log(world);
    let latest = log.latest()?.context("there is no `latest`")?;
    ensure!(log.state(&latest)? == RunState::Finished, "`latest` names {latest}, which is not finished");
    let summary = log.summary(&latest)?.context("the latest run has no summary")?;
    ensure!([5, 7].contains(&summary.packages_built), "the summary of {latest} is another one");
    Ok(latest)
}

fn finished(world: &World) -> Result<State> {
    let latest = latest_is_good(world)?;
    let runs = log(world).runs()?;
    ensure!(runs.problems.is_empty(), "{:?}", runs.problems);
    let first = &runs.runs.first().context("there are no runs")?.id;
    let done = runs.runs.iter().filter(|run| run.state == RunState::Finished).count();
    Ok(match (latest == *first, done) {
        (true, 1) => State::Old,
        (true, _) => State::Part,
        (false, _) => State::New,
    })
}

/// A run that is being written, and a log that is to be kept with it.
fn in_progress(world: &mut World) -> Result<()> {
    first(world)?;
    let run = log(world).start_run(at(NOW))?;
    run.write_plan(&plan(1), at(NOW))?;
    run.write_dag_structure(&[])?;
    run.log_build_result(&event("old"), at(NOW))?;
    world.run = Some(run);
    Tree::create(world.root(), at(NOW))?.file("layer.log", LOG)
}

/// The old event and behind it new ones; in the run of the next process only those.
fn events(world: &World) -> Result<State> {
    let events = log(world).events(&newest(world)?)?;
    let hashes: Vec<&str> = events.events.iter().map(|logged| logged.event.hash.as_str()).collect();
    match hashes.as_slice() {
        ["old"] => Ok(State::Old),
        ["old", new @ ..] | new if new.iter().all(|hash| *hash == "new") => Ok(State::New),
        other => bail!("the events are {other:?}"),
    }
}

fn plan(targets: u64) -> Plan {
    Plan { targets, ..Plan::default() }
}

fn event(hash: &str) -> Event {
    Event::new(EventKind::Build, package(PACKAGE), hash, EventStatus::Ok)
}

const LOG: &str = "all good\n";

fn run_log(world: &World) -> Result<State> {
    latest_is_good(world)?;
    ensure!(text(&world.at("layer.log"))?.as_deref() == Some(LOG), "the source has changed");
    let copy = log(world).tree().run(&newest(world)?).build_log(&package(PACKAGE));
    match text(&copy)?.as_deref() {
        None => Ok(State::Old),
        Some(LOG) => Ok(State::New),
        Some(other) => bail!("the log is {other:?}"),
    }
}
