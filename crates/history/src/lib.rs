//! What happened to each package in every run: one append-only file for each, `history.jsonl`.
//!
//! * [`History::append`] adds an [`Entry`]; any number of threads and processes may do so at once, the
//!   original's among them. What a crash cut off is closed off by the next append. [`History::appender`] keeps the
//!   file open in between; [`History::group_appender`] lets many threads wait together for a device.
//! * [`History::read`], [`History::read_latest`], [`History::read_blessed`] and [`History::newest`] read.
//!   A line that is torn, blank or foreign is skipped and reported as a [`Problem`]; entries that stand on
//!   such a line whole are read all the same.
//! * [`History::compact`] thins out what is old and says nothing new, while others append.
//! * [`History::set_broken_lines_aside`] moves what crashes left, and no reader can use, to a file beside it.
//! * [`Follower`] reads only what was added to a history since it was read last, and can say of an entry that it is
//!   an earlier one with another time and run: [`EntryVisitor`].
//! * [`History::packages`] lists the packages, [`History::for_each`] passes over all entries of one,
//!   and [`History::reader`] over those of many with the same memory.
//!
//! Entries keep what other versions of the format have; compaction copies lines byte for byte, so that it
//! keeps even what this version does not know. The format is described with [`Entry`], and in the project's
//! `docs/on-disk-layout.md`; what a crash can leave, in `docs/crash-safety.md`.
//!
//! # What this crate does not do
//!
//! It does not decide how a build ended, nor what changed between two runs. It does not interpret hashes and
//! run ids; only compaction puts entries in the order of their runs. A history has no index: all but
//! [`History::newest`] and [`History::read_blessed`] read the whole file, in memory bounded by what they
//! return.
//!
//! # Example
//!
//! ```
//! use buildbook_history::{Entry, History, Retention};
//! use buildbook_layout::{Category, PackageId, PackagesTree, Timestamp};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let history = History::at(PackagesTree::at(folder.path().join("packages")));
//! let package: PackageId = "astring.0.8.5".parse()?;
//! for day in 1..=5 {
//!     history.append(&package, &Entry {
//!         ts: format!("2026-03-0{day}T10:00:00Z"),
//!         run: format!("2026-03-0{day}-095500"),
//!         build_hash: "build-a1b2c3d4e5f6".to_owned(),
//!         status: Entry::SUCCESS.to_owned(),
//!         category: Category::new(Category::SUCCESS),
//!         compiler: "5.3.0".to_owned(),
//!         blessed: true,
//!         error: None,
//!         failed_dep: None,
//!         failed_dep_hash: None,
//!         universe: None,
//!     })?;
//! }
//! assert_eq!(history.newest(&package, 2)?.entries[1].ts, "2026-03-04T10:00:00Z");
//!
//! let now = Timestamp::parse("2026-06-01T00:00:00Z")?;
//! let compacted = history.compact(&package, &Retention::days(30), now)?;
//! assert_eq!((compacted.lines_before, compacted.lines_after), (5, 2), "the first and the last of five alike");
//! assert_eq!(history.read_blessed(&package)?.entry.expect("it is still there").ts, "2026-03-05T10:00:00Z");
//! # Ok(())
//! # }
//! ```

mod append;
mod canonical;
mod compact;
mod entry;
mod error;
mod group;
mod history;
mod packages;
mod parse;
mod problem;
mod read;
mod reader;
mod repeats;
mod resume;
mod rewrite;
mod set_aside;
mod start_of_line;
mod stragglers;
mod thin;
mod visit;

pub use append::Appender;
pub use buildbook_fsio::{Appended, OpenFolder, Stamp};
pub use compact::{Compacted, Retention};
pub use entry::{Entry, EntryRef};
pub use error::Error;
pub use group::GroupAppender;
pub use history::History;
pub use packages::Packages;
pub use problem::{Problem, Reason};
pub use read::{Blessed, Reading};
pub use reader::Reader;
pub use repeats::Repeats;
pub use resume::{Followed, Follower, Position};
pub use set_aside::SetAside;
pub use visit::{Again, Ascii, EntryVisitor};

/// The result of an operation on a history.
pub type Result<T> = std::result::Result<T, Error>;
