//! How long typical builds take, cold, warm, and with nothing to do.
//!
//! ```text
//! figures [writes N] [spawns N] [noop N] [reads N] [ninja N]
//! ```
//!
//! Without arguments it measures all but `ninja`, with the numbers that the project's documents speak of. `noop N` and
//! `ninja N` are the same build: N files copied by a process each, nothing to do. To be meaningful, it must be
//! compiled with optimisation.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it is a program, and decides what time it is"
)]

use std::error::Error;
use std::fmt::Write as _;
use std::num::NonZero;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use buildbook_memo::{Durability, Env, Memo, Settings, Status, Tool};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// A file is remembered by its times only when they are older than this.
const SETTLE: Duration = Duration::from_millis(100);

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let usual = ["writes", "10000", "spawns", "2000", "noop", "10000", "reads", "1000000"].map(str::to_owned);
    let arguments = if arguments.is_empty() { usual.to_vec() } else { arguments };
    for pair in arguments.chunks(2) {
        let [what, count] = pair else { return Err("a measurement needs a number".into()) };
        let count = count.parse()?;
        let folder = tempfile::tempdir()?;
        match what.as_str() {
            "writes" => writes(folder.path(), count)?,
            "spawns" => spawns(folder.path(), count)?,
            "noop" => noop(folder.path(), count)?,
            "reads" => reads(folder.path(), count)?,
            "ninja" => ninja(folder.path(), count)?,
            _ => return Err(format!("there is no measurement {what}").into()),
        }
    }
    Ok(())
}

fn settings(folder: &Path) -> Settings {
    let env: Env = [("PATH", "/usr/bin:/bin")].into_iter().collect();
    Settings::new(folder, SystemTime::now).env(env)
}

/// Runs a build, prints how long it took, what it cost without its processes, and how many operations did something.
fn measure(name: &str, settings: Settings, build: impl FnOnce(&Memo)) -> Outcome<()> {
    let start = Instant::now();
    let mut memo = Memo::new(settings);
    let before = memo.cpu_clock();
    build(&memo);
    memo.finish().into_result()?;
    let (took, after) = (start.elapsed(), memo.cpu_clock());
    let own = (after.user + after.system).saturating_sub(before.user + before.system);
    let executed = memo.ops().iter().filter(|op| matches!(op.status, Status::Executed)).count();
    println!(
        "{name:32} {:8.3} s, of processors {:8.3} s, {executed} executed",
        took.as_secs_f64(),
        own.as_secs_f64()
    );
    Ok(())
}

fn writes(folder: &Path, count: u32) -> Outcome<()> {
    let build = |memo: &Memo| {
        for number in 0..count {
            let make = move || Ok(format!("contents of {number}\n").into_bytes());
            let _running = memo.write_with(format!("out/{number}"), "1", make).start();
        }
    };
    for (name, durability) in [("synced", Durability::Synced), ("cached", Durability::Cached)] {
        let settings = settings(folder).durability(durability).cache(folder.join(name));
        measure(&format!("{count} writes, cold, {name}"), settings.clone(), build)?;
        std::fs::remove_dir_all(folder.join("out"))?;
        measure(&format!("{count} writes, warm, {name}"), settings.clone(), build)?;
        std::thread::sleep(SETTLE);
        measure(&format!("{count} writes, in place, hashed"), settings.clone(), build)?;
        measure(&format!("{count} writes, in place, known"), settings, build)?;
    }
    Ok(())
}

fn spawns(folder: &Path, count: u32) -> Outcome<()> {
    let build = |memo: &Memo| {
        let sh = memo.tool(Tool::named("sh"));
        for number in 0..count {
            let cmd = sh.cmd().args(["-c", ":"]).arg(number.to_string());
            let _running = memo.spawn(cmd).start();
        }
    };
    for (name, durability) in [("synced", Durability::Synced), ("cached", Durability::Cached)] {
        let settings = settings(folder).durability(durability).cache(folder.join(name));
        let settings = settings.max_spawn(NonZero::new(4).ok_or("four is not zero")?);
        measure(&format!("{count} spawns, cold, {name}"), settings.clone(), build)?;
        measure(&format!("{count} spawns, warm, {name}"), settings, build)?;
    }
    Ok(())
}

/// The files that are copied.
fn put_sources(folder: &Path, count: u32) -> std::io::Result<()> {
    (0..count)
        .try_for_each(|number| std::fs::write(folder.join(format!("in{number}")), format!("{number}\n")))
}

fn noop(folder: &Path, count: u32) -> Outcome<()> {
    put_sources(folder, count)?;
    let build = |memo: &Memo| {
        let cp = memo.tool(Tool::named("cp"));
        for number in 0..count {
            let (from, to) = (format!("in{number}"), format!("out{number}"));
            memo.file_ready(&from);
            let _running = memo.spawn(cp.cmd().args([&from, &to])).reads([&from]).writes([&to]).start();
        }
    };
    let settings = settings(folder).durability(Durability::Cached);
    measure(&format!("{count} copies by cp, cold"), settings.clone(), build)?;
    std::thread::sleep(SETTLE);
    measure(&format!("{count} copies, no-op, hashed"), settings.clone(), build)?;
    for _ in 0..3 {
        measure(&format!("{count} copies, no-op, known"), settings.clone(), build)?;
    }
    Ok(())
}

fn ninja(folder: &Path, count: u32) -> Outcome<()> {
    put_sources(folder, count)?;
    let mut rules = "rule cp\n  command = cp $in $out\n".to_owned();
    for number in 0..count {
        writeln!(rules, "build out{number}: cp in{number}")?;
    }
    std::fs::write(folder.join("build.ninja"), rules)?;
    for name in ["cold", "no-op", "no-op", "no-op"] {
        let start = Instant::now();
        let status = Command::new("ninja").current_dir(folder).stdout(Stdio::null()).status()?;
        println!(
            "{:32} {:8.3} s, {status}",
            format!("{count} copies by ninja, {name}"),
            start.elapsed().as_secs_f64()
        );
    }
    Ok(())
}

fn reads(folder: &Path, count: u32) -> Outcome<()> {
    std::fs::write(folder.join("in"), "a line\n")?;
    std::thread::sleep(SETTLE);
    measure(&format!("{count} reads, one after the other"), settings(folder), |memo| {
        memo.file_ready("in");
        memo.task(move |memo| async move {
            for _ in 0..count {
                memo.read("in").await?;
            }
            Ok(())
        });
    })
}
