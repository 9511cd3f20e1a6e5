//! `cargo xtask soak`: writers that are killed, and many at once.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use buildbook_tests::soak::{self, Soak, Start, Task, many};

use crate::shell;

/// Options of `cargo xtask soak`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How long to go on.
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,
    /// Where chance begins.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where to make the books, on the file system that is to be tried [default: a temporary folder].
    #[arg(long)]
    root: Option<PathBuf>,
    /// Instead, have many processes at work at once, and kill none; in one case or in all of them.
    #[arg(long, value_name = "CASE", num_args = 0..=1, default_missing_value = "all")]
    many: Option<Many>,
}

/// The cases of `--many`.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Many {
    All,
    Starts,
    Swaps,
    Collections,
    Appends,
}

/// What a worker process is told.
#[derive(clap::Args)]
pub(crate) struct Worker {
    root: PathBuf,
    task: Task,
}

pub(crate) fn work(worker: &Worker) -> Result<()> {
    soak::work(&worker.root, &worker.task, &mut std::io::stdout())
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let myself = std::env::current_exe().context("cannot find this program")?;
    let start = move |root: &Path, task: &Task| {
        let mut command = Command::new(&myself);
        command.args([OsString::from("soak-worker"), root.into(), task.to_string().into()]);
        command
    };
    let folder = match &arguments.root {
        Some(root) => tempfile::tempdir_in(root),
        None => tempfile::tempdir(),
    };
    // A book in which something is wrong must stay.
    let root = folder.context("cannot make a folder for the books")?.keep();
    println!("books in {}, seed {}", root.display(), arguments.seed);
    match arguments.many {
        Some(case) => at_once(case, &root, &start)?,
        None => kill(arguments, &root, &start)?,
    }
    std::fs::remove_dir_all(&root).with_context(|| format!("cannot remove {}", root.display()))
}

fn kill(arguments: &Arguments, root: &Path, start: &Start) -> Result<()> {
    shell::run(&mut shell::cargo(&["build", "--quiet", "-p", "buildbook-cli"]))?;
    let length =
        Duration::try_from_secs_f64(arguments.minutes * 60.0).context("so many minutes there are not")?;
    let soak = Soak {
        root: root.to_owned(),
        seed: arguments.seed,
        length,
        round: Duration::from_secs(15),
        pause: Duration::from_millis(80),
        program: Some(shell::target().join("debug/buildbook")),
    };
    let begin = std::time::Instant::now();
    let outcome = soak.run(start, |figures| {
        let (rounds, kills, entries) = (figures.rounds, figures.kills, figures.entries);
        println!("round {rounds}: {kills} kills, {entries} entries, nothing lost");
    })?;
    let minutes = begin.elapsed().as_secs_f64() / 60.0;
    println!("\nafter {minutes:.1} minutes, seed {}:\n{}", arguments.seed, outcome.figures);
    if let Some(kept) = outcome.kept {
        for text in &outcome.bad {
            println!("BAD: {text}");
        }
        bail!("{} things are not as they must be; the book is in {}", outcome.bad.len(), kept.display());
    }
    println!("lost: 0, torn reads: 0, locks left: 0, leftovers: 0");
    Ok(())
}

fn at_once(case: Many, root: &Path, start: &Start) -> Result<()> {
    let is_wanted = |other| case == Many::All || case == other;
    let tell = |what: &str, done: &many::Done| {
        println!("\n{what}: {:.1} s\n{}", done.took.as_secs_f64(), done.figures);
    };
    if is_wanted(Many::Starts) {
        tell("200 starts at the same moment", &many::starts(&root.join("starts"), start, 8, 25)?);
    }
    if is_wanted(Many::Swaps) {
        let done = many::swaps(&root.join("swaps"), start, 4, 2_000, 4)?;
        tell("4 publishers x 2,000 swaps, 4 readers", &done);
    }
    if is_wanted(Many::Collections) {
        let done = many::collections(&root.join("collections"), start, 6, 3_000)?;
        tell("6 builders x 3,000 uses of layers, 2 collectors", &done);
    }
    if is_wanted(Many::Appends) {
        let done = many::appends(&root.join("appends"), start, 8, 10_000)?;
        tell("8 processes x 10,000 appends, a compactor, 4 readers", &done);
    }
    Ok(())
}
