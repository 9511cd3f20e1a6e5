//! One lock per build in progress, and who holds it.
//!
//! A builder takes the lock of what it is about to build: [`BuildLocks::acquire`],
//! [`try_acquire`](BuildLocks::try_acquire) or [`acquire_within`](BuildLocks::acquire_within). While the
//! [`BuildLock`] lives, no other thread or process has it, those of the original included, which use
//! `lockf`. Onlookers ask [`BuildLocks::list_active`] what is being built, by whom and since when;
//! [`list_active_layers`] finds the locks that later versions of the original hold beside layers.
//! [`BuildLocks::cleanup_stale`] removes the files that dead builders left.
//!
//! The kernel's lock is the truth and the text in the file describes it. A process that dies has no locks,
//! whatever its files say; a lock that is held counts, even if its text is empty, torn or foreign.
//!
//! # Lock files
//!
//! ```text
//! build-<package>.<version>[-<universe>].lock      universe: 32 hexadecimal digits
//! doc-<package>.<version>[-<universe>].lock
//! tool-<name>[-<compiler version>].lock
//! ```
//!
//! | line | text | read by the original |
//! |---|---|---|
//! | 1 | process id | yes |
//! | 2 | when the build began, in seconds since 1970 | yes |
//! | 3 | layer, may be blank | yes |
//! | 4 | path of the growing log, may be blank | yes |
//! | then | `host=`, `boot=` (boot id), `started=` (the process's start in clock ticks since boot), `run=` | no |
//!
//! Later versions of the original write the log path on line 3 and end there, or write nothing. A third
//! line with a `/` is therefore a log path.
//!
//! # Limits
//!
//! Locks are as good as the file system's; over NFS they depend on the server. A process id is that of the
//! holder's machine and container, which need not be the reader's. A lock that was taken an instant ago may
//! still have the text of a builder that died with it. A program that opens a lock file and locks it later,
//! without looking whether the name still leads to it, as the original does, can lock a file that was
//! removed in between; builders that use this crate cannot.
//!
//! # Example
//!
//! ```
//! use std::time::Duration;
//! use buildbook_build_lock::{BuildLocks, Holder, LockName, Stage};
//! use buildbook_layout::{PackageId, Timestamp};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path().join("locks");
//! let locks = BuildLocks::at(&folder);
//! let package: PackageId = "astring.0.8.5".parse()?;
//! let name = LockName::build(&package);
//! assert_eq!(name.to_string(), "build-astring.0.8.5.lock");
//!
//! let mut lock = locks.acquire(&name, &Holder::since(Timestamp::now()))?;
//! lock.set_temp_log_path("/tmp/astring.log".as_ref())?;
//! assert!(locks.try_acquire(&name, &Holder::since(Timestamp::now()))?.is_none());
//!
//! let active = locks.list_active()?;
//! let info = active.locks.first().expect("a process sees its own locks");
//! assert_eq!((info.stage, info.package.as_str(), info.version.as_deref()), (Stage::Build, "astring", Some("0.8.5")));
//! assert_eq!(info.pid, Some(std::process::id()));
//!
//! lock.release()?;
//! assert!(locks.list_active()?.locks.is_empty());
//! assert!(locks.cleanup_stale(Duration::ZERO, Timestamp::now())?.removed.is_empty(), "nothing was left");
//! # Ok(())
//! # }
//! ```

mod clean;
mod error;
mod guard;
mod list;
mod locks;
mod name;
mod note;
mod problem;
mod process;

pub use clean::{Cleaned, Kept, KeptReason};
pub use error::Error;
pub use guard::BuildLock;
pub use list::{Active, LayerLockInfo, LockInfo, list_active_layers};
pub use locks::BuildLocks;
pub use name::{LockName, Stage};
pub use note::Holder;
pub use problem::Problem;

/// The result of an operation on build locks.
pub type Result<T> = std::result::Result<T, Error>;
