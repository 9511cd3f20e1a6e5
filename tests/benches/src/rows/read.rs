//! Rows 5 and 6: reading one long history, all of it and its end.

use anyhow::Result;

use crate::bare;
use crate::data::{Farm, Place};
use crate::row::Target::{None as Nothing, Time};
use crate::row::{Row, Sample, Side, claim};
use crate::worker;

const SIZES: [usize; 3] = [1_000, 10_000, 100_000];

pub(crate) const WHOLE: Row = Row {
    number: 5,
    title: "read 100,000 entries",
    prepare: |place| SIZES.into_iter().try_for_each(|entries| long(place, entries).prepare(place)),
    sides: &[
        Side { name: "pass over 100,000", run: |place| pass_over(place, 100_000) },
        Side { name: "bare", run: bare },
        Side { name: "keep all", run: keep_all },
        Side { name: "pass over 10,000", run: |place| pass_over(place, 10_000) },
        Side { name: "pass over 1,000", run: |place| pass_over(place, 1_000) },
    ],
    claims: &[
        claim("each entry seen", "pass over 100,000", "bare", Time(15.0)),
        claim("all entries kept", "keep all", "bare", Nothing),
    ],
    roles: &[],
    warm_up: true,
    growth: Some(&[("pass over 1,000", 1_000), ("pass over 10,000", 10_000), ("pass over 100,000", 100_000)]),
};

pub(crate) const END: Row = Row {
    number: 6,
    title: "the end of 100,000 entries",
    prepare: |place| long(place, 100_000).prepare(place),
    sides: &[
        Side { name: "newest 20", run: newest },
        Side { name: "blessed", run: blessed },
        Side { name: "the whole", run: |place| pass_over(place, 100_000) },
    ],
    claims: &[
        claim("newest 20", "newest 20", "the whole", Time(0.02)),
        claim("blessed", "blessed", "the whole", Time(0.02)),
    ],
    roles: &[],
    warm_up: true,
    growth: None,
};

const REPEAT: usize = 9;

fn long(place: &Place, entries: usize) -> Farm {
    Farm::one(place.size(entries, entries / 50))
}

fn pass_over(place: &Place, entries: usize) -> Result<Sample> {
    let farm = long(place, entries);
    let (history, package) = (farm.history(place), farm.package(place)?);
    worker::often(REPEAT, || {
        let mut blessed = 0_u64;
        history.for_each(&package, |entry| blessed += u64::from(entry.blessed))?;
        Ok(blessed)
    })
}

fn keep_all(place: &Place) -> Result<Sample> {
    let farm = long(place, 100_000);
    let (history, package) = (farm.history(place), farm.package(place)?);
    worker::often(REPEAT, || Ok(history.read(&package)?))
}

fn bare(place: &Place) -> Result<Sample> {
    let farm = long(place, 100_000);
    let path = farm.history(place).tree().history(&farm.package(place)?);
    let mut buffer = bare::buffer();
    worker::often(REPEAT, || bare::read(&path, &mut buffer))
}

fn newest(place: &Place) -> Result<Sample> {
    let farm = long(place, 100_000);
    let (history, package) = (farm.history(place), farm.package(place)?);
    worker::often(REPEAT, || Ok(history.newest(&package, 20)?))
}

fn blessed(place: &Place) -> Result<Sample> {
    let farm = long(place, 100_000);
    let (history, package) = (farm.history(place), farm.package(place)?);
    worker::often(REPEAT, || Ok(history.read_blessed(&package)?))
}
