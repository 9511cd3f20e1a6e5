//! Names and places of a build farm's book.
//!
//! A book is a folder tree that several programs, written in several languages, read and write at
//! the same time. They agree on two things: how a name is spelled ([`RunId`], [`PackageId`],
//! [`BuildHash`], [`LayerName`], [`Universe`], [`Platform`], [`Timestamp`]) and where a file lies
//! ([`Book`] and the trees below it). Both have their only home here.
//!
//! Every name that becomes a component of a path is a validated type. A value of such a type has no
//! separator, no NUL and no control character, is not `.` or `..`, does not begin with a dot, and has
//! at most [`MAX_NAME_BYTES`] bytes, so joining it to a folder can never leave that folder.
//!
//! # What this crate does not do
//!
//! It performs no I/O, with one exception: [`Timestamp::now`] reads the clock, and it is the only
//! place of the workspace that does. It knows names and places, not the contents of files; the
//! crate that owns a format documents it.
//!
//! # Example
//!
//! ```
//! use buildbook_layout::{Book, PackageId, Platform, RunId, Timestamp};
//!
//! # fn main() -> Result<(), buildbook_layout::InvalidName> {
//! let book = Book::at("/srv/farm");
//! let platform: Platform = "debian-12-x86_64".parse()?;
//! let package: PackageId = "astring.0.8.5".parse()?;
//! assert_eq!((package.name(), package.version()), ("astring", Some("0.8.5")));
//! assert_eq!(
//!     book.platform(&platform).packages().history(&package).to_str(),
//!     Some("/srv/farm/debian-12-x86_64/packages/astring.0.8.5/history.jsonl"),
//! );
//!
//! let start = Timestamp::parse("2026-03-09T12:54:44Z").expect("a time in the format of the book");
//! let id = RunId::starting_at(start);
//! assert_eq!(id.as_str(), "2026-03-09-125444");
//! assert_eq!(book.logs().run(&id).summary().to_str(), Some("/srv/farm/logs/runs/2026-03-09-125444/summary.json"));
//!
//! assert!("../../etc".parse::<PackageId>().is_err());
//! # Ok(())
//! # }
//! ```

mod category;
mod component;
mod hash;
mod package;
mod places;
mod run_id;
mod timestamp;

pub use category::{Category, Kind};
pub use component::{InvalidName, MAX_NAME_BYTES, Platform, Reason};
pub use hash::{BuildHash, LayerKind, LayerName, Universe};
pub use package::PackageId;
pub use places::{Book, HtmlTree, LayerTree, LogTree, PackagesTree, PlatformTree, RunTree};
pub use run_id::RunId;
pub use timestamp::{InvalidTimestamp, Timestamp};
