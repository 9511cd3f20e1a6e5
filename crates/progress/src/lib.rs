//! How far the run in flight is, written for pollers and read by them.
//!
//! A run has one small file, `progress.json` in its folder. Its writer replaces it in one step with
//! [`write()`], as often as there is news, and removes it with [`delete`] when the run is over; everybody
//! else looks at it with [`read`] whenever they like. A [`Progress`] is a plain record, and the record is
//! the format: what its fields mean is written at the fields.
//!
//! The file says nothing of its writer's death. It says how old it is: [`Progress::age`] is the time since
//! it was written, and a writer that writes at a fixed pace, news or not, lets a poller tell a quiet run from
//! a dead one. Whether the writer is alive is known to the lock of its run (`buildbook-runlog`).
//!
//! # What this crate does not do
//!
//! It does not check that phases follow each other, nor that what is completed is within the total: it is
//! a report, and a report of nonsense must still be readable. It keeps no history of snapshots, and two
//! writers of one run do not add their counts, the later one wins.
//!
//! # Example
//!
//! ```
//! use std::time::Duration;
//!
//! use buildbook_layout::Timestamp;
//! use buildbook_progress::{Phase, Progress, delete, read, write};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let start = Timestamp::parse("2026-03-09T12:54:44Z")?;
//! let mut progress =
//!     Progress::create("2026-03-09-125444".parse()?, "2026-03-09T12:54:44", ["astring.0.8.5", "fmt.0.9.0"])
//!         .set_solutions(2, 0)
//!         .set_phase(Phase::Building)
//!         .set_build_total(2)
//!         .incr_build_completed();
//! write(folder.path(), &mut progress, start)?;
//!
//! let seen = read(folder.path())?.expect("it was just written");
//! assert_eq!(seen.phase, Phase::Building);
//! assert_eq!(seen.build_percent(), Some(50));
//! let later = Timestamp::parse("2026-03-09T12:55:14Z")?;
//! assert_eq!(seen.age(later), Some(Duration::from_secs(30)));
//!
//! delete(folder.path())?;
//! assert_eq!(read(folder.path())?, None);
//! # Ok(())
//! # }
//! ```

mod error;
mod file;
mod phase;
mod progress;
mod text;

pub use error::Error;
pub use file::{delete, read, write};
pub use phase::Phase;
pub use progress::Progress;

/// The result of an operation on a progress file.
pub type Result<T> = std::result::Result<T, Error>;
