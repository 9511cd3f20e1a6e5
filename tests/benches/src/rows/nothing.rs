//! Row 26: a build that has nothing to do.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use buildbook::memo::{Memo, Tool};

use crate::builds;
use crate::crew::Role;
use crate::data::Place;
use crate::row::Target::Time;
use crate::row::{Row, Sample, Side, claim};
use crate::worker::{self, myself};

pub(crate) const ROW: Row = Row {
    number: 26,
    title: "10,000 operations, nothing to do",
    prepare: |place| SHAPES.iter().try_for_each(|shape| prepare(place, *shape)),
    sides: &[
        Side { name: "ours", run: |place| ours(place, ONE_READ) },
        Side { name: "ninja", run: |place| builds::ninja(&ninja_folder(place, ONE_READ)?) },
        Side { name: "ours, headers", run: |place| ours(place, HEADERS) },
        Side { name: "ninja, headers", run: |place| builds::ninja(&ninja_folder(place, HEADERS)?) },
    ],
    claims: &[
        claim("each reads a file of its own", "ours", "ninja", Time(1.5)),
        claim("and 10 of 1,000 that all share", "ours, headers", "ninja, headers", Time(1.5)),
    ],
    roles: &[
        Role { name: "one read", play: |place, _| run(place, ONE_READ) },
        Role { name: "headers", play: |place, _| run(place, HEADERS) },
    ],
    warm_up: true,
    growth: None,
};

/// What operations read beside a file of their own.
#[derive(Clone, Copy)]
struct Shape {
    name: &'static str,
    headers: usize,
}

const ONE_READ: Shape = Shape { name: "one read", headers: 0 };
const HEADERS: Shape = Shape { name: "headers", headers: 10 };
const SHAPES: [Shape; 2] = [ONE_READ, HEADERS];

/// How many headers there are to read.
const SHARED: usize = 1_000;

fn count(place: &Place) -> usize {
    place.size(10_000, 100)
}

fn folder(place: &Place, shape: Shape) -> Result<PathBuf> {
    builds::lasting(place, &format!("nothing-{}-{}", count(place), shape.headers))
}

fn ninja_folder(place: &Place, shape: Shape) -> Result<PathBuf> {
    builds::lasting(place, &format!("nothing-{}-{}-ninja", count(place), shape.headers))
}

/// Which headers an operation reads.
fn headers(number: usize, shape: Shape) -> impl Iterator<Item = String> {
    (0..shape.headers).map(move |index| format!("include/{}.h", (number * 7 + index * 91) % SHARED))
}

fn put_sources(place: &Place, shape: Shape, folder: &std::path::Path) -> Result<()> {
    if folder.join("src").join((count(place) - 1).to_string()).exists() {
        return Ok(());
    }
    fs::create_dir_all(folder.join("include"))?;
    fs::create_dir_all(folder.join("src"))?;
    let headers = if shape.headers == 0 { 0 } else { SHARED };
    (0..headers)
        .try_for_each(|n| fs::write(folder.join(format!("include/{n}.h")), format!("header {n}\n")))?;
    (0..count(place)).try_for_each(|n| fs::write(folder.join(format!("src/{n}")), format!("{n}\n")))?;
    Ok(())
}

fn build(count: usize, shape: Shape) -> impl Fn(&Memo) {
    move |memo| {
        let cp = memo.tool(Tool::named("cp"));
        if shape.headers > 0 {
            (0..SHARED).for_each(|number| memo.file_ready(format!("include/{number}.h")));
        }
        for number in 0..count {
            let (from, to) = (format!("src/{number}"), format!("out/{number}"));
            memo.file_ready(&from);
            let cmd = cp.cmd().args([&from, &to]);
            let reads = std::iter::once(from).chain(headers(number, shape));
            drop(memo.spawn(cmd).reads(reads).writes([to]).start());
        }
    }
}

fn prepare(place: &Place, shape: Shape) -> Result<()> {
    builds::need_ninja()?;
    let (folder, ninja) = (folder(place, shape)?, ninja_folder(place, shape)?);
    put_sources(place, shape, &folder)?;
    put_sources(place, shape, &ninja)?;
    let edges = (0..count(place)).map(|number| {
        let mut edge = format!("build out/{number}: work src/{number}");
        for (index, header) in headers(number, shape).enumerate() {
            let _ = write!(edge, "{}{header}", if index == 0 { " | " } else { " " });
        }
        edge
    });
    builds::write_manifest(&ninja, "cp $in $out", edges)?;
    builds::settle_ninja(&ninja)?;
    builds::settle(&builds::settings(&folder), &build(count(place), shape))
}

/// Measures a program that does nothing but the build, from its start to its end, as ninja is measured.
fn ours(place: &Place, shape: Shape) -> Result<Sample> {
    builds::settle(&builds::settings(&folder(place, shape)?), &build(count(place), shape))?;
    worker::program(&mut myself(place, &format!("role {} 0/1 {}", ROW.number, shape.name))?)
}

fn run(place: &Place, shape: Shape) -> Result<()> {
    let mut memo = Memo::new(builds::settings(&folder(place, shape)?));
    build(count(place), shape)(&memo);
    memo.finish().into_result().context("a build that has nothing to do")
}
