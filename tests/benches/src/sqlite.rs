//! The book in SQLite, as somebody would keep it there: one table, the index that its questions need, and the queries
//! that come to mind.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use buildbook::history::Entry;
use buildbook::layout::PackageId;
use rusqlite::{CachedStatement, Connection, params};

/// What survives a power cut.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Synchronous {
    /// A commit may be lost; the database stays whole.
    Normal,
    /// A commit that has returned survives.
    Full,
}

const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS entry (
        id INTEGER PRIMARY KEY,
        pkg TEXT NOT NULL,
        ts TEXT NOT NULL,
        run TEXT NOT NULL,
        build_hash TEXT NOT NULL,
        status TEXT NOT NULL,
        category TEXT NOT NULL,
        doc INTEGER NOT NULL,
        compiler TEXT NOT NULL,
        blessed INTEGER NOT NULL,
        error TEXT,
        failed_dep TEXT,
        failed_dep_hash TEXT,
        universe TEXT
    );
    CREATE INDEX IF NOT EXISTS by_build ON entry (pkg, build_hash, id);";

/// What the questions about blessed entries need beyond that. It is made when all rows are there.
pub(crate) const INDEX_OF_BLESSED: &str = "CREATE INDEX blessed ON entry (pkg, doc, id) WHERE blessed";

const INSERT: &str = "
    INSERT INTO entry
        (pkg, ts, run, build_hash, status, category, doc, compiler, blessed, error, failed_dep, failed_dep_hash, universe)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";

/// Opens a database, and makes it where it is missing.
pub(crate) fn open(path: &Path, synchronous: Synchronous) -> Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(120))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    let word = match synchronous {
        Synchronous::Normal => "NORMAL",
        Synchronous::Full => "FULL",
    };
    connection.pragma_update(None, "synchronous", word)?;
    connection.execute_batch(TABLE)?;
    Ok(connection)
}

/// Adds rows to a database. Outside of a transaction, each row is one.
pub(crate) struct Inserter<'a>(CachedStatement<'a>);

impl<'a> Inserter<'a> {
    pub(crate) fn new(connection: &'a Connection) -> Result<Inserter<'a>> {
        Ok(Inserter(connection.prepare_cached(INSERT)?))
    }

    pub(crate) fn insert(&mut self, package: &PackageId, entry: &Entry) -> Result<()> {
        let category = entry.category.as_str();
        self.0.execute(params![
            package.as_str(),
            entry.ts,
            entry.run,
            entry.build_hash,
            entry.status,
            category,
            category.starts_with("doc_"),
            entry.compiler,
            entry.blessed,
            entry.error,
            entry.failed_dep,
            entry.failed_dep_hash,
            entry.universe,
        ])?;
        Ok(())
    }
}

/// The numbers of a status.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) blessed: BTreeMap<String, u64>,
    pub(crate) other: BTreeMap<String, u64>,
    pub(crate) changes: Vec<(String, String)>,
    pub(crate) new_packages: Vec<String>,
}

/// The newest entry of every build.
const LATEST: &str = "
    CREATE TEMP TABLE latest AS
        SELECT max(id) AS id FROM entry GROUP BY pkg, build_hash";

/// The newest blessed entry of every package and kind, which stands for it.
const STANDING: &str = "
    CREATE TEMP TABLE standing AS
        SELECT max(id) AS id, pkg, doc, build_hash, run, category
        FROM entry WHERE blessed GROUP BY pkg, doc";

const BLESSED: &str = "SELECT category, count(*) FROM standing GROUP BY category";

const OTHER: &str = "
    SELECT e.category, count(*) FROM latest JOIN entry e USING (id)
        LEFT JOIN standing s ON s.pkg = e.pkg AND s.doc = e.doc AND s.build_hash = e.build_hash
        WHERE s.id IS NULL GROUP BY e.category";

/// A package that stands otherwise than before this run, and every other build that ended otherwise than the last time.
const CHANGES: &str = "
    SELECT s.pkg, s.category FROM standing s
        WHERE s.run = ?1 AND s.category <> (
            SELECT p.category FROM entry p
                WHERE p.pkg = s.pkg AND p.doc = s.doc AND p.blessed AND p.run < ?1 ORDER BY p.id DESC LIMIT 1)
    UNION ALL
    SELECT e.pkg, e.category FROM latest JOIN entry e USING (id)
        WHERE e.run = ?1 AND NOT e.blessed AND e.category <> (
            SELECT p.category FROM entry p
                WHERE p.pkg = e.pkg AND p.build_hash = e.build_hash AND p.run < ?1 ORDER BY p.id DESC LIMIT 1)";

/// Packages whose first entry is of this run.
const NEW: &str = "SELECT pkg FROM entry WHERE id IN (SELECT min(id) FROM entry GROUP BY pkg) AND run >= ?1";

/// Asks for what a status has.
pub(crate) fn status(connection: &Connection, run: &str) -> Result<Answer> {
    connection.execute_batch("DROP TABLE IF EXISTS temp.latest; DROP TABLE IF EXISTS temp.standing")?;
    connection.execute_batch(LATEST)?;
    connection.execute_batch(STANDING)?;
    let totals = |query: &str| -> Result<BTreeMap<String, u64>> {
        let mut statement = connection.prepare(query)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    };
    let (blessed, other) = (totals(BLESSED)?, totals(OTHER)?);
    let mut statement = connection.prepare(CHANGES)?;
    let changes = statement.query_map([run], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let changes = changes.collect::<rusqlite::Result<_>>()?;
    let mut statement = connection.prepare(NEW)?;
    let new_packages = statement.query_map([run], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    Ok(Answer { blessed, other, changes, new_packages })
}
