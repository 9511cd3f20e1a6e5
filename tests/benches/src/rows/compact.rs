//! Row 11: thinning out a history.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, ensure};
use buildbook::history::{History, Retention};
use buildbook::layout::PackagesTree;

use crate::data::{Farm, Place};
use crate::row::Target::Time;
use crate::row::{Row, Sample, Side, claim};
use crate::worker;

pub(crate) const ROW: Row = Row {
    number: 11,
    title: "compact 10,000 lines",
    prepare: |place| farm(place).prepare(place),
    sides: &[
        Side { name: "ours", run: ours },
        Side { name: "cp + mv", run: |place| copy(place, "cp history.jsonl copy && mv copy history.jsonl") },
        Side {
            name: "cp + sync + mv",
            run: |place| copy(place, "cp history.jsonl copy && sync copy && mv copy history.jsonl && sync ."),
        },
    ],
    claims: &[
        claim("beside cp + mv, which sync nothing", "ours", "cp + mv", Time(2.0)),
        claim("beside cp + mv that sync as we do", "ours", "cp + sync + mv", Time(2.0)),
    ],
    roles: &[],
    warm_up: true,
    growth: None,
};

fn farm(place: &Place) -> Farm {
    Farm::one(place.size(10_000, 500))
}

/// Copies the history to a place where it may be changed.
fn folder(place: &Place) -> Result<PathBuf> {
    let package = farm(place).package(place)?;
    let folder = place.scratch("compact")?.join(package.as_str());
    fs::create_dir(&folder)?;
    let copy = folder.join("history.jsonl");
    fs::copy(farm(place).history(place).tree().history(&package), &copy)?;
    File::open(copy)?.sync_all()?;
    place.sync()?;
    Ok(folder)
}

fn ours(place: &Place) -> Result<Sample> {
    folder(place)?;
    let history = History::at(PackagesTree::at(place.made("scratch/compact")));
    let package = farm(place).package(place)?;
    worker::once(|| {
        let compacted = history.compact(&package, &Retention::days(0), farm(place).now())?;
        ensure!(compacted.lines_after < compacted.lines_before, "nothing was thinned out");
        Ok(())
    })
}

/// One shell, which is what somebody would type.
fn copy(place: &Place, script: &str) -> Result<Sample> {
    let folder = folder(place)?;
    worker::program(Command::new("sh").args(["-c", script]).current_dir(folder))
}
