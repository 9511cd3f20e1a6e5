//! A whole batch by hand, through the facade alone: a run, a lock and a history entry for each package, progress
//! for pollers, a summary, and the index that says what changed.
//!
//! ```text
//! cargo run -p buildbook --example batch_by_hand -- /tmp/book
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::path::PathBuf;

use buildbook::atomic_swap::{Durability, recover};
use buildbook::build_lock::{BuildLocks, Holder, LockName};
use buildbook::fsio::create_folders;
use buildbook::history::{Entry, History};
use buildbook::layout::{Book, Category, PackageId, Platform, Timestamp};
use buildbook::progress::{self, Phase, Progress};
use buildbook::runlog::{Counts, Event, EventKind, EventStatus, RunLog};
use buildbook::status_index;

fn main() -> Result<(), Box<dyn Error>> {
    let root = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("book"), PathBuf::from);
    let book = Book::at(root);
    let platform: Platform = "example-1-x86_64".parse()?;
    let tree = book.platform(&platform);
    create_folders(tree.path())?;
    // What an earlier batch left that was killed.
    recover(tree.path())?;

    let run = RunLog::at(book.logs()).start_run(Timestamp::now())?;
    println!("run {} in {}", run.id(), run.run_dir().display());

    let packages: Vec<PackageId> =
        ["fmt.0.9.0", "astring.0.8.5", "bos.0.2.1"].into_iter().map(str::parse).collect::<Result<_, _>>()?;
    let names = packages.iter().map(PackageId::as_str);
    let mut progress = Progress::create(run.id().clone(), Timestamp::now().to_string(), names)
        .set_phase(Phase::Building)
        .set_build_total(packages.len() as u64);

    let locks = BuildLocks::at(book.locks());
    let history = History::at(tree.packages());
    for package in &packages {
        // Nobody else builds this package meanwhile, and `buildbook locks` shows that we do.
        let lock = locks.acquire(&LockName::build(package), &Holder::since(Timestamp::now()))?;
        let now = Timestamp::now();
        history.append_synced(package, &built(run.id().as_str(), now))?;
        let hash = "0123456789abcdef0123456789abcdef";
        run.log_build_result(&Event::new(EventKind::Build, package.clone(), hash, EventStatus::Ok), now)?;
        progress = progress.incr_build_completed();
        progress::write(run.run_dir(), &mut progress, now)?;
        lock.release()?;
    }
    progress::delete(run.run_dir())?;

    let built = packages.len() as u64;
    let (id, now) = (run.id().clone(), Timestamp::now());
    let counts = Counts { targets_requested: built, packages_built: built, ..Counts::default() };
    let summary = run.finish_run(counts, now)?;
    println!("{} packages built in {:.3} s", summary.packages_built, summary.duration);

    let previous = status_index::read(tree.path())?;
    let generated = status_index::generate(&history, &id, previous.as_ref(), now)?;
    status_index::write(tree.path(), &generated.status, Durability::Synced)?;
    println!(
        "{} changes, {} new packages",
        generated.status.changes.len(),
        generated.status.new_packages.len()
    );
    Ok(())
}

/// What a real builder would have found out.
fn built(run: &str, now: Timestamp) -> Entry {
    Entry {
        ts: now.to_string(),
        run: run.to_owned(),
        build_hash: "build-0123456789ab".to_owned(),
        status: "success".to_owned(),
        category: Category::new(Category::SUCCESS),
        compiler: String::new(),
        blessed: true,
        error: None,
        failed_dep: None,
        failed_dep_hash: None,
        universe: None,
    }
}
