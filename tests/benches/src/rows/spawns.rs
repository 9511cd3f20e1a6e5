//! Row 25: processes that do next to nothing.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use buildbook::memo::{Durability, Memo, Tool};

use crate::builds::{self, Outcome};
use crate::data::{Place, remove};
use crate::row::Target::{None as Nothing, Time};
use crate::row::{Row, Sample, Side, claim};

pub(crate) const ROW: Row = Row {
    number: 25,
    title: "2,000 shells that write an empty file, 4 at a time",
    prepare,
    sides: &[
        Side { name: "ours, cold", run: |place| cold(place, Durability::Cached) },
        Side { name: "ours, cold, synced", run: |place| cold(place, Durability::Synced) },
        Side { name: "ninja, cold", run: cold_ninja },
        Side { name: "ours, gone", run: |place| warm(place, true) },
        Side { name: "ours, there", run: |place| warm(place, false) },
        Side { name: "ninja, there", run: |place| builds::ninja(&warm_ninja_folder(place)?) },
    ],
    claims: &[
        claim("cold", "ours, cold", "ninja, cold", Time(1.5)).original("3 to 4 s"),
        claim("cold, and the cache survives a power cut", "ours, cold, synced", "ninja, cold", Nothing),
        claim("warm, the files are gone", "ours, gone", "ninja, cold", Time(1.0))
            .original("0.05 s as hard links, 1.0 s as copies"),
        claim("warm, the files are there", "ours, there", "ninja, there", Time(1.5)),
    ],
    roles: &[],
    warm_up: false,
    growth: None,
};

fn count(place: &Place) -> usize {
    place.size(2_000, 50)
}

fn build(count: usize) -> impl Fn(&Memo) {
    move |memo| {
        let sh = memo.tool(Tool::named("sh"));
        for number in 0..count {
            let out = format!("out/{number}");
            let cmd = sh.cmd().arg("-c").arg(format!(": > {out}"));
            drop(memo.spawn(cmd).writes([&out]).start());
        }
    }
}

fn write_manifest(place: &Place, folder: &std::path::Path) -> Result<()> {
    let edges = (0..count(place)).map(|number| format!("build out/{number}: work"));
    builds::write_manifest(folder, ": > $out", edges)
}

fn warm_folder(place: &Place) -> Result<PathBuf> {
    builds::lasting(place, &format!("spawns-{}", count(place)))
}

fn warm_ninja_folder(place: &Place) -> Result<PathBuf> {
    builds::lasting(place, &format!("spawns-{}-ninja", count(place)))
}

fn prepare(place: &Place) -> Result<()> {
    builds::need_ninja()?;
    builds::settle(&builds::settings(&warm_folder(place)?), &build(count(place)))?;
    let folder = warm_ninja_folder(place)?;
    write_manifest(place, &folder)?;
    builds::settle_ninja(&folder)
}

fn cold(place: &Place, durability: Durability) -> Result<Sample> {
    let folder = fs::canonicalize(place.scratch("spawns")?)?;
    place.sync()?;
    let settings = builds::settings(&folder).durability(durability);
    builds::measure(settings, &build(count(place)), Outcome::Executed)
}

fn cold_ninja(place: &Place) -> Result<Sample> {
    let folder = place.scratch("spawns")?;
    write_manifest(place, &folder)?;
    place.sync()?;
    builds::ninja(&folder)
}

fn warm(place: &Place, are_gone: bool) -> Result<Sample> {
    let (folder, build) = (warm_folder(place)?, build(count(place)));
    let settings = builds::settings(&folder);
    if are_gone {
        remove(&folder.join("out"))?;
        place.sync()?;
    } else {
        builds::settle(&settings, &build)?;
    }
    builds::measure(settings, &build, Outcome::Revived)
}
