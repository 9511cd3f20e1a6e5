//! Row 13: telling pollers how far a run is.

use std::fs::{self, File};
use std::io::Write as _;

use anyhow::Result;
use buildbook::layout::{RunId, Timestamp};
use buildbook::progress::{Phase, Progress, write};

use crate::data::Place;
use crate::row::Target::Time;
use crate::row::{Row, Sample, Side, claim};
use crate::worker;

pub(crate) const ROW: Row = Row {
    number: 13,
    title: "progress with 5,000 targets, written 500 times",
    prepare: |_| Ok(()),
    sides: &[Side { name: "ours", run: ours }, Side { name: "bare", run: bare }],
    claims: &[claim("", "ours", "bare", Time(1.5))],
    roles: &[],
    warm_up: true,
    growth: None,
};

const TIMES: u64 = 500;

fn progress(place: &Place) -> (Progress, Timestamp) {
    let start = Timestamp::from_unix(1_773_060_884).expect("it is in this century");
    let targets = (0..place.size(5_000, 50)).map(|index| format!("package-{index}.1.{}", index % 10));
    let progress = Progress::create(RunId::starting_at(start), "2026-03-09T12:54:44", targets);
    (progress.set_phase(Phase::Building).set_build_total(5_000), start)
}

fn ours(place: &Place) -> Result<Sample> {
    let (mut progress, now) = progress(place);
    let folder = place.scratch("progress")?;
    worker::times(TIMES, || {
        for completed in 0..TIMES {
            progress.build_completed = completed;
            write(&folder, &mut progress, now)?;
        }
        Ok(())
    })
}

/// Writes a new file and renames it over the old one.
fn bare(place: &Place) -> Result<Sample> {
    let (mut progress, now) = progress(place);
    let folder = place.scratch("progress")?;
    write(&folder, &mut progress, now)?;
    let target = folder.join("progress.json");
    let bytes = fs::read(&target)?;
    worker::times(TIMES, || {
        for number in 0..TIMES {
            let temporary = folder.join(format!(".progress.json.tmp-{number}"));
            File::create_new(&temporary)?.write_all(&bytes)?;
            fs::rename(&temporary, &target)?;
        }
        Ok(())
    })
}
