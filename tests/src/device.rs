//! A disk whose power can be cut, and what may be mounted while a test looks.
//!
//! [`Disk`] is a block device served by this process, so that it knows what a real one keeps to itself: which writes
//! have been flushed, and which are only in its cache. [`Frozen::cut`] gives what is left when the power goes at this
//! moment: all that was flushed, and of the rest what chance leaves.
//!
//! [`in_private_mounts`] runs a test in a name space of mounts of its own: whatever is mounted there is gone with the
//! last process in it, also when that one was killed. [`Mounted`] takes a mount away when it is dropped.

mod disk;
mod fuse;
mod mounted;

pub use disk::{Before, Disk, Frozen, Survivors};
pub use mounted::{Mounted, in_private_mounts, make_file_system};
