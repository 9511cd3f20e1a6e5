//! Replace a file, a symbolic link or a folder in one step, and recover after a crash.
//!
//! Readers of what is replaced see the old or the new, never a part and never nothing, whenever they
//! look and whenever the writer dies:
//!
//! * [`replace_file`], [`replace_file_with`] and [`replace_file_synced`] for a file,
//! * [`replace_symlink`] for a symbolic link,
//! * [`Swap`] for a folder: fill [`Swap::staging`], then [`Swap::commit`],
//! * [`commit_together`] for several folders, with as few waits for the device as for one,
//! * [`retire`] to take something out of sight before it is removed, so that a removal that is cut off
//!   does not leave half of it under its name.
//!
//! Whatever a crash leaves has a name that only this crate makes, `.<target>.<role>-bb<10 characters>`, in
//! the folder of the target. [`find_leftovers`] lists such names; [`recover`] finishes or undoes what they
//! stand for. The steps of each procedure, and what recovery does after a stop at each, are in the project's
//! `docs/crash-safety.md`.
//!
//! # What this crate does not do
//!
//! It does not walk into folders: `recover` looks at one folder's own entries. It keeps no old versions. It
//! does not touch names that it did not make, so files of other programs that end in `.new` or `.old` are safe.
//! A target's name must leave room for what these names add to it: 235 bytes are safe where a file system
//! stops at 255. A new file does not take over the rights or the owner of the one that it replaces.
//!
//! # Example
//!
//! ```
//! use buildbook_atomic_swap::{Durability, Swap, recover, replace_file};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! replace_file(&folder.path().join("status.json"), b"{}\n", Durability::Synced)?;
//!
//! let site = folder.path().join("site");
//! let swap = Swap::prepare(&site)?;
//! std::fs::create_dir(swap.staging().join("docs"))?;
//! assert!(!site.exists(), "readers see nothing of it yet");
//! swap.commit(Durability::Cached)?;
//! assert!(site.join("docs").is_dir());
//!
//! let found = recover(folder.path())?;
//! assert!(found.is_clean(), "nothing was left behind");
//! # Ok(())
//! # }
//! ```

mod error;
mod leftover;
mod recover;
mod replace;
mod retire;
mod swap;
mod together;

pub use buildbook_fsio::Durability;
pub use error::Error;
pub use leftover::{Leftover, Role, find_leftovers};
pub use recover::{Recovery, recover};
pub use replace::{replace_file, replace_file_synced, replace_file_with, replace_symlink};
pub use retire::{Retired, retire};
pub use swap::{CommitFailed, Committed, Swap};
pub use together::{Sealed, commit_together};

/// The result of a replacement.
pub type Result<T> = std::result::Result<T, Error>;
