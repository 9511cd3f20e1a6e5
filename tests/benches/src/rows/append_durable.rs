//! Rows 3 and 4: adding lines beside adding rows to SQLite.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::Mutex;

use anyhow::{Result, bail, ensure};
use buildbook::layout::PackageId;
use rusqlite::Connection;

use super::append::{entry, expect_lines, history, line, package, path, share, start_anew};
use crate::bare;
use crate::crew::{self, Role};
use crate::data::Place;
use crate::row::Target::{None as Nothing, Rate};
use crate::row::{Row, Sample, Side, claim};
use crate::sqlite::{self, Inserter, Synchronous};
use crate::worker;

/// What has returned survives a power cut.
pub(crate) const SYNCED: Row = Row {
    number: 3,
    title: "append, durable",
    prepare: |_| Ok(()),
    sides: &[
        Side { name: "ours, 1", run: |place| synced(place, "ours", 1) },
        Side { name: "SQLite FULL, 1", run: |place| synced(place, "SQLite", 1) },
        Side { name: "bare, 1", run: |place| synced(place, "bare", 1) },
        Side { name: "bare, in place", run: |place| synced(place, "bare, in place", 1) },
        Side { name: "ours, 4", run: |place| synced(place, "ours", 4) },
        Side { name: "SQLite FULL, 4", run: |place| synced(place, "SQLite", 4) },
        Side { name: "a history each, 4", run: |place| synced(place, "a history each", 4) },
        Side { name: "group, 64", run: group },
        Side { name: "SQLite FULL, 64", run: sqlite_callers },
        Side { name: "SQLite FULL, 64 at one connection", run: sqlite_callers_in_line },
    ],
    claims: &[
        claim("1 writer", "ours, 1", "SQLite FULL, 1", Rate(1.0)),
        claim("1 writer, beside the same calls", "ours, 1", "bare, 1", Nothing),
        claim("1 writer, beside a file that does not grow", "ours, 1", "bare, in place", Nothing),
        claim("4 writers", "ours, 4", "SQLite FULL, 4", Rate(1.8)),
        claim("4 writers, a history each", "a history each, 4", "SQLite FULL, 4", Nothing),
        claim("64 callers, group commit", "group, 64", "SQLite FULL, 64", Rate(10.0)),
        claim("64 callers of one connection", "group, 64", "SQLite FULL, 64 at one connection", Rate(10.0)),
    ],
    roles: &[
        Role {
            name: "ours",
            play: |place, member| {
                let (mut appender, entry) = (history(place).appender(&package()), entry());
                member.gate()?;
                for _ in 0..share(durable(place), member) {
                    appender.append_synced(&entry)?;
                }
                Ok(())
            },
        },
        Role {
            name: "bare",
            play: |place, member| {
                let (path, line) = (path(place), line());
                let file = bare::open(&path)?;
                member.gate()?;
                for _ in 0..durable(place) {
                    bare::append(&file, &path, &line)?;
                    file.sync_data()?;
                }
                Ok(())
            },
        },
        Role {
            // As SQLite writes to its log, once that has grown: nothing but the bytes has to reach the device.
            name: "bare, in place",
            play: |place, member| {
                let line = line();
                let length = line.len() as u64;
                std::fs::write(path(place), line.repeat(usize::try_from(durable(place))?))?;
                let file = File::options().write(true).open(path(place))?;
                file.sync_all()?;
                member.gate()?;
                for at in 0..durable(place) {
                    file.write_all_at(&line, at * length)?;
                    file.sync_data()?;
                }
                Ok(())
            },
        },
        Role {
            name: "a history each",
            play: |place, member| {
                let package: PackageId = format!("anvil.{}", member.number).parse()?;
                let (mut appender, entry) = (history(place).appender(&package), entry());
                member.gate()?;
                for _ in 0..share(durable(place), member) {
                    appender.append_synced(&entry)?;
                }
                Ok(())
            },
        },
        Role {
            name: "SQLite",
            play: |place, member| {
                let connection = open(place, Synchronous::Full)?;
                member.gate()?;
                insert(&connection, share(durable(place), member))
            },
        },
    ],
    warm_up: true,
    growth: None,
};

/// What has returned survives the death of the process.
pub(crate) const CACHED: Row = Row {
    number: 4,
    title: "append, not durable",
    prepare: |_| Ok(()),
    sides: &[
        Side { name: "opened", run: |place| cached(place, "opened") },
        Side { name: "kept", run: |place| cached(place, "kept") },
        Side { name: "SQLite NORMAL", run: |place| cached(place, "SQLite") },
    ],
    claims: &[
        claim("file opened each time", "opened", "SQLite NORMAL", Rate(4.0)),
        claim("file kept open", "kept", "SQLite NORMAL", Rate(8.0)),
    ],
    roles: &[
        Role {
            name: "opened",
            play: |place, member| {
                let (history, package, entry) = (history(place), package(), entry());
                member.gate()?;
                for _ in 0..many(place) {
                    history.append(&package, &entry)?;
                }
                Ok(())
            },
        },
        Role {
            name: "kept",
            play: |place, member| {
                let (mut appender, entry) = (history(place).appender(&package()), entry());
                member.gate()?;
                for _ in 0..many(place) {
                    appender.append(&entry)?;
                }
                Ok(())
            },
        },
        Role {
            name: "SQLite",
            play: |place, member| {
                let connection = open(place, Synchronous::Normal)?;
                member.gate()?;
                insert(&connection, many(place))
            },
        },
    ],
    warm_up: true,
    growth: None,
};

const CALLERS: u64 = 64;

fn durable(place: &Place) -> u64 {
    place.size(4_000, 200) as u64
}

fn many(place: &Place) -> u64 {
    place.size(20_000, 400) as u64
}

fn synced(place: &Place, role: &str, processes: usize) -> Result<Sample> {
    start_with_database(place, Synchronous::Full)?;
    expect(place, crew::measure(place, 3, role, processes, durable(place))?)
}

fn cached(place: &Place, role: &str) -> Result<Sample> {
    start_with_database(place, Synchronous::Normal)?;
    expect(place, crew::measure(place, 4, role, 1, many(place))?)
}

/// Makes an empty book, and an empty database beside it.
fn start_with_database(place: &Place, synchronous: Synchronous) -> Result<()> {
    start_anew(place)?;
    place.scratch("database")?;
    drop(open(place, synchronous)?);
    place.sync()
}

/// Passes a measurement on if all lines or rows are there.
fn expect(place: &Place, sample: Sample) -> Result<Sample> {
    let rows: i64 =
        open(place, Synchronous::Full)?.query_one("SELECT count(*) FROM entry", [], |row| row.get(0))?;
    match rows.unsigned_abs() {
        0 => expect_lines(place, &sample)?,
        rows => ensure!(rows == sample.times, "there are {rows} rows after {} inserts", sample.times),
    }
    Ok(sample)
}

fn open(place: &Place, synchronous: Synchronous) -> Result<Connection> {
    sqlite::open(&place.made("scratch/database").join("book.db"), synchronous)
}

/// Adds rows, each a transaction.
fn insert(connection: &Connection, count: u64) -> Result<()> {
    let (package, entry) = (package(), entry());
    let mut rows = Inserter::new(connection)?;
    (0..count).try_for_each(|_| rows.insert(&package, &entry))
}

/// All callers share an appender, each has one entry at a time and waits until it is durable.
fn group(place: &Place) -> Result<Sample> {
    start_with_database(place, Synchronous::Full)?;
    let (appender, entry) = (history(place).group_appender(&package()), entry());
    callers(place, || {
        appender.append_synced(&entry)?;
        Ok(())
    })
}

/// Every caller has a connection of its own, as the documentation of SQLite recommends.
fn sqlite_callers(place: &Place) -> Result<Sample> {
    start_with_database(place, Synchronous::Full)?;
    let each = durable(place) / CALLERS;
    expect(
        place,
        worker::times(each * CALLERS, || in_threads(|| insert(&open(place, Synchronous::Full)?, each)))?,
    )
}

/// All callers share a connection, so that they wait in line and not for its lock.
fn sqlite_callers_in_line(place: &Place) -> Result<Sample> {
    start_with_database(place, Synchronous::Full)?;
    let connection = Mutex::new(open(place, Synchronous::Full)?);
    let (package, entry) = (package(), entry());
    callers(place, || {
        let connection = connection.lock().map_err(|_| anyhow::anyhow!("a caller panicked"))?;
        Inserter::new(&connection)?.insert(&package, &entry)
    })
}

/// Has all callers do something again and again.
fn callers(place: &Place, work: impl Fn() -> Result<()> + Sync) -> Result<Sample> {
    let each = durable(place) / CALLERS;
    expect(place, worker::times(each * CALLERS, || in_threads(|| (0..each).try_for_each(|_| work())))?)
}

fn in_threads(work: impl Fn() -> Result<()> + Sync) -> Result<()> {
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(&work)).collect();
        callers.into_iter().try_for_each(|caller| match caller.join() {
            Ok(done) => done,
            Err(_) => bail!("a caller panicked"),
        })
    })
}
