//! File primitives that a program can trust with years of data.
//!
//! The standard library opens, reads and writes; this crate adds what several programs need that share
//! one folder tree and may each be killed at any moment:
//!
//! * [`Lock`] excludes other threads, other processes, and programs that use `lockf`; [`probe`] looks
//!   at a lock without taking or disturbing it, [`LockFile`] at its holder's note too; [`FolderLock`] locks a
//!   folder.
//! * [`Appender`] and [`append_lines`] add whole lines to a file that others append to and replace,
//!   and repair what a crash cut off.
//! * [`Lines`] and [`LinesFromEnd`] read lines in bounded memory, whatever the file holds;
//!   [`read_file`] reads a small file whole.
//! * [`FileSystem`] waits once for everything that was written, where many small results are to be durable.
//! * [`sync_folder`], [`create_folders`] and [`remove_tree`] treat folders; [`remove_trees`] removes many at the same
//!   time, and [`in_parallel`] looks at many.
//! * [`OpenFolder`] looks at many files, [`Stamp`] and [`digest`] tell whether they are still what was read.
//! * [`op`] has every single call that changes a file system, in one place. Tests count, fail and stop
//!   them with [`faults`](op#tests).
//!
//! It knows nothing of builds, runs or packages. Replacing a file or a folder in one step is the next
//! layer's business (`buildbook-atomic-swap`).
//!
//! # Limits
//!
//! Locks need a local file system: over NFS they depend on the server, and a lock is only as good as
//! the file system says. A final component that is a symbolic link is never followed, and only regular
//! files are read, written or locked; a FIFO or a device in their place is an error and does not block.
//!
//! # Example
//!
//! ```
//! use buildbook_fsio::{Durability, LinesFromEnd, Lock, Probe, append_lines, probe};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let book = folder.path().join("book");
//! append_lines(&book, b"first\n", Durability::Cached)?;
//! append_lines(&book, b"second\n", Durability::Synced)?;
//! let newest = LinesFromEnd::open(&book)?.expect("it exists").next().expect("it has a line")?;
//! assert_eq!(newest.bytes, b"second");
//!
//! let path = folder.path().join("lock");
//! let lock = Lock::acquire(&path)?;
//! assert!(matches!(probe(&path)?, Probe::Held { .. }), "looking sees our own lock, and leaves it alone");
//! assert!(Lock::try_acquire(&path)?.is_none());
//! lock.release();
//! assert!(matches!(probe(&path)?, Probe::Free));
//! # Ok(())
//! # }
//! ```

mod append;
mod digest;
mod error;
#[cfg(feature = "faults")]
pub mod faults;
mod file_system;
mod folder;
mod kernel;
mod lines;
mod lines_from_end;
mod lock;
mod lock_file;
mod names;
pub mod op;
mod open;
mod open_folder;
mod parallel;
mod remove;
mod stamp;

pub use append::{Appended, Appender, append_lines};
pub use digest::digest;
pub use error::{Error, explained};
pub use file_system::FileSystem;
pub use folder::{create_folders, leads_nowhere, sync_folder};
pub use lines::{Line, LineRef, Lines, MAX_LINE_BYTES};
pub use lines_from_end::LinesFromEnd;
pub use lock::{FolderLock, Lock, Probe, Taken, probe, read_note};
pub use lock_file::LockFile;
pub use names::{Kind, Listed, NamesBuffer};
pub use op::Durability;
pub use open::{open_file, open_with_metadata, read_file};
pub use open_folder::{Facts, OpenFolder};
pub use parallel::{in_parallel, in_parallel_on, must_stay_in_thread};
pub use remove::{remove_tree, remove_trees};
pub use stamp::Stamp;

/// The result of an operation on files.
pub type Result<T> = std::result::Result<T, Error>;
