//! Rows 21 and 22: holding operations back until the files they read are there.

use std::collections::{HashMap, VecDeque};

use anyhow::{Context as _, Result, ensure};
use buildbook::guard::{Allowed, Guard};

use crate::data::Place;
use crate::row::Target::Seconds;
use crate::row::{Row, Sample, Side, claim};
use crate::worker;

pub(crate) const SEPARATE: Row = Row {
    number: 21,
    title: "guard, 1,000,000 operations with a read each",
    prepare: |_| Ok(()),
    sides: &[
        Side { name: "ours", run: separate },
        Side { name: "map and counters", run: |place| bare(place, Shape::Separate) },
    ],
    claims: &[claim("", "ours", "map and counters", Seconds(0.5)).original("1.98 s")],
    roles: &[],
    warm_up: true,
    growth: None,
};

pub(crate) const FAN_IN: Row = Row {
    number: 22,
    title: "guard, an operation with 1,000,000 reads",
    prepare: |_| Ok(()),
    sides: &[
        Side { name: "ours", run: fan_in },
        Side { name: "map and counters", run: |place| bare(place, Shape::FanIn) },
    ],
    claims: &[claim("", "ours", "map and counters", Seconds(0.5)).original("2.2 s")],
    roles: &[],
    warm_up: true,
    growth: None,
};

#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Separate,
    FanIn,
}

fn paths(place: &Place) -> Vec<String> {
    let count = place.size(1_000_000, 10_000);
    (0..count).map(|number| format!("/farm/build/object-{number:07}.o")).collect()
}

fn separate(place: &Place) -> Result<Sample> {
    let paths = paths(place);
    worker::once(|| {
        let mut guard = Guard::new();
        let mut files = Vec::new();
        for (op, path) in paths.iter().enumerate() {
            let file = guard.file(path);
            guard.add(op, &[file], &[]);
            files.push(file);
        }
        for file in files {
            guard.set_file_ready(file)?;
        }
        drain(guard, paths.len())
    })
}

fn fan_in(place: &Place) -> Result<Sample> {
    let paths = paths(place);
    worker::once(|| {
        let mut guard = Guard::new();
        let files: Vec<_> = paths.iter().map(|path| guard.file(path)).collect();
        guard.add(0, &files, &[]);
        for file in files {
            guard.set_file_ready(file)?;
        }
        drain(guard, 1)
    })
}

/// Takes all operations out. The guard is given back, so that dropping it is not counted.
fn drain(mut guard: Guard<usize>, expected: usize) -> Result<Guard<usize>> {
    let mut ready = 0;
    while let Some(allowed) = guard.allowed() {
        ready += usize::from(matches!(allowed, Allowed::Ready(_)));
    }
    ensure!(ready == expected, "{ready} operations are ready");
    Ok(guard)
}

/// The least that keeps books of this: a map from a path to its file, for each file who waits for it, for each
/// operation how much it waits for, and a queue. It asks no question that a guard must answer.
fn bare(place: &Place, shape: Shape) -> Result<Sample> {
    let paths = paths(place);
    worker::once(|| {
        let mut files: HashMap<String, usize> = HashMap::new();
        let mut waiters: Vec<Vec<u32>> = Vec::new();
        let mut missing: Vec<u32> = Vec::new();
        for path in &paths {
            let file = *files.entry(path.clone()).or_insert(waiters.len());
            let op = if shape == Shape::FanIn { 0 } else { file };
            waiters.push(vec![u32::try_from(op)?]);
            if missing.len() <= op {
                missing.push(0);
            }
            *missing.get_mut(op).context("it is there")? += 1;
        }
        let mut allowed = VecDeque::new();
        for waiting in &mut waiters {
            for op in std::mem::take(waiting) {
                let missing = missing.get_mut(op as usize).context("it is there")?;
                *missing -= 1;
                if *missing == 0 {
                    allowed.push_back(op);
                }
            }
        }
        let ready = std::iter::from_fn(|| allowed.pop_front()).count();
        ensure!(ready == missing.len(), "{ready} operations are ready");
        Ok((files, waiters, missing))
    })
}
