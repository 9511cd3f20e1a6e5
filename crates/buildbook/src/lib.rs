//! The book of a build farm.
//!
//! People who build every package of a language or of a distribution, again and again, need to know which
//! runs there were, how far the current one is, what happened to each package in every run, where everything
//! stands and what changed, which builds are in progress, what on disk can go, and whom to tell. This crate
//! re-exports the parts that answer, and has no code of its own:
//!
//! | module | answers | feature |
//! |---|---|---|
//! | [`runlog`] | which runs there were, what happened in one | `runlog` |
//! | [`progress`] | how far the run in flight is | `progress` |
//! | [`history`] | what happened to a package in every run | `history` |
//! | [`status_index`] | where every package stands, and what changed | `status-index` |
//! | [`build_lock`] | which builds are in progress | `build-lock` |
//! | [`gc`] | what on disk nothing needs | `gc` |
//! | [`batch_util`] | why a build failed, from its log | `batch-util` |
//! | [`notify`] | tells somebody | `notify` |
//! | [`layout`] | how names are spelled and where files lie | always |
//! | [`atomic_swap`], [`fsio`] | replacing, appending, locking | always |
//!
//! These are on by default. What builds packages, instead of keeping the book of their builds, is not, and no part
//! above needs it:
//!
//! | module | answers | feature |
//! |---|---|---|
//! | `guard` | which build operations may start, and why the others are stuck | `guard` |
//! | `memo` | what a build operation gave before, so that none runs twice | `memo` |
//!
//! A service that needs one or two depends on `buildbook-history` and so on
//! directly, or on this crate with `default-features = false`; only `notify` brings HTTP, SMTP and TLS.
//!
//! # What this crate does not do
//!
//! It builds nothing: the batch runner is the program `buildbook`. The files are those of the original
//! library, so dashboards written for it read them, and the other way round.
//!
//! # Example
//!
//! One result goes into the book, and the book says where things stand.
//!
#![cfg_attr(all(feature = "runlog", feature = "status-index"), doc = "```")]
#![cfg_attr(not(all(feature = "runlog", feature = "status-index")), doc = "```ignore")]
//! use buildbook::history::{Entry, History};
//! use buildbook::layout::{Book, Category, PackageId, Timestamp};
//! use buildbook::runlog::RunLog;
//! use buildbook::status_index;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let root = folder.path();
//! let book = Book::at(root);
//! let now = Timestamp::now();
//! let run = RunLog::at(book.logs()).start_run(now)?;
//!
//! let history = History::at(book.platform(&"debian-12-x86_64".parse()?).packages());
//! let package: PackageId = "astring.0.8.5".parse()?;
//! history.append(&package, &Entry {
//!     ts: now.to_string(),
//!     run: run.id().to_string(),
//!     build_hash: "build-0123456789ab".to_owned(),
//!     status: "success".to_owned(),
//!     category: Category::new(Category::SUCCESS),
//!     compiler: String::new(),
//!     blessed: true,
//!     error: None,
//!     failed_dep: None,
//!     failed_dep_hash: None,
//!     universe: None,
//! })?;
//!
//! let generated = status_index::generate(&history, run.id(), None, now)?;
//! assert_eq!(generated.status.blessed_totals[&Category::new("success")], 1);
//! assert_eq!(generated.status.new_packages, [package]);
//! # Ok(())
//! # }
//! ```

pub use buildbook_atomic_swap as atomic_swap;
#[cfg(feature = "batch-util")]
pub use buildbook_batch_util as batch_util;
#[cfg(feature = "build-lock")]
pub use buildbook_build_lock as build_lock;
pub use buildbook_fsio as fsio;
#[cfg(feature = "gc")]
pub use buildbook_gc as gc;
#[cfg(feature = "guard")]
pub use buildbook_guard as guard;
#[cfg(feature = "history")]
pub use buildbook_history as history;
pub use buildbook_layout as layout;
#[cfg(feature = "memo")]
pub use buildbook_memo as memo;
#[cfg(feature = "notify")]
pub use buildbook_notify as notify;
#[cfg(feature = "progress")]
pub use buildbook_progress as progress;
#[cfg(feature = "runlog")]
pub use buildbook_runlog as runlog;
#[cfg(feature = "status-index")]
pub use buildbook_status_index as status_index;
