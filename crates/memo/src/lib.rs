//! A build memoizer: no operation runs twice, and no answer is taken on trust.
//!
//! A build is a program that asks a [`Memo`] for operations: run this process ([`Handle::spawn`]), write, copy or read
//! this file ([`Handle::write`], [`Handle::write_with`], [`Handle::copy`], [`Handle::read`]), keep what is in this file
//! for later ([`Handle::keep`]), make this folder ([`Handle::mkdir`]). Each names the files that it reads and those that it writes. It waits until the former are
//! ready, which `buildbook-guard` watches over; then the latter are taken from the cache if what they depend on is known
//! there, and made otherwise.
//!
//! Programs ask in asynchronous *tasks* ([`Handle::task`]), which can wait for operations, and for values that
//! other tasks promise ([`Handle::future`]), and then ask for more. Tasks run on the thread of the memo, one at a time,
//! and may hold what is not `Send`; processes, hashing and all work on files are on other threads. Waiting costs
//! nothing, and a chain of any length needs no stack.
//!
//! # What the answers rest on
//!
//! * **Keys.** The key of a spawn is a SHA-256 over fields with their lengths: the path and content of the tool, all
//!   arguments that are not [shielded](Cmd::shielded_arg), the relevant environment, the working folder, the content
//!   of the standard input, where the outputs go, which exits mean success, a stamp, the path, content and rights of each
//!   read, and the path of each write. That of a [`Handle::write_with`] has the path, the rights, the salt and the
//!   reads. A tool sees no variable that is not declared.
//! * **Contents.** Files are hashed whenever their device, inode, size, or either of their times is new; a file that
//!   changed so recently that another change could leave its times as they are is hashed again. While a build runs, a
//!   file has one content: if operations see two, or if a read of a process changes while that runs, the operation
//!   fails and nothing of it is kept.
//! * **The cache** holds payloads by their SHA-256, and an entry for each key. All get their names by renaming, and are
//!   verified by length and digest when they are taken out; what is damaged is dropped, and the operation runs. Where
//!   all files of an operation are in their places with the contents and rights that a build found in its entry, and
//!   wrote down with a digest, nothing is taken out, and nothing in the cache is looked at. Files
//!   that are taken out are copies, which share their blocks with the cache where the file system can do that, and never
//!   the same file: editing one cannot poison the cache. Several builds may share a cache, also while it is
//!   [trimmed](plan_trim).
//! * **Processes** run at most so many at once, each in a group of its own. What a process leaves running when it ends is
//!   killed before its files are looked at, and so is what a killed build has left, before another one starts. Files
//!   that a process promises are removed before it runs, so that an old one is never taken for a new one.
//! * **The end.** [`Memo::finish`] gives a [`Report`] of everything that failed, was given up, was waited for in
//!   vain, or changed behind the build's back. Only if there is nothing in it is the build a success.
//!
//! # What it does not do
//!
//! It does not look over a tool's shoulder: a file that a tool reads and that is not declared is not in the key.
//! [Stamps](Spawn::stamp) stand for what a tool consists of beyond its own file. Files that operations write are
//! regular files, not folders or links. Processes that leave their group and close their outputs escape. Failures are
//! not remembered. Two builds at once need two folders to build in; sharing the cache is fine. What a process prints is
//! held in memory. Contents that change through a memory mapping show in a file's times only when the system gets
//! round to it, and so does what a network file system thinks of time.
//!
//! # Example
//!
//! ```
//! use std::time::SystemTime;
//! use buildbook_memo::{Env, Memo, Settings, Status, Tool};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! std::fs::write(folder.path().join("names"), "b\na\n")?;
//! let env: Env = [("PATH", "/usr/bin:/bin")].into_iter().collect();
//!
//! let build = || {
//!     let mut memo = Memo::new(Settings::new(folder.path(), SystemTime::now).env(env.clone()));
//!     memo.file_ready("names");
//!     let sort = memo.tool(Tool::named("sort").relevant(["LC_ALL"]));
//!     memo.task(|memo| async move {
//!         memo.spawn(sort.cmd().args(["-o", "sorted", "names"])).reads(["names"]).writes(["sorted"]).await?;
//!         let sorted = memo.read("sorted").await?;
//!         memo.write("count", format!("{} bytes\n", sorted.len())).await
//!     });
//!     let report = memo.finish();
//!     report.into_result().map(|()| matches!(memo.ops()[0].status, Status::Revived))
//! };
//! assert!(!build()?, "the first time, the process runs");
//! std::fs::remove_file(folder.path().join("sorted"))?;
//! assert!(build()?, "the second time, its result comes from the cache");
//! assert_eq!(std::fs::read_to_string(folder.path().join("sorted"))?, "a\nb\n");
//! assert_eq!(std::fs::read_to_string(folder.path().join("count"))?, "4 bytes\n");
//! # Ok(())
//! # }
//! ```

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod cache;
mod contents;
mod digest;
mod edges;
mod env;
mod error;
mod execute;
mod feedback;
mod finish;
mod handle;
mod identity;
mod key;
mod look;
mod memo;
mod mix;
mod op;
mod process_group;
mod promise;
mod record;
mod report;
mod running;
mod settings;
mod shared_cache;
mod spawn;
mod tasks;
mod tool;
mod trace;
mod trim;
mod used;
mod write;

pub use buildbook_fsio::Durability;
pub use digest::{Digest, InvalidDigest};
pub use env::Env;
pub use error::{Ended, Error, fail};
pub use execute::CancelHandle;
pub use feedback::Feedback;
pub use handle::{CpuTime, Handle};
pub use key::Key;
pub use memo::{Memo, Wait};
pub use op::{Activity, Kind, Op, OpId, Span, Status};
pub use promise::{Fut, FutSetter};
pub use report::{FailedTask, Report, Unfinished};
pub use running::{Exit, FromOutput, Running};
pub use settings::{Clock, Settings};
pub use shared_cache::SharedCache;
pub use spawn::{Redirect, Spawn};
pub use tool::{Cmd, MemoTool, Tool};
pub use trace::write_chrome_trace;
pub use trim::{
    CacheSurvey, KeepReason, RemoveReason, TrimDecision, TrimItem, TrimKind, TrimPlan, TrimPolicy,
    TrimResult, execute_trim, plan_trim, survey_cache,
};
pub use write::{Copy, Write};

/// The result of an operation or of a task.
pub type Result<T> = std::result::Result<T, Error>;
