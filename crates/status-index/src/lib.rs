//! Where every package stands, and what changed.
//!
//! [`generate`] reads every history of a [`History`](buildbook_history::History) once, on all cores, and gives
//!
//! * a [`Status`] in numbers, with every [`Change`] since the previous one: of each package's blessed build
//!   or documentation across hashes, and of every other build by itself;
//! * a [`Standing`] for each package and kind: how it stands, and since when;
//! * a [`Problem`] for everything that could not be read, which stops nothing else.
//!
//! [`generate_incremental`] says the same and reads only what has changed since a [`Cache`] was made.
//!
//! [`write()`] puts the status into `status.json`, [`read`] reads it. The format is described with [`Status`].
//!
//! # What this crate does not do
//!
//! It does not decide how a build ended, and it sends no messages. It does not look at layers: a failure is
//! counted under the category that was recorded. Nothing is remembered between two calls but what the caller hands in:
//! the previous status, which says what changes are relative to, and a cache, which changes nothing but the time it takes.
//!
//! Memory grows with the number of packages and of their builds, not with that of entries; a history whose entries are
//! not in the order of their runs is held as a whole, some 64 bytes for each entry, while it is read.
//!
//! # Example
//!
//! ```
//! use buildbook_history::{Entry, History};
//! use buildbook_layout::{Category, PackageId, PackagesTree, RunId, Timestamp};
//! use buildbook_status_index::{Durability, What, generate, read, write};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let history = History::at(PackagesTree::at(folder.path().join("packages")));
//! let package: PackageId = "astring.0.8.5".parse()?;
//! let mut record = |run: &str, hash: &str, status: &str, category: &str| {
//!     history.append(&package, &Entry {
//!         ts: "2026-03-09T12:54:44Z".to_owned(),
//!         run: run.to_owned(),
//!         build_hash: hash.to_owned(),
//!         status: status.to_owned(),
//!         category: Category::new(category),
//!         compiler: "5.3.0".to_owned(),
//!         blessed: true,
//!         error: None,
//!         failed_dep: None,
//!         failed_dep_hash: None,
//!         universe: None,
//!     })
//! };
//! record("2026-03-08-120000", "build-a1b2c3d4e5f6", Entry::SUCCESS, "success")?;
//! record("2026-03-09-120000", "build-0f1e2d3c4b5a", Entry::FAILURE, "build_failure")?;
//!
//! let run: RunId = "2026-03-09-120000".parse()?;
//! let now = Timestamp::parse("2026-03-09T13:00:00Z")?;
//! let generated = generate(&history, &run, None, now)?;
//! assert_eq!(generated.status.changes[0].what, Some(What::NewFailure), "although the hash is another one");
//! assert_eq!(generated.standings[0].since_run, "2026-03-09-120000");
//!
//! write(folder.path(), &generated.status, Durability::Cached)?;
//! assert_eq!(read(folder.path())?, Some(generated.status));
//! # Ok(())
//! # }
//! ```

mod bounds;
#[cfg(test)]
mod by_definition;
mod bytes;
mod cache;
mod clock;
mod error;
mod facts;
mod file;
mod fold;
mod generate;
mod incremental;
mod memory;
mod names;
mod part;
mod passing;
mod past;
mod recall;
mod record;
mod scan;
mod standing;
mod state;
mod status;
mod window;

pub use buildbook_atomic_swap::Durability;
pub use cache::Cache;
pub use error::Error;
pub use file::{Inspected, inspect, read, write};
pub use generate::{Generated, Problem, generate};
pub use incremental::generate_incremental;
pub use standing::Standing;
pub use status::{Change, Status, Totals, VERSION, What};

/// The result of an operation on the index.
pub type Result<T> = std::result::Result<T, Error>;
