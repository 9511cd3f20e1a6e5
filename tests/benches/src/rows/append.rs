//! Rows 1 and 2: adding lines that survive the death of the process.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use buildbook::history::{Entry, History};
use buildbook::layout::{Category, PackageId, PackagesTree};

use crate::bare;
use crate::crew::{self, Member, Role};
use crate::data::Place;
use crate::row::Target::{None as Nothing, Rate};
use crate::row::{Row, Sample, Side, claim};

/// Each append opens the file anew, as a program does that has one thing to say.
pub(crate) const OPENED: Row = Row {
    number: 1,
    title: "append, file opened each time",
    prepare: |_| Ok(()),
    sides: &[
        Side { name: "ours, 1", run: |place| opened(place, "ours", 1) },
        Side { name: "bare, 1", run: |place| opened(place, "bare", 1) },
        Side { name: "lean, 1", run: |place| opened(place, "lean", 1) },
        Side { name: "ours, 4", run: |place| opened(place, "ours", 4) },
        Side { name: "bare, 4", run: |place| opened(place, "bare", 4) },
        Side { name: "lean, 4", run: |place| opened(place, "lean", 4) },
    ],
    claims: &[
        claim("1 process", "ours, 1", "bare, 1", Rate(0.9)),
        claim("4 processes", "ours, 4", "bare, 4", Rate(0.9)),
        claim("1 process, without promises", "ours, 1", "lean, 1", Nothing),
        claim("4 processes, without promises", "ours, 4", "lean, 4", Nothing),
    ],
    roles: &[
        Role {
            name: "ours",
            play: |place, member| {
                let (history, package, entry) = (history(place), package(), entry());
                member.gate()?;
                for _ in 0..share(count(place), member) {
                    history.append(&package, &entry)?;
                }
                Ok(())
            },
        },
        Role {
            name: "bare",
            play: |place, member| {
                let (path, line) = (path(place), line());
                member.gate()?;
                for _ in 0..share(count(place), member) {
                    bare::append(&bare::open(&path)?, &path, &line)?;
                }
                Ok(())
            },
        },
        Role {
            name: "lean",
            play: |place, member| {
                let (path, line) = (path(place), line());
                member.gate()?;
                for _ in 0..share(count(place), member) {
                    bare::append_lean(&bare::open(&path)?, &line)?;
                }
                Ok(())
            },
        },
    ],
    warm_up: true,
    growth: None,
};

/// The file stays open between appends.
pub(crate) const KEPT: Row = Row {
    number: 2,
    title: "append, file kept open",
    prepare: |_| Ok(()),
    sides: &[
        Side { name: "ours", run: |place| kept(place, "ours") },
        Side { name: "bare", run: |place| kept(place, "bare") },
        Side { name: "lean", run: |place| kept(place, "lean") },
    ],
    claims: &[claim("", "ours", "bare", Rate(0.8)), claim("without promises", "ours", "lean", Nothing)],
    roles: &[
        Role {
            name: "ours",
            play: |place, member| {
                let (mut appender, entry) = (history(place).appender(&package()), entry());
                member.gate()?;
                for _ in 0..share(count(place), member) {
                    appender.append(&entry)?;
                }
                Ok(())
            },
        },
        Role {
            name: "bare",
            play: |place, member| {
                let (path, line) = (path(place), line());
                let file = bare::open(&path)?;
                member.gate()?;
                for _ in 0..share(count(place), member) {
                    bare::append(&file, &path, &line)?;
                }
                Ok(())
            },
        },
        Role {
            name: "lean",
            play: |place, member| {
                let (file, line) = (bare::open(&path(place))?, line());
                member.gate()?;
                for _ in 0..share(count(place), member) {
                    bare::append_lean(&file, &line)?;
                }
                Ok(())
            },
        },
    ],
    warm_up: true,
    growth: None,
};

fn opened(place: &Place, role: &str, processes: usize) -> Result<Sample> {
    start_anew(place)?;
    let sample = crew::measure(place, 1, role, processes, count(place))?;
    expect_lines(place, &sample)?;
    Ok(sample)
}

fn kept(place: &Place, role: &str) -> Result<Sample> {
    start_anew(place)?;
    let sample = crew::measure(place, 2, role, 1, count(place))?;
    expect_lines(place, &sample)?;
    Ok(sample)
}

fn count(place: &Place) -> u64 {
    place.size(50_000, 400) as u64
}

/// How much of the work a member does.
pub(super) fn share(count: u64, member: &Member) -> u64 {
    count / member.of as u64
}

/// Makes a book that has the package's folder and no entry.
pub(super) fn start_anew(place: &Place) -> Result<()> {
    place.scratch("packages")?;
    std::fs::create_dir(place.made("scratch/packages").join(package().as_str()))?;
    place.sync()
}

/// Looks whether every append has left its line: what is not done is done quickly.
pub(super) fn expect_lines(place: &Place, sample: &Sample) -> Result<()> {
    let (history, mut lines) = (history(place), 0);
    for package in history.packages()?.packages {
        history.for_each(&package, |_| lines += 1)?;
    }
    ensure!(lines == sample.times, "there are {lines} lines after {} appends", sample.times);
    Ok(())
}

pub(super) fn history(place: &Place) -> History {
    History::at(PackagesTree::at(place.made("scratch/packages")))
}

pub(super) fn path(place: &Place) -> PathBuf {
    history(place).tree().history(&package())
}

pub(super) fn package() -> PackageId {
    "anvil.1.2.0".parse().expect("it is a plain name")
}

/// An entry of usual length.
pub(super) fn entry() -> Entry {
    Entry {
        ts: "2026-03-09T12:54:44Z".to_owned(),
        run: "2026-03-09-120000".to_owned(),
        build_hash: "build-a1b2c3d4e5f6".to_owned(),
        status: Entry::SUCCESS.to_owned(),
        category: Category::new(Category::SUCCESS),
        compiler: "5.3.0".to_owned(),
        blessed: true,
        error: None,
        failed_dep: None,
        failed_dep_hash: None,
        universe: None,
    }
}

pub(super) fn line() -> Vec<u8> {
    let mut line = serde_json::to_vec(&entry()).expect("texts and booleans can be written to memory");
    line.push(b'\n');
    line
}
