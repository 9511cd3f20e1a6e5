//! The main job: build every target of a plan, and keep the whole book while doing so.

mod build;
mod descendants;
mod display;
mod estimate;
mod execute;
mod finish;
mod gather;
mod in_place;
mod interrupt;
mod layer;
mod listing;
mod memo;
mod outputs;
mod progress;
mod queue;
mod record;
mod report;

use std::ffi::OsString;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::Context as _;
use buildbook::atomic_swap::{self, Durability};
use buildbook::build_lock::BuildLocks;
use buildbook::fsio::FileSystem;
use buildbook::history::History;
use buildbook::layout::{PlatformTree, RunId, Timestamp};
use buildbook::runlog::{Counts, Dag, Failure as RunFailure, Node, Plan as RunPlan, Solve};
use buildbook::status_index::{self, Cache, Generated};

use crate::args;
use crate::context::Context;
use crate::failure::{Failure, Outcome, Status};
use crate::plan::{self, Plan};
use build::Batch;
use display::Display;
use estimate::Estimate;
use execute::Supervisor;
use finish::{End, Ended, Finisher, Others};
use memo::Memos;
use queue::{Job, Queue};
use record::Recorder;
use report::Report;

/// How one target ended.
#[derive(Debug, Clone)]
pub(crate) enum Verdict {
    /// Its command succeeded.
    Built,
    /// Its layer was there already.
    FromLayer,
    /// What its command made before, in this or another book, was put into its layer.
    FromMemo,
    /// Its command failed.
    Failed(Cause),
    /// It was not tried, because a target that it needs, directly or not, failed.
    Blocked {
        /// The target that failed.
        root: usize,
    },
    /// The run was interrupted before it ended. Nothing is recorded of it.
    Abandoned,
}

/// Why a command failed.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Cause {
    /// See `buildbook classify`.
    pub(crate) category: String,
    /// The line that decided, or a sentence where no line did.
    pub(crate) message: Option<String>,
    /// The number of the line in the log, from 1.
    pub(crate) line: Option<u64>,
}

impl Verdict {
    fn is_good(&self) -> bool {
        matches!(self, Verdict::Built | Verdict::FromLayer | Verdict::FromMemo)
    }
}

pub(crate) fn run(context: &Context, arguments: &args::Run) -> Outcome {
    let platform = context.platform()?;
    // Nothing is touched before the whole plan is known to be good.
    let plan = plan::read(&arguments.plan, &platform).map_err(Failure::usage)?;
    let jobs = arguments
        .jobs
        .map_or_else(|| std::thread::available_parallelism().map_or(1, NonZero::get), usize::from);
    let tree = context.book.platform(&platform);
    let path = search_path();
    let memos = match &arguments.memo {
        None => None,
        Some(cache) => Some(Memos::new(cache_folder(cache).map_err(Failure::usage)?, path.clone())),
    };
    buildbook::fsio::create_folders(tree.path())?;
    let recovery = atomic_swap::recover(tree.path())?;
    crate::output::problems(&crate::commands::explained(&recovery.problems));

    let started = Instant::now();
    let previous = match status_index::read(tree.path()) {
        Ok(previous) => previous,
        // A broken index is made anew at the end; one of a newer program is not, and that is found out now.
        Err(error @ status_index::Error::TooNew { .. }) => return Err(error.into()),
        Err(error) => {
            crate::output::say(&format!("buildbook: the index will be made anew: {}", Failure::from(error)));
            None
        }
    };
    let run = context.run_log().start_run(context.now)?;
    let good_before = in_place::good_layers(&tree, &plan, jobs);
    run.write_solve(&Solve { solved: count(plan.targets.len()), failed: 0 }, context.now)?;
    run.write_plan(&RunPlan { targets: count(plan.targets.len()), ..RunPlan::default() }, context.now)?;
    let cached = good_before.iter().filter(|good| **good).count();
    let dag = Dag {
        build_nodes: count(plan.targets.len()),
        cached: count(cached),
        need_build: count(plan.targets.len() - cached),
    };
    run.write_dag(&dag, context.now)?;
    run.write_dag_structure(&nodes(&plan))?;

    let estimate = Estimate::new(&plan, &good_before, jobs, &context.run_log(), Display::has_bars());
    let display = Display::new(&plan, estimate);
    let recorder = Recorder::new(context, &tree, &plan, &run)?;
    let supervisor = Supervisor::default();
    // Opened before anything is written, so that no write that fails goes unnoticed.
    let file_system = FileSystem::of(tree.path())?;
    let taken = in_place::take(&tree, &plan, &run, &recorder, &good_before, jobs, file_system.as_ref())?;
    display.taken(&taken);
    let queue = Queue::new(&plan, &taken);
    let broken: Mutex<Option<anyhow::Error>> = Mutex::new(None);
    let batch = Batch {
        plan: &plan,
        tree: &tree,
        locks: BuildLocks::at(context.book.locks()),
        run: &run,
        supervisor: &supervisor,
        display: &display,
        path,
        memos,
    };
    let workers = jobs.min(plan.targets.len());
    let finisher = Finisher::new(&batch, &recorder, &queue, file_system.as_ref(), workers);
    let stop_for = |error: anyhow::Error| {
        broken.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        // The book cannot be kept any more, so nothing more is begun.
        Stop { queue: &queue, supervisor: &supervisor }.now();
    };
    let signals = interrupt::listen().context("cannot listen for signals")?;
    std::thread::scope(|scope| {
        let ending = interrupt::CloseOnDrop(signals.handle());
        scope.spawn(|| interrupt::pass_on(signals, &supervisor, &queue));
        scope.spawn(|| supervisor.watch());
        scope.spawn(|| recorder.progress().keep());
        let (others, handed_over) = finisher.channel();
        let mut threads: Vec<_> = (0..workers)
            .map(|_| {
                let others = others.clone();
                scope.spawn(|| {
                    let others = others;
                    let _stop = Stop { queue: &queue, supervisor: &supervisor };
                    while let Some(job) = queue.next() {
                        if let Err(error) = work(&batch, &finisher, &others, job) {
                            stop_for(error);
                        }
                    }
                })
            })
            .collect();
        drop(others);
        threads.push(scope.spawn(|| {
            let handed_over = handed_over;
            let _stop = Stop { queue: &queue, supervisor: &supervisor };
            if let Err(error) = finisher.finish_together(&handed_over) {
                stop_for(error);
            }
        }));
        let ended: Vec<_> = threads.into_iter().map(|thread| thread.join()).collect();
        supervisor.close();
        recorder.progress().close();
        drop(ending);
        if let Some(panic) = ended.into_iter().find_map(Result::err) {
            std::panic::resume_unwind(panic);
        }
    });
    display.finish();
    recorder.progress().remove();

    let verdicts = queue.into_verdicts();
    let now = Timestamp::now();
    let broken = broken.into_inner().unwrap_or_else(PoisonError::into_inner);
    let broken = broken.map(|error| error.context("the run was stopped, because the book could not be kept"));
    let history = History::at(tree.packages());
    let mut cache = Cache::read(tree.path());
    let generated =
        status_index::generate_incremental(&history, run.id(), previous.as_ref(), now, &mut cache).and_then(
            |generated| {
                write_index(&tree, &history, run.id(), &generated, now)?;
                Ok(generated)
            },
        );
    // Without it, the next index takes longer, and says the same.
    if let Err(error) = cache.write(tree.path()) {
        crate::output::say(&format!("buildbook: {}", Failure::from(error)));
    }
    // What stopped the run comes before what followed from it.
    if let Some(error) = broken {
        return Err(error.into());
    }
    let report = Report::new(&plan, run.id().clone(), verdicts, generated?, started.elapsed());
    // A run that was interrupted has no summary, and `latest` does not name it.
    if report.is_complete() {
        run.finish_run(counts(&report), now).map_err(|failed| failed.error)?;
    }
    if context.json {
        crate::output::json(&report)?;
    } else {
        crate::output::text(&report.to_string())?;
    }
    crate::output::problems(report.problems());
    Ok(if report.is_good() { Status::Done } else { Status::Failed })
}

/// Makes the folder of a cache, so that one that cannot be made is found out before anything is built.
fn cache_folder(cache: &Path) -> anyhow::Result<PathBuf> {
    let cache = std::path::absolute(cache).context("cannot find the folder of the memo")?;
    buildbook::fsio::create_folders(&cache).context("cannot make the folder of the memo")?;
    Ok(cache)
}

#[expect(clippy::disallowed_methods, reason = "the program reads the environment, and hands it down")]
fn search_path() -> Option<OsString> {
    std::env::var_os("PATH")
}

/// Writes the index of a run. A batch that began later may have ended before: its index then takes in what this one
/// did, and does not give way to one of an earlier run.
fn write_index(
    tree: &PlatformTree,
    history: &History,
    run: &RunId,
    generated: &Generated,
    now: Timestamp,
) -> status_index::Result<()> {
    let current = match status_index::read(tree.path()) {
        Err(error @ status_index::Error::TooNew { .. }) => return Err(error),
        current => current.ok().flatten(),
    };
    let later = current.and_then(|index| Some((index.run().filter(|other| other > run)?, index)));
    let write = |status| status_index::write(tree.path(), status, Durability::Synced);
    match later {
        Some((later, index)) => write(&status_index::generate(history, &later, Some(&index), now)?.status),
        None => write(&generated.status),
    }
}

/// What a worker ends the batch with; also by a panic, because the others would wait for ever for its target.
struct Stop<'a> {
    queue: &'a Queue<'a>,
    supervisor: &'a Supervisor,
}

impl Stop<'_> {
    fn now(&self) {
        self.queue.stop();
        self.supervisor.stop();
    }
}

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.now();
        }
    }
}

/// Sees one target through. How it ended is recorded here or by another thread.
fn work(batch: &Batch<'_>, finisher: &Finisher<'_>, others: &Others, job: Job) -> anyhow::Result<()> {
    let started = Instant::now();
    let (end, lock) = match job.blocked_by {
        Some(root) => (End::Verdict(Verdict::Blocked { root }), None),
        None => batch.build(job.position)?,
    };
    finisher.take(Ended { position: job.position, lock, span: started.elapsed() }, end, others)
}

fn nodes(plan: &Plan) -> Vec<Node> {
    let hash = |position: &usize| plan.targets.get(*position).map(|target| target.hash.to_string());
    plan.targets
        .iter()
        .map(|target| Node {
            hash: target.hash.to_string(),
            pkg: target.package.clone(),
            deps: target.deps.iter().filter_map(hash).collect(),
        })
        .collect()
}

fn counts(report: &Report) -> Counts {
    Counts {
        targets_requested: count(report.targets()),
        packages_built: count(report.good()),
        packages_failed: count(report.bad()),
        docs_generated: 0,
        failures: report
            .failed_packages()
            .map(|(package, category)| RunFailure {
                package: package.to_string(),
                error: category.to_owned(),
            })
            .collect(),
    }
}

fn count(number: usize) -> u64 {
    number as u64
}
