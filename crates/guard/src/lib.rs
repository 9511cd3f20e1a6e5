//! Holds build operations back until the files they read are decided, and says why a build is stuck.
//!
//! A build operation may start when every file that it reads is *ready*: it exists, and nobody is going to change
//! it any more. It must be given up when one of these files will *never* be ready. A [`Guard`] is told about
//! operations and about files, in any order, and hands out each operation once, as soon as one or the other is
//! known. When nothing comes out any more and operations are left, it names the files that everything waits for
//! and the circles in which operations wait for each other.
//!
//! An operation is whatever the caller wants back: a number, a handle, the thing itself. A path is turned into a
//! [`FileId`] once, with [`Guard::file`], and every edge between operations and files is a pair of small integers
//! from then on. Telling about a file takes time in proportion to the operations that wait for it, and frees the
//! list of them; nothing recurses, so chains and circles of any length need no stack.
//!
//! # Order
//!
//! The same calls give the same answers in the same order. Operations come out in the order in which they were
//! allowed; those that one file allows, in the order in which they were added. Operations are listed in the order
//! in which they were added, files in the order in which their paths were first named.
//!
//! # What it does not do
//!
//! - It reads no file, no clock and no environment, and starts nothing. That a ready file exists is the caller's
//!   word.
//! - It does not know whether an operation succeeded. Whoever runs them tells, for each file that an operation
//!   writes, whether it is [ready](Guard::set_file_ready) or will [never](Guard::set_file_never) be, also for the
//!   operations that come out aborted. This is how a failure reaches everything above it, one step at a time.
//! - Paths are compared as [`Path`](std::path::Path) does: `a//b` and `a/b` are one file, `./a` and `a` are two,
//!   as are `x/../a` and `a`. Callers that mix spellings make their paths absolute before.
//! - What a path is called and how it was decided is remembered as long as the guard lives: operations that are
//!   added later ask for it.
//!
//! # Example
//!
//! Two compilations and a link. One source is missing, so the link is given up.
//!
//! ```
//! use buildbook_guard::{Allowed, FileStatus, Guard};
//!
//! let mut guard = Guard::new();
//! let [a_c, a_o, b_c, b_o, app] = ["a.c", "a.o", "b.c", "b.o", "app"].map(|path| guard.file(path));
//! guard.add("compile a", &[a_c], &[a_o]);
//! guard.add("compile b", &[b_c], &[b_o]);
//! guard.add("link", &[a_o, b_o], &[app]);
//! assert_eq!(guard.allowed(), None, "no file is decided yet");
//!
//! guard.set_file_ready(a_c)?;
//! assert_eq!(guard.allowed(), Some(Allowed::Ready("compile a")));
//! guard.set_file_ready(a_o)?;
//! assert_eq!(guard.allowed(), None);
//!
//! // Nothing moves any more. The reason is a file that no operation writes.
//! assert_eq!(guard.guarded_ops(), [&"compile b", &"link"]);
//! assert_eq!(guard.undecided_files(), [b_c, b_o]);
//! assert_eq!(guard.root_undecided_files(), [b_c]);
//! assert!(guard.cycles().is_empty());
//!
//! guard.set_file_never(b_c)?;
//! assert_eq!(guard.allowed(), Some(Allowed::Aborted { op: "compile b", never: b_c }));
//! guard.set_file_never(b_o)?;
//! assert_eq!(guard.allowed(), Some(Allowed::Aborted { op: "link", never: b_o }));
//! guard.set_file_never(app)?;
//! assert!(guard.guarded_ops().is_empty());
//!
//! // The first word about a file stands; another one is reported.
//! let feedback = guard.set_file_ready(app).unwrap_err();
//! assert_eq!(feedback.to_string(), "set file ready: app will never be ready, as was said before");
//! assert_eq!(guard.file_status(app), FileStatus::Never);
//! # Ok::<(), buildbook_guard::Error>(())
//! ```

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod allowed;
mod analysis;
mod components;
mod error;
mod files;
mod guard;
mod hash;
mod paths;
mod waiting;

pub use allowed::Allowed;
pub use error::Error;
pub use files::{FileId, FileStatus};
pub use guard::Guard;
