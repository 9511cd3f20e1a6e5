//! Builds by the memo, and the same builds by ninja.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, ensure};
use buildbook::memo::{Env, Memo, Settings, Status};

use crate::data::Place;
use crate::row::Sample;
use crate::schedule::Missing;
use crate::worker;

/// How many processes run at once, here and there.
pub(crate) const JOBS: usize = 4;

/// A build asks a memo for its operations.
pub(crate) type Build = dyn Fn(&Memo);

/// The usual settings of a build in a folder.
pub(crate) fn settings(folder: &Path) -> Settings {
    let env: Env = [("PATH", "/usr/bin:/bin")].into_iter().collect();
    let jobs = JOBS.try_into().expect("it is not zero");
    Settings::new(folder, SystemTime::now).env(env).max_spawn(jobs)
}

/// What became of the operations of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All of them did their work.
    Executed,
    /// None did.
    Revived,
}

/// Measures a build from the making of its memo to its report, and looks whether it did what it was meant to.
pub(crate) fn measure(settings: Settings, build: &Build, expected: Outcome) -> Result<Sample> {
    let mut made = None;
    let sample = worker::once(|| {
        let memo = made.insert(Memo::new(settings));
        build(memo);
        Ok(memo.finish().into_result()?)
    })?;
    let memo = made.context("it was made")?;
    ensure!(is_all(&memo, expected), "not all operations were {expected:?}");
    Ok(sample)
}

/// Runs a build until there is nothing left to do, and until its files are old enough to be remembered by their times.
pub(crate) fn settle(settings: &Settings, build: &Build) -> Result<()> {
    for _ in 0..3 {
        let mut memo = Memo::new(settings.clone());
        build(&memo);
        memo.finish().into_result()?;
        std::thread::sleep(Duration::from_millis(200));
        if is_all(&memo, Outcome::Revived) {
            return Ok(());
        }
    }
    anyhow::bail!("a build finds something to do again and again")
}

fn is_all(memo: &Memo, expected: Outcome) -> bool {
    memo.ops().iter().all(|op| match op.status {
        Status::Executed => expected == Outcome::Executed,
        Status::Revived => expected == Outcome::Revived,
        _ => false,
    })
}

/// Writes down a build for ninja, unless it is written down already: a file that is written again looks new.
pub(crate) fn write_manifest(folder: &Path, rule: &str, edges: impl Iterator<Item = String>) -> Result<()> {
    let mut text = format!("rule work\n  command = {rule}\n");
    for edge in edges {
        writeln!(text, "{edge}")?;
    }
    let path = folder.join("build.ninja");
    if !fs::read_to_string(&path).is_ok_and(|old| old == text) {
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Measures ninja from its start to its end.
pub(crate) fn ninja(folder: &Path) -> Result<Sample> {
    worker::program(Command::new("ninja").arg(format!("-j{JOBS}")).current_dir(folder))
}

/// Has ninja do what is left to do.
pub(crate) fn settle_ninja(folder: &Path) -> Result<()> {
    ninja(folder).map(drop)
}

/// Fails as [`Missing`] where there is no ninja.
pub(crate) fn need_ninja() -> Result<()> {
    match Command::new("ninja").arg("--version").output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(Missing { program: "ninja", remedy: "apt-get install ninja-build" }.into())
        }
        output => {
            let status = output.context("cannot run ninja")?.status;
            ensure!(status.success(), "ninja --version ended with {status}");
            Ok(())
        }
    }
}

/// A folder that a build leaves as it was, so that the next one finds it done. What is not done yet, or no longer, is
/// for [`settle`] to do.
pub(crate) fn lasting(place: &Place, name: &str) -> Result<PathBuf> {
    let folder = place.made(name);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(fs::canonicalize(folder)?)
}
