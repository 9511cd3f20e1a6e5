//! What has to be on a disk after the power was cut.

use std::collections::{BTreeMap, HashSet};
use std::error::Error;
use std::fs;
use std::path::Path;

use buildbook::atomic_swap::{Recovery, find_leftovers, recover};
use buildbook::history::History;
use buildbook::layout::{Book, RunId};
use buildbook::runlog::{RunLog, RunState};
use buildbook::status_index;

use super::write::{NAMES, ROUND, number, numbered, platform, recorded_in};
use crate::package;

/// The files of a published folder.
pub(super) const FILES: [&str; 3] = ["one", "two", "below/three"];

/// What somebody was told is on the device: kind, name and number, in the order of telling.
pub(super) type Acknowledged = Vec<(String, String, String)>;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Adds what is lost to the list; an error is a loss as well.
type Check = fn(&Path, &Acknowledged, &mut Vec<String>) -> Result<()>;

/// Recovers, and tells what is lost, half there or in the way.
pub(super) fn losses(root: &Path, acknowledged: &Acknowledged) -> Vec<String> {
    let mut losses = Vec::new();
    let checks: [(&str, Check); 5] = [
        ("recovery", recovery),
        ("append", histories),
        ("file, link", replaced),
        ("folder", folders),
        ("run, status", runs),
    ];
    for (what, check) in checks {
        if let Err(error) = check(root, acknowledged, &mut losses) {
            losses.push(format!("{what}: {error}"));
        }
    }
    losses
}

/// Of each name of a kind, the highest number that was acknowledged.
fn newest<'a>(acknowledged: &'a Acknowledged, kind: &str) -> BTreeMap<&'a str, u32> {
    let mut newest = BTreeMap::new();
    for (_, name, n) in acknowledged.iter().filter(|(what, ..)| what == kind) {
        let n: u32 = n.parse().unwrap();
        newest.entry(name.as_str()).and_modify(|old| *old = n.max(*old)).or_insert(n);
    }
    newest
}

fn recovery(root: &Path, _: &Acknowledged, losses: &mut Vec<String>) -> Result<()> {
    let mut folders = vec![root.join("files"), root.join("links"), platform(root).path().to_owned()];
    for parent in [root.join("published"), platform(root).packages().path().to_owned()] {
        for entry in fs::read_dir(parent).into_iter().flatten() {
            folders.push(entry?.path());
        }
    }
    let mut done: Vec<Recovery> =
        folders.iter().map(|folder| recover(folder)).collect::<std::result::Result<_, _>>()?;
    done.push(RunLog::at(Book::at(root).logs()).recover()?);
    for one in done {
        losses.extend(
            one.problems.iter().map(|problem| format!("recovery: {problem}: {:?}", problem.source())),
        );
        losses.extend(one.busy.iter().map(|path| format!("recovery: {} is busy", path.display())));
    }
    for folder in folders.iter().filter(|folder| folder.exists()) {
        losses
            .extend(find_leftovers(folder)?.iter().map(|leftover| format!("recovery: {leftover:?} is left")));
    }
    Ok(())
}

fn histories(root: &Path, acknowledged: &Acknowledged, losses: &mut Vec<String>) -> Result<()> {
    let history = History::at(platform(root).packages());
    let mut expected: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (_, name, id) in acknowledged.iter().filter(|(what, ..)| what == "append") {
        // The even ones may have been compacted.
        if id.ends_with(['1', '3', '5', '7', '9']) {
            expected.entry(name).or_default().push(id);
        }
    }
    for (name, ids) in expected {
        let there: HashSet<String> =
            history.read(&package(name))?.entries.into_iter().filter_map(|entry| entry.error).collect();
        losses.extend(ids.iter().filter(|id| !there.contains(**id)).map(|id| format!("append: {name} {id}")));
        // The book is taken up again, and a torn end swallows nothing.
        history.append_synced(&package(name), &numbered("after", 1))?;
        let newest = history.newest(&package(name), 1)?.entries;
        if newest.first().and_then(|entry| entry.error.as_deref()) != Some("after 1") {
            losses.push(format!("append: {name} does not take another entry"));
        }
        history.read_latest(&package(name))?;
        history.read_blessed(&package(name))?;
    }
    Ok(())
}

/// What is there must be whole, acknowledged or not, and not older than what was acknowledged.
fn replaced(root: &Path, acknowledged: &Acknowledged, losses: &mut Vec<String>) -> Result<()> {
    let mut there: BTreeMap<String, Option<u32>> = BTreeMap::new();
    for entry in fs::read_dir(root.join("files"))? {
        let path = entry?.path();
        there.insert(name_of(&path), number(&fs::read_to_string(&path)?));
    }
    for entry in fs::read_dir(root.join("links"))? {
        let path = entry?.path();
        let target = fs::read_link(&path)?;
        there.insert(name_of(&path), target.to_str().and_then(|to| to.strip_prefix("to-")?.parse().ok()));
    }
    for name in there.iter().filter(|(_, n)| n.is_none()).map(|(name, _)| name) {
        losses.push(format!("{name} is half there"));
    }
    for (name, n) in [newest(acknowledged, "file"), newest(acknowledged, "link")].into_iter().flatten() {
        let found = there.get(name).copied().flatten();
        if found < Some(n) {
            losses.push(format!("{name} is {found:?}, and was {n}"));
        }
    }
    Ok(())
}

fn folders(root: &Path, acknowledged: &Acknowledged, losses: &mut Vec<String>) -> Result<()> {
    let mut there: BTreeMap<String, u32> = BTreeMap::new();
    for entry in fs::read_dir(root.join("published")).into_iter().flatten() {
        let path = entry?.path();
        let tree = path.join("tree");
        // The folder above it is made before there is anything in it.
        if !tree.exists() {
            continue;
        }
        let numbers =
            FILES.map(|file| fs::read_to_string(tree.join(file)).ok().and_then(|text| number(&text)));
        match numbers {
            [Some(n), two, three] if two == Some(n) && three == Some(n) => {
                there.insert(name_of(&path), n);
            }
            mixed => losses.push(format!("{} is half there: {mixed:?}", name_of(&path))),
        }
    }
    // What is recorded of a round was published before, told or not.
    if let Some(recorded) = newest_round(root)? {
        for name in ROUND {
            let found = there.get(name).copied();
            if found < Some(recorded) {
                losses.push(format!("{name} is {found:?}, and round {recorded} is recorded"));
            }
        }
    }
    for (name, n) in newest(acknowledged, "folder") {
        let found = there.get(name).copied();
        if found < Some(n) {
            losses.push(format!("{name} is {found:?}, and was {n}"));
        }
    }
    Ok(())
}

/// The newest round that a history tells of.
fn newest_round(root: &Path) -> Result<Option<u32>> {
    let history = History::at(platform(root).packages());
    let mut newest = None;
    for name in (0..NAMES).map(recorded_in) {
        let errors = history.read(&package(&name))?.entries.into_iter().filter_map(|entry| entry.error);
        newest = newest.max(errors.filter_map(|error| error.strip_prefix("round ")?.parse().ok()).max());
    }
    Ok(newest)
}

fn runs(root: &Path, acknowledged: &Acknowledged, losses: &mut Vec<String>) -> Result<()> {
    let log = RunLog::at(Book::at(root).logs());
    let all = log.runs()?;
    losses.extend(all.problems.iter().map(|problem| format!("runs: {problem}")));
    let finished = newest(acknowledged, "run");
    for (name, n) in &finished {
        let id: RunId = name.parse()?;
        let built = log.summary(&id)?.map(|summary| summary.packages_built);
        if log.state(&id)? != RunState::Finished || built != Some(u64::from(*n)) {
            losses.push(format!("run {name} is {:?}, {built:?}", log.state(&id)?));
        }
        log.dag_structure(&id)?;
        log.events(&id)?;
    }
    let last = finished.keys().next_back().map(|name| name.parse::<RunId>()).transpose()?;
    let latest = log.latest()?;
    if latest < last {
        losses.push(format!("latest is {latest:?}, and was {last:?}"));
    }
    let last =
        newest(acknowledged, "status").keys().next_back().map(|name| name.parse::<RunId>()).transpose()?;
    let status = status_index::read(platform(root).path())?.and_then(|status| status.run());
    if status < last {
        losses.push(format!("the status is of {status:?}, and was of {last:?}"));
    }
    Ok(())
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}
