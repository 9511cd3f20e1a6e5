//! Rows 7, 8 and 9: where every package stands.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use buildbook::layout::{Category, PackageId};
use buildbook::status_index::{Cache, Generated, generate, generate_incremental};

use super::append::line;
use crate::bare;
use crate::data::{Farm, Place};
use crate::row::Target::Time;
use crate::row::{Row, Sample, Side, claim};
use crate::sqlite::{self, Inserter, Synchronous};
use crate::worker;

pub(crate) const FULL: Row = Row {
    number: 7,
    title: "status, full",
    prepare: |place| {
        [Farm::wide(place), Farm::deep(place), hundredth(place), tenth(place)]
            .into_iter()
            .try_for_each(|farm| farm.prepare(place))
    },
    sides: &[
        Side { name: "ours, 35,000 × 20", run: |place| full(place, Farm::wide(place)) },
        Side { name: "bare, 35,000 × 20", run: |place| read(place, Farm::wide(place)) },
        Side { name: "ours, 5,000 × 50", run: |place| full(place, Farm::deep(place)) },
        Side { name: "bare, 5,000 × 50", run: |place| read(place, Farm::deep(place)) },
        Side { name: "ours, 3,500 × 20", run: |place| full(place, tenth(place)) },
        Side { name: "ours, 350 × 20", run: |place| full(place, hundredth(place)) },
    ],
    claims: &[
        claim("35,000 packages × 20", "ours, 35,000 × 20", "bare, 35,000 × 20", Time(1.7)),
        claim("5,000 packages × 50", "ours, 5,000 × 50", "bare, 5,000 × 50", Time(2.5)),
    ],
    roles: &[],
    warm_up: true,
    growth: Some(&[("ours, 350 × 20", 350), ("ours, 3,500 × 20", 3_500), ("ours, 35,000 × 20", 35_000)]),
};

pub(crate) const QUERIES: Row = Row {
    number: 8,
    title: "status, full, beside SQLite",
    prepare: prepare_database,
    sides: &[
        Side { name: "ours", run: |place| full(place, Farm::deep(place)) },
        Side { name: "SQLite", run: queries },
    ],
    claims: &[claim("5,000 packages × 50", "ours", "SQLite", Time(0.5))],
    roles: &[],
    warm_up: true,
    growth: None,
};

pub(crate) const INCREMENTAL: Row = Row {
    number: 9,
    title: "status, incremental, 35,000 packages",
    prepare: |place| {
        [Farm::wide(place), hundredth(place), tenth(place)]
            .into_iter()
            .try_for_each(|farm| farm.prepare(place))
    },
    sides: &[
        Side { name: "ours, 0 %", run: |place| incremental(place, Farm::wide(place), 0) },
        Side { name: "ours, 1 %", run: |place| incremental(place, Farm::wide(place), 1) },
        Side { name: "ours, 10 %", run: |place| incremental(place, Farm::wide(place), 10) },
        Side { name: "bare", run: look },
        Side { name: "ours, 3,500 packages", run: |place| incremental(place, tenth(place), 1) },
        Side { name: "ours, 350 packages", run: |place| incremental(place, hundredth(place), 1) },
    ],
    claims: &[
        claim("nothing changed", "ours, 0 %", "bare", Time(1.6)),
        claim("1 % changed", "ours, 1 %", "bare", Time(1.8)),
        claim("10 % changed", "ours, 10 %", "bare", Time(2.5)),
    ],
    roles: &[],
    warm_up: true,
    growth: Some(&[("ours, 350 packages", 350), ("ours, 3,500 packages", 3_500), ("ours, 1 %", 35_000)]),
};

const REPEAT: usize = 3;

/// A tenth of the wide farm.
fn tenth(place: &Place) -> Farm {
    Farm { packages: place.size(500, 20), ..Farm::wide(place) }
}

fn hundredth(place: &Place) -> Farm {
    Farm { packages: place.size(50, 10), ..Farm::wide(place) }
}

pub(super) fn full(place: &Place, farm: Farm) -> Result<Sample> {
    worker::often(REPEAT, || status(place, farm))
}

pub(super) fn status(place: &Place, farm: Farm) -> Result<Generated> {
    let generated = generate(&farm.history(place), &farm.newest_run(), None, farm.now())?;
    ensure!(generated.problems.is_empty(), "{:?}", generated.problems.first());
    Ok(generated)
}

pub(super) fn read(place: &Place, farm: Farm) -> Result<Sample> {
    worker::often(REPEAT, || bare::read_all(&farm.path(place)))
}

fn database(place: &Place) -> PathBuf {
    let farm = Farm::deep(place);
    place.made(&format!("database-{}x{}", farm.packages, farm.entries)).join("book.db")
}

/// Loads all histories in one transaction, and looks whether SQLite gives the answer that the index gives.
fn prepare_database(place: &Place) -> Result<()> {
    let farm = Farm::deep(place);
    farm.prepare(place)?;
    let path = database(place);
    let name = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
    place.kept(&name, |_| {
        let connection = sqlite::open(&path, Synchronous::Full)?;
        let history = farm.history(place);
        let transaction = connection.unchecked_transaction()?;
        let mut rows = Inserter::new(&connection)?;
        for package in history.packages()?.packages {
            let mut done = Ok(());
            history.for_each(&package, |entry| {
                if done.is_ok() {
                    done = rows.insert(&package, &entry.into_entry());
                }
            })?;
            done?;
        }
        drop(rows);
        transaction.commit()?;
        Ok(connection.execute_batch(sqlite::INDEX_OF_BLESSED)?)
    })?;
    let answer = sqlite::status(&sqlite::open(&path, Synchronous::Full)?, farm.newest_run().as_str())?;
    let ours = status(place, farm)?.status;
    let totals = |totals: &BTreeMap<Category, u64>| -> BTreeMap<String, u64> {
        totals.iter().map(|(category, count)| (category.to_string(), *count)).collect()
    };
    ensure!(answer.blessed == totals(&ours.blessed_totals), "{:?} {:?}", answer.blessed, ours.blessed_totals);
    ensure!(
        answer.other == totals(&ours.non_blessed_totals),
        "{:?} {:?}",
        answer.other,
        ours.non_blessed_totals
    );
    let new: Vec<&str> = ours.new_packages.iter().map(PackageId::as_str).collect();
    ensure!(answer.new_packages == new, "new packages differ");
    let (theirs, ours) = (answer.changes.len(), ours.changes.len());
    ensure!(theirs == ours, "SQLite finds {theirs} changes, the index {ours}");
    Ok(())
}

fn queries(place: &Place) -> Result<Sample> {
    let connection = sqlite::open(&database(place), Synchronous::Full)?;
    let run = Farm::deep(place).newest_run();
    worker::often(REPEAT, || sqlite::status(&connection, run.as_str()))
}

/// The index after so many of a hundred packages got a new entry since the last one, which has left what it remembers:
/// to read that, to look at all histories, and to write what is to be remembered now.
fn incremental(place: &Place, farm: Farm, percent: usize) -> Result<Sample> {
    let packages = farm.path(place);
    let names = bare::names(&packages)?;
    let changed = names.chunks(100).flat_map(|hundred| hundred.iter().take(percent));
    let files: Vec<PathBuf> = changed.map(|name| packages.join(name).join("history.jsonl")).collect();
    let lengths = files.iter().map(|file| Ok(fs::metadata(file)?.len())).collect::<Result<Vec<u64>>>()?;
    let measure = || {
        remember(place, farm)?;
        for file in &files {
            bare::open(file)?.write_all(&line())?;
        }
        let sample = worker::once(|| remember(place, farm));
        // The next time finds the farm as this one did.
        for (file, length) in files.iter().zip(&lengths) {
            bare::open(file)?.set_len(*length)?;
        }
        sample
    };
    worker::median((0..REPEAT).map(|_| measure()).collect::<Result<_>>()?)
}

/// The index by what is remembered in the folder of the farm.
fn remember(place: &Place, farm: Farm) -> Result<Generated> {
    let packages = farm.path(place);
    let folder = packages.parent().unwrap_or(&packages);
    let mut cache = Cache::read(folder);
    let generated =
        generate_incremental(&farm.history(place), &farm.newest_run(), None, farm.now(), &mut cache)?;
    ensure!(generated.problems.is_empty(), "{:?}", generated.problems.first());
    cache.write(folder)?;
    Ok(generated)
}

fn look(place: &Place) -> Result<Sample> {
    worker::often(REPEAT, || bare::look_at_all(&Farm::wide(place).path(place)))
}
