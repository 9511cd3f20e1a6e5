//! Runs that were cut off, and links that lead nowhere.

use anyhow::Result;

use super::sound::{self, RUN};
use super::{ALL, Case, Part};
use crate::Tree;

/// A run after the finished one.
const CUT_OFF: &str = "logs/runs/2026-03-03-050000";
const EVENT: &str = r#"{"t":"2026-03-03T05:10:00","kind":"build","pkg":"anvil.1.2.0","hash":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","status":"ok"}"#;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "corrupt_progress",
        about: "a run in flight whose progress was cut off",
        answer: "it is reported as corrupt; the run is listed",
        entries: ALL,
        problems: &[Part::Progress],
        write: corrupt_progress,
    },
    Case {
        name: "corrupt_summary",
        about: "a summary that was cut off",
        answer: "the run is listed, its summary reported as corrupt",
        entries: ALL,
        problems: &[Part::Runs],
        write: corrupt_summary,
    },
    Case {
        name: "run_without_summary",
        about: "a run that was cut off: events, no summary, no process",
        answer: "it is listed; whether it still runs cannot be known, because the original keeps no lock",
        entries: ALL,
        problems: &[],
        write: without_summary,
    },
    Case {
        name: "empty_run",
        about: "the folder of a run with nothing in it",
        answer: "it is listed like one without a summary",
        entries: ALL,
        problems: &[],
        write: empty,
    },
    Case {
        name: "torn_events",
        about: "the last event was cut off",
        answer: "the events before it are read, and the reader can tell that something was cut off",
        entries: ALL,
        problems: &[],
        write: torn_events,
    },
    Case {
        name: "interrupted_run",
        about: "a run of ours whose process died: its lock is there and nobody holds it",
        answer: "it is listed as interrupted, with the events that it has",
        entries: ALL,
        problems: &[],
        write: interrupted,
    },
    Case {
        name: "two_runs_in_one_second",
        about: "three runs of one second: by the original's name, by ours, by an older suffix",
        answer: "all are listed, in the order of their suffixes",
        entries: ALL,
        problems: &[],
        write: one_second,
    },
    Case {
        name: "latest_dangling",
        about: "the link to the newest run names one that is gone",
        answer: "it is reported or ignored; the newest run is found by its name",
        entries: ALL,
        problems: &[],
        write: latest_dangling,
    },
    Case {
        name: "latest_is_a_folder",
        about: "a folder where the link to the newest run should be",
        answer: "it is reported or ignored, and never replaced",
        entries: ALL,
        problems: &[],
        write: latest_is_a_folder,
    },
    Case {
        name: "log_links_dangling",
        about: "logs of a run that are links to a layer that was removed",
        answer: "the log is said to be gone; the run is read",
        entries: ALL,
        problems: &[],
        write: log_links_dangling,
    },
];

fn without_summary(tree: &mut Tree) -> Result<()> {
    empty(tree)?;
    tree.file(format!("{CUT_OFF}/build.jsonl"), format!("{EVENT}\n"))
}

fn empty(tree: &mut Tree) -> Result<()> {
    sound::write(tree)?;
    tree.folder(format!("{CUT_OFF}/build"))?;
    tree.folder(format!("{CUT_OFF}/docs"))
}

fn interrupted(tree: &mut Tree) -> Result<()> {
    without_summary(tree)?;
    // The writer's process and when it began, as it describes itself in the lock that it holds.
    tree.file(format!("{CUT_OFF}/writer.lock"), "4001\n1772514000\n")
}

fn corrupt_progress(tree: &mut Tree) -> Result<()> {
    without_summary(tree)?;
    tree.file(format!("{CUT_OFF}/progress.json"), r#"{ "run_id": "2026-03-03-050000", "start_time": "2026-"#)
}

fn corrupt_summary(tree: &mut Tree) -> Result<()> {
    sound::write(tree)?;
    tree.file(format!("{RUN}/summary.json"), "{\n  \"run_id\": \"2026-03-02-060000\",\n  \"start_ti")
}

fn torn_events(tree: &mut Tree) -> Result<()> {
    without_summary(tree)?;
    tree.append(format!("{CUT_OFF}/build.jsonl"), r#"{"t":"2026-03-03T05:1"#)
}

fn one_second(tree: &mut Tree) -> Result<()> {
    sound::write(tree)?;
    for suffix in ["-2", "-010"] {
        tree.file(format!("{RUN}{suffix}/build.jsonl"), format!("{EVENT}\n"))?;
    }
    Ok(())
}

fn latest_dangling(tree: &mut Tree) -> Result<()> {
    sound::write(tree)?;
    tree.remove("logs/latest")?;
    tree.link("logs/latest", "runs/2026-02-01-060000")
}

fn latest_is_a_folder(tree: &mut Tree) -> Result<()> {
    sound::write(tree)?;
    tree.remove("logs/latest")?;
    tree.file("logs/latest/notes", "somebody keeps notes here\n")
}

fn log_links_dangling(tree: &mut Tree) -> Result<()> {
    sound::write(tree)?;
    let log = format!("{RUN}/build/anvil.1.2.0.log");
    tree.remove(&log)?;
    tree.link(log, "/nonexistent/build-aaaaaaaaaaaa/layer.log")?;
    tree.link(format!("{RUN}/docs/anvil.1.2.0.log"), "anvil.1.2.0.log")
}
