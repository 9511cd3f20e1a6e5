//! Row 23: reads that follow each other.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use buildbook::memo::Memo;

use crate::builds;
use crate::data::Place;
use crate::row::Target::None as Nothing;
use crate::row::{Row, Sample, Side, claim};
use crate::worker;

const SIZES: [usize; 3] = [10_000, 100_000, 1_000_000];

/// A frame for each read would not fit, and the process would die.
const STACK: usize = 256 << 10;

pub(crate) const ROW: Row = Row {
    number: 23,
    title: "1,000,000 reads, each after the other, on 256 KiB of stack",
    prepare: |place| Ok(fs::write(file(place)?, "a line\n")?),
    sides: &[
        Side { name: "ours", run: |place| ours(place, SIZES[2]) },
        Side { name: "read", run: bare },
        Side { name: "ours, 100,000", run: |place| ours(place, SIZES[1]) },
        Side { name: "ours, 10,000", run: |place| ours(place, SIZES[0]) },
    ],
    claims: &[claim("", "ours", "read", Nothing).original("stack overflow at 104,761")],
    roles: &[],
    warm_up: false,
    growth: Some(&[("ours, 10,000", SIZES[0]), ("ours, 100,000", SIZES[1]), ("ours", SIZES[2])]),
};

fn file(place: &Place) -> Result<PathBuf> {
    Ok(builds::lasting(place, "reads")?.join("in"))
}

fn ours(place: &Place, count: usize) -> Result<Sample> {
    let (file, count) = (file(place)?, place.size(count, count / 100));
    let folder = builds::lasting(place, "reads")?;
    let work = move || {
        let mut memo = Memo::new(builds::settings(&folder));
        memo.file_ready(&file);
        memo.task(move |memo| async move {
            for _ in 0..count {
                memo.read(&file).await?;
            }
            Ok(())
        });
        memo.finish().into_result()
    };
    worker::once(|| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn(work)?;
        let Ok(done) = thread.join() else { anyhow::bail!("the memo panicked") };
        Ok(done?)
    })
}

fn bare(place: &Place) -> Result<Sample> {
    let file = file(place)?;
    worker::once(|| {
        for _ in 0..place.size(SIZES[2], SIZES[2] / 100) {
            ensure!(!fs::read(&file).context("it was made")?.is_empty(), "it has a line");
        }
        Ok(())
    })
}
