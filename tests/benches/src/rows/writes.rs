//! Row 24: files that functions write, when what they would write is known.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use buildbook::memo::Memo;

use crate::builds::{self, Outcome};
use crate::data::{Place, remove};
use crate::row::Target::{None as Nothing, Time};
use crate::row::{Row, Sample, Side, claim};
use crate::{bare, worker};

pub(crate) const ROW: Row = Row {
    number: 24,
    title: "10,000 writes, warm",
    prepare,
    sides: &[
        Side { name: "ours, gone", run: |place| ours(place, true) },
        Side { name: "copies", run: copies },
        Side { name: "ours, there", run: |place| ours(place, false) },
        Side { name: "ninja, there", run: |place| builds::ninja(&ninja_folder(place)?) },
    ],
    claims: &[
        claim("the files are gone, beside copies on all cores", "ours, gone", "copies", Nothing)
            .original("0.23 s as hard links, 2.2 s as copies"),
        claim("the files are there", "ours, there", "ninja, there", Time(1.5)),
    ],
    roles: &[],
    warm_up: true,
    growth: None,
};

fn count(place: &Place) -> usize {
    place.size(10_000, 100)
}

fn folder(place: &Place) -> Result<PathBuf> {
    builds::lasting(place, &format!("writes-{}", count(place)))
}

fn ninja_folder(place: &Place) -> Result<PathBuf> {
    builds::lasting(place, &format!("writes-{}-ninja", count(place)))
}

fn build(count: usize) -> impl Fn(&Memo) {
    move |memo| {
        for number in 0..count {
            let make = move || Ok(format!("contents of {number}\n").into_bytes());
            drop(memo.write_with(format!("out/{number}"), "1", make).start());
        }
    }
}

fn prepare(place: &Place) -> Result<()> {
    builds::need_ninja()?;
    builds::settle(&builds::settings(&folder(place)?), &build(count(place)))?;
    let ninja = ninja_folder(place)?;
    let edges = (0..count(place)).map(|number| format!("build out/{number}: work\n  number = {number}"));
    builds::write_manifest(&ninja, "echo contents of $number > $out", edges)?;
    builds::settle_ninja(&ninja)
}

fn ours(place: &Place, are_gone: bool) -> Result<Sample> {
    let (folder, build) = (folder(place)?, build(count(place)));
    let settings = builds::settings(&folder);
    if are_gone {
        remove(&folder.join("out"))?;
        place.sync()?;
    } else {
        builds::settle(&settings, &build)?;
    }
    builds::measure(settings, &build, Outcome::Revived)
}

/// Reads files and writes others like them.
fn copies(place: &Place) -> Result<Sample> {
    let (from, to) = (ninja_folder(place)?.join("out"), place.scratch("writes")?);
    let numbers: Vec<usize> = (0..count(place)).collect();
    let share = numbers.len().div_ceil(bare::threads());
    worker::once(|| {
        std::thread::scope(|scope| {
            let copiers: Vec<_> =
                numbers.chunks(share).map(|numbers| scope.spawn(|| copy(numbers, &from, &to))).collect();
            copiers.into_iter().try_for_each(|copier| copier.join().ok().context("a thread panicked")?)
        })
    })
}

fn copy(numbers: &[usize], from: &Path, to: &Path) -> Result<()> {
    for number in numbers {
        let name = number.to_string();
        fs::write(to.join(&name), fs::read(from.join(&name))?)?;
    }
    Ok(())
}
