//! Row 12: why a build failed.

use std::fs::File;
use std::process::Command;

use anyhow::Result;
use buildbook::batch_util::{Exit, classify_reader, rules};

use crate::data::{Log, Place};
use crate::row::Target::Time;
use crate::row::{Row, Sample, Side, claim};
use crate::worker;

pub(crate) const ROW: Row = Row {
    number: 12,
    title: "classify 100 MB",
    prepare: |place| [false, true].into_iter().try_for_each(|decides| log(place, decides).prepare(place)),
    sides: &[
        Side { name: "ours, no match", run: |place| classify(place, false) },
        Side { name: "grep, no match", run: |place| grep(place, false) },
        Side { name: "ours, last line", run: |place| classify(place, true) },
        Side { name: "grep, last line", run: |place| grep(place, true) },
    ],
    claims: &[
        claim("no match", "ours, no match", "grep, no match", Time(1.0)),
        claim("match in the last line", "ours, last line", "grep, last line", Time(1.0)),
    ],
    roles: &[],
    warm_up: true,
    growth: None,
};

fn log(place: &Place, decides: bool) -> Log {
    Log { bytes: place.size(100_000_000, 200_000), decides }
}

fn classify(place: &Place, decides: bool) -> Result<Sample> {
    let path = log(place, decides).path(place);
    worker::once(|| Ok(classify_reader(File::open(&path)?, Exit::Code(1))?))
}

/// As many patterns as the rules have, where letters are bytes, which is what `grep` is fastest at.
fn grep(place: &Place, decides: bool) -> Result<Sample> {
    let mut command = Command::new("grep");
    command.env("LC_ALL", "C").arg("-ciF");
    for pattern in rules().flat_map(|rule| rule.patterns) {
        command.args(["-e", pattern]);
    }
    command.arg(log(place, decides).path(place));
    worker::program_ending(&mut command, |status| matches!(status, Some(0 | 1)))
}
