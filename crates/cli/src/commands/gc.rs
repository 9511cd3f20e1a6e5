//! `gc`: what on disk can go.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::time::Duration;

use anyhow::Context as _;
use buildbook::build_lock::{BuildLocks, list_active_layers};
use buildbook::fsio;
use buildbook::gc::{
    Decision, GcResult, Item, LayerPlan, Policy, Roots, UniversePlan, execute_layers, execute_universes,
    plan_all,
};
use buildbook::history::{Entry, History, Reading};
use buildbook::layout::{Kind, LayerName, PlatformTree, RunId};
use buildbook::runlog::{self, RunLog, RunRetention, RunState};
use serde::Serialize;

use crate::args;
use crate::context::Context;
use crate::failure::{Failure, Outcome, Status};
use crate::output::{self, Table};

#[derive(Serialize)]
struct Plans<'a> {
    layers: &'a LayerPlan,
    /// Null when it is not known which are needed.
    universes: Option<&'a UniversePlan>,
    bytes_to_free: u64,
    runs: Vec<RunId>,
    problems: Vec<String>,
}

#[derive(Serialize)]
struct Results<'a> {
    layers: &'a GcResult,
    universes: Option<&'a GcResult>,
    bytes_freed: u64,
    runs_removed: Vec<RunId>,
    /// Of all three.
    problems: Vec<String>,
}

pub(super) fn run(context: &Context, arguments: &args::Gc) -> Outcome {
    let tree = context.platform_tree()?;
    let roots = roots(context, &tree)?;
    let policy = Policy {
        min_age: Duration::from_secs(u64::from(arguments.min_age_days) * 86_400).max(CLOCK),
        ..Policy::default()
    };
    let retention = RunRetention {
        keep_newest: arguments.keep_runs,
        min_age: arguments.keep_runs.map(|_| policy.min_age.max(YOUNGEST)),
    };
    let (layers, universes) = plan_all(&tree, &context.book.html(), &roots, &policy, context.now);
    let layers = layers?;
    // One page that cannot be read keeps all universes, and is named. It does not keep layers on a full disk.
    let mut problems = Vec::new();
    let universes = universes.map_err(|error| problems.push(output::explained(&error))).ok();
    if arguments.dry_run {
        let runs = context.run_log().prunable(&retention, context.now)?;
        return dry_run(context, &layers, universes.as_ref(), runs, problems);
    }
    // What a plan passed over stays, and stops nothing.
    let mut passed_over = super::explained(&layers.problems);
    passed_over.extend(universes.iter().flat_map(|plan| super::explained(&plan.problems)));
    let layers = execute_layers(&layers)?;
    let universes = universes.and_then(|plan| {
        execute_universes(&plan).map_err(|error| problems.push(output::explained(&error))).ok()
    });
    // Last, because runs say which layers are needed.
    let pruned = context.run_log().prune(&retention, context.now)?;
    let bytes_freed = layers.bytes_freed + universes.as_ref().map_or(0, |result| result.bytes_freed);
    for result in [Some(&layers), universes.as_ref()].into_iter().flatten() {
        problems.extend(super::explained(&result.problems));
    }
    problems.extend(super::explained(&pruned.problems));
    let status = if problems.is_empty() { Status::Done } else { Status::BadBook };
    problems.extend(passed_over);
    if context.json {
        let (runs_removed, problems) = (pruned.removed, problems.clone());
        let results =
            Results { layers: &layers, universes: universes.as_ref(), bytes_freed, runs_removed, problems };
        output::json(&results)?;
    } else {
        let mut text = String::new();
        let universes = universes.as_ref().map(|result| ("universes", result));
        for (what, result) in [("layers", &layers)].into_iter().chain(universes) {
            for skipped in &result.skipped {
                text.push_str(&format!(
                    "stays after all: {}: {}\n",
                    output::one_line(&skipped.name),
                    skipped.reason
                ));
            }
            text.push_str(&format!(
                "{what}: {} removed, {} kept\n",
                result.removed.len(),
                result.kept + result.skipped.len()
            ));
        }
        if arguments.keep_runs.is_some() {
            text.push_str(&format!("runs: {} removed\n", pruned.removed.len()));
        }
        let freed = output::size(bytes_freed);
        text.push_str(&format!("{freed} freed{}\n", beside_runs(pruned.removed.len())));
        output::text(&text)?;
    }
    // A status that is not good has its reason on standard error too.
    output::problems(&problems);
    Ok(status)
}

fn dry_run(
    context: &Context,
    layers: &LayerPlan,
    universes: Option<&UniversePlan>,
    runs: Vec<RunId>,
    mut problems: Vec<String>,
) -> Outcome {
    let bytes_to_free = layers.bytes_to_free() + universes.map_or(0, |plan| plan.bytes_to_free());
    let status = if problems.is_empty() { Status::Done } else { Status::BadBook };
    problems.extend(super::explained(&layers.problems));
    problems.extend(universes.map(|plan| super::explained(&plan.problems)).unwrap_or_default());
    if context.json {
        output::json(&Plans { layers, universes, bytes_to_free, runs, problems: problems.clone() })?;
        if status == Status::BadBook {
            output::problems(&problems);
        }
        return Ok(status);
    }
    let mut table = Table::new(["", "NAME", "BYTES", "LAST USED", "REASON"]);
    let items = || layers.items.iter().chain(universes.iter().flat_map(|plan| &plan.items));
    for item in items() {
        table.row(row(item));
    }
    let (goes, total) = (items().filter(|item| item.goes()).count(), items().count());
    for run in &runs {
        let reason = "older than the runs that are kept".to_owned();
        table.row([
            "goes".to_owned(),
            format!("run {run}"),
            String::new(),
            run.started().to_string(),
            reason,
        ]);
    }
    let (freed, beside) = (output::size(bytes_to_free), beside_runs(runs.len()));
    let summary = format!("{goes} of {total} would go, {freed} would be freed{beside}\n");
    output::text(&if table.is_empty() { summary } else { format!("{table}{summary}") })?;
    output::problems(&problems);
    Ok(status)
}

/// What the bytes do not tell.
fn beside_runs(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => ", beside one run and its logs".to_owned(),
        _ => format!(", beside {count} runs and their logs"),
    }
}

fn row(item: &Item) -> [String; 5] {
    [
        if item.goes() { "goes" } else { "stays" }.to_owned(),
        item.name.clone(),
        item.bytes.to_string(),
        item.last_used.map(|time| time.to_string()).unwrap_or_default(),
        reason(&item.decision),
    ]
}

/// Why it goes or stays; that it does is in a column of its own.
fn reason(decision: &Decision) -> String {
    match decision {
        Decision::Keep(reason) => reason.to_string(),
        Decision::Remove(reason) => reason.to_string(),
    }
}

/// The largest description of a layer that is read, in bytes.
const LIMIT: u64 = 16 << 20;

/// What was made or used since the collection began stays, whatever the age that was asked for; a file system's clock
/// may be so much behind.
const CLOCK: Duration = Duration::from_millis(20);

/// A run that has only just begun stays, whatever the limits: its name, which tells the second, could be given to the
/// next, and histories would take two runs for one.
const YOUNGEST: Duration = Duration::from_secs(60);

/// Whose a layer is, from its description.
#[derive(serde::Deserialize)]
struct Owner {
    package: String,
}

/// What the book says is needed. If a part of it cannot be read, what that part needs is unknown, and nothing
/// may go.
fn roots(context: &Context, tree: &PlatformTree) -> Result<Roots, Failure> {
    let mut roots = Roots::new();
    // First: a build that gives its lock back after this has its entry in a history by then.
    let listed = BuildLocks::at(context.book.locks()).list_active();
    let listed = listed.and_then(|builds| Ok((builds, list_active_layers(tree.path())?)));
    let (builds, layers) =
        listed.map_err(|error| nothing_goes("what is being built", &output::explained(&error)))?;
    needed_by_histories(tree, &mut roots)?;
    // After the histories: a run that is not there yet looks at them later, when it takes what is in place, and finds
    // there what was found here, or what a build has written that began after this.
    needed_by_runs(&context.run_log(), &mut roots)?;
    let problems = [super::explained(&builds.problems), super::explained(&layers.problems)].concat();
    if let Some(problem) = problems.first() {
        return Err(nothing_goes("what is being built", problem));
    }
    roots.extend(builds.locks.into_iter().filter_map(|lock| lock.layer_name));
    roots.extend(layers.locks.iter().map(|lock| lock.layer.as_str()));
    Ok(roots)
}

/// All nodes of the newest finished run, of the runs since, which may go on or be resumed, and of all that are in
/// progress: those take what is in place without a lock.
fn needed_by_runs(run_log: &RunLog, roots: &mut Roots) -> Result<(), Failure> {
    let unclear = |error| nothing_goes("what runs need", &output::explained(&error));
    let listed = run_log.runs().map_err(unclear)?;
    // Of what has no name of a run there is nothing to know.
    let is_foreign = |problem: &&runlog::Error| match problem {
        runlog::Error::NotARun { path } => {
            path.file_name().and_then(OsStr::to_str).is_none_or(|name| name.parse::<RunId>().is_err())
        }
        _ => false,
    };
    if let Some(problem) = listed.problems.iter().find(|problem| !is_foreign(problem)) {
        return Err(nothing_goes("what runs need", &output::explained(problem)));
    }
    let mut is_older = false;
    for run in listed.runs.into_iter().rev() {
        if is_older && run.state != RunState::InProgress {
            continue;
        }
        let structure = run_log.dag_structure(&run.id).map_err(unclear)?;
        // The file is put in place as a whole, so that an end which is missing has been lost.
        let cut_off = structure.cut_off.then(|| "it is cut off".to_owned());
        if let Some(problem) = structure.problems.first().map(ToString::to_string).or(cut_off) {
            let path = run_log.tree().run(&run.id).dag_structure();
            return Err(nothing_goes(
                &format!("what run {} needs", run.id),
                &format!("{}: {problem}; once a later run has finished, it does not count", path.display()),
            ));
        }
        let says_something = !structure.nodes.is_empty();
        roots.extend(structure.nodes.into_iter().map(|node| node.hash));
        is_older |= run.state == RunState::Finished && says_something;
    }
    Ok(())
}

/// What every package stands on: its newest blessed and its newest good build, and the same for documentation.
fn needed_by_histories(tree: &PlatformTree, roots: &mut Roots) -> Result<(), Failure> {
    let history = History::at(tree.packages());
    let unclear = |problem: &str| nothing_goes("what a package needs", problem);
    let listed = history.packages().map_err(|error| unclear(&output::explained(&error)))?;
    if let Some(problem) = super::explained(&listed.problems).first() {
        return Err(unclear(problem));
    }
    if listed.packages.is_empty() && layers_in(tree)?.next().is_some() {
        let folder = tree.packages().path().display().to_string();
        let problem = format!(
            "there are layers, and no histories in {folder}: mount it, or run a plan, which begins them"
        );
        return Err(unclear(&problem));
    }
    let mut torn = HashSet::new();
    for package in listed.packages {
        let Reading { entries, problems, .. } =
            history.read(&package).map_err(|error| unclear(&output::explained(&error)))?;
        let folder = tree.packages().package(&package);
        if entries.is_empty() && fs::symlink_metadata(&folder).is_ok_and(|metadata| metadata.is_symlink()) {
            let problem = format!(
                "{} is a link, and no history is where it leads: mount that, or remove the link",
                folder.display()
            );
            return Err(unclear(&problem));
        }
        for kind in [Kind::Build, Kind::Doc] {
            let of_kind = || entries.iter().filter(|entry| entry.category.kind() == kind);
            let good = |entry: &&Entry| entry.category.is_success();
            let newest = [
                of_kind().next(),
                of_kind().find(|entry| entry.blessed),
                of_kind().find(good),
                of_kind().filter(|entry| entry.blessed).find(good),
            ];
            roots.extend(newest.into_iter().flatten().map(|entry| entry.build_hash.as_str()));
        }
        if !problems.is_empty() {
            torn.insert(package.to_string());
        }
    }
    if torn.is_empty() { Ok(()) } else { layers_of(tree, &torn, roots) }
}

/// All layers of packages whose histories have lines that cannot be read: those may be what they stand on. A layer
/// that does not say whose it is may be theirs.
fn layers_of(tree: &PlatformTree, packages: &HashSet<String>, roots: &mut Roots) -> Result<(), Failure> {
    for layer in layers_in(tree)? {
        let layer = layer?;
        let bytes = fsio::read_file(&tree.layer(&layer).metadata(), LIMIT).ok().flatten().unwrap_or_default();
        let owner = serde_json::from_slice::<Owner>(&bytes).ok().map(|owner| owner.package);
        if owner.is_none_or(|owner| packages.contains(&owner)) {
            roots.extend([layer.as_str()]);
        }
    }
    Ok(())
}

/// What has the name of a layer.
fn layers_in(tree: &PlatformTree) -> anyhow::Result<impl Iterator<Item = anyhow::Result<LayerName>>> {
    let cannot = format!("cannot read the folder {}", tree.path().display());
    let entries = match fs::read_dir(tree.path()) {
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        entries => Some(entries.context(cannot.clone())?),
    };
    Ok(entries.into_iter().flatten().filter_map(move |entry| match entry {
        Ok(entry) => entry.file_name().to_str()?.parse().ok().map(Ok),
        Err(error) => Some(Err(anyhow::Error::new(error).context(cannot.clone()))),
    }))
}

/// What is needed is not known.
fn nothing_goes(unknown: &str, problem: &str) -> Failure {
    anyhow::anyhow!("{unknown} is not known, so nothing is removed: {problem}").into()
}
