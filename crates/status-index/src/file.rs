//! `status.json`: reading and replacing it.

use std::fmt::Display;
use std::path::Path;

use buildbook_atomic_swap::{Durability, replace_file};
use buildbook_fsio::read_file;
use buildbook_layout::{Category, PackageId, PlatformTree};
use serde_json::{Map, Value};

use crate::{Change, Error, Result, Status, Totals, VERSION, What};

/// A status of a hundred thousand packages that all changed has some 40 MB.
const MAX_BYTES: u64 = 512 << 20;

/// A status, and what in its file could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inspected {
    /// What could be used.
    pub status: Status,
    /// What was left out: a count that is no number, a change that is not complete. Of very many, the last one here
    /// says how many more there are.
    pub problems: Vec<String>,
}

/// How many problems of a file are told apart. A file can have one for every two bytes.
const MOST_PROBLEMS: usize = 1000;

/// The problems of a file: the first of them, and how many more there are.
#[derive(Default)]
struct Problems {
    first: Vec<String>,
    more: u64,
}

impl Problems {
    fn add(&mut self, problem: impl Display) {
        if self.first.len() < MOST_PROBLEMS {
            self.first.push(problem.to_string());
        } else {
            self.more += 1;
        }
    }

    fn into_list(mut self) -> Vec<String> {
        if self.more > 0 {
            self.first.push(format!("and {} more", self.more));
        }
        self.first
    }
}

/// Replaces `status.json` in a folder in one step. Readers see the old one or the new one; with
/// [`Durability::Synced`] the new one survives a power cut.
///
/// # Errors
///
/// [`Error::TooNew`] when the file is of a later version of the format; [`Error::Write`] when the system
/// refuses. The old file stands as it was. A corrupt one is replaced.
pub fn write(dir: &Path, status: &Status, durability: Durability) -> Result<()> {
    let path = path_in(dir);
    match inspect(dir) {
        Ok(_) | Err(Error::Corrupt { .. }) => {}
        Err(error) => return Err(error),
    }
    let mut text = serde_json::to_vec_pretty(status).expect("texts and numbers can be written to memory");
    text.push(b'\n');
    replace_file(&path, &text, durability).map_err(|source| Error::Write { path, source })
}

/// Reads `status.json` in a folder; `None` when there is none. What cannot be used is left out; see
/// [`inspect`].
///
/// # Errors
///
/// [`Error::Corrupt`] when it is no status, [`Error::TooNew`] when it is of a later version of the format, and
/// the system's answer.
pub fn read(dir: &Path) -> Result<Option<Status>> {
    Ok(inspect(dir)?.map(|inspected| inspected.status))
}

/// Reads `status.json` as [`read`] does, and says what in it could not be used.
///
/// # Errors
///
/// As [`read`].
pub fn inspect(dir: &Path) -> Result<Option<Inspected>> {
    let path = path_in(dir);
    let Some(bytes) = read_file(&path, MAX_BYTES)? else { return Ok(None) };
    let corrupt = |reason: &dyn Display| Error::Corrupt { path: path.clone(), reason: reason.to_string() };
    let value: Value =
        serde_json::from_str(&String::from_utf8_lossy(&bytes)).map_err(|error| corrupt(&error))?;
    let fields = value.as_object().ok_or_else(|| corrupt(&"it is not an object"))?;
    let version = match fields.get("version") {
        None => 1,
        Some(version) => version.as_u64().ok_or_else(|| corrupt(&"its version is not a whole number"))?,
    };
    if version > u64::from(VERSION) {
        return Err(Error::TooNew { path, version });
    }
    let required = |key| text(fields, key).ok_or_else(|| corrupt(&format_args!("it has no text at {key:?}")));
    let mut problems = Problems::default();
    let status = Status {
        generated: required("generated")?,
        run_id: required("run_id")?,
        blessed_totals: totals(fields, "blessed_totals", &mut problems),
        non_blessed_totals: totals(fields, "non_blessed_totals", &mut problems),
        changes: list(fields, "changes_since_last", change, &mut problems),
        new_packages: list(fields, "new_packages", |value| value.as_str()?.parse().ok(), &mut problems),
        version: u32::try_from(version).unwrap_or(VERSION),
        since: text(fields, "since"),
    };
    Ok(Some(Inspected { status, problems: problems.into_list() }))
}

fn path_in(dir: &Path) -> std::path::PathBuf {
    PlatformTree::at(dir).status()
}

fn text(fields: &Map<String, Value>, key: &str) -> Option<String> {
    Some(fields.get(key)?.as_str()?.to_owned())
}

fn totals(fields: &Map<String, Value>, key: &str, problems: &mut Problems) -> Totals {
    let mut totals = Totals::new();
    match fields.get(key) {
        None | Some(Value::Null) => {}
        Some(Value::Object(counts)) => {
            for (category, count) in counts {
                match count.as_u64() {
                    Some(count) => drop(totals.insert(Category::from(category.as_str()), count)),
                    None => {
                        let beginning: String = category.chars().take(80).collect();
                        problems.add(format_args!("{key}: the count of {beginning:?} is not a number"));
                    }
                }
            }
        }
        Some(_) => problems.add(format_args!("{key}: it is not an object")),
    }
    totals
}

fn list<T>(
    fields: &Map<String, Value>,
    key: &str,
    item: impl Fn(&Value) -> Option<T>,
    problems: &mut Problems,
) -> Vec<T> {
    let mut found = Vec::new();
    match fields.get(key) {
        None | Some(Value::Null) => {}
        Some(Value::Array(values)) => {
            for (number, value) in (1..).zip(values) {
                match item(value) {
                    Some(item) => found.push(item),
                    None => problems.add(format_args!("{key}: item {number} is not complete")),
                }
            }
        }
        Some(_) => problems.add(format_args!("{key}: it is not a list")),
    }
    found
}

fn change(value: &Value) -> Option<Change> {
    let fields = value.as_object()?;
    let package: PackageId = text(fields, "package")?.parse().ok()?;
    let to_status = Category::new(text(fields, "to")?);
    Some(Change {
        package,
        build_hash: text(fields, "build_hash")?,
        blessed: fields.get("blessed")?.as_bool()?,
        from_status: Category::new(text(fields, "from")?),
        // The original has no such key: the category tells.
        kind: to_status.kind(),
        to_status,
        from_hash: text(fields, "from_hash"),
        run: text(fields, "run"),
        what: text(fields, "what").and_then(|word| What::parse(&word)),
    })
}
