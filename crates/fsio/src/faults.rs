//! Counts, fails and stops the operations of the calling thread. For tests.
//!
//! A crash test runs a procedure twice: [`count`] says which operations it is made of, and [`inject`]
//! repeats it with a [`Fault`] at each of them.
//!
//! ```
//! use buildbook_fsio::{faults, op};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let (_, calls) = faults::count(|| op::create_folder(&folder.path().join("a")));
//! assert_eq!(calls.len(), 1);
//! let stopped = faults::inject(0, faults::Fault::Stop, || op::create_folder(&folder.path().join("b")));
//! assert!(stopped.is_err());
//! assert!(!folder.path().join("b").exists());
//! # Ok(())
//! # }
//! ```

use std::cell::RefCell;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::op::Operation;

/// What happens at the chosen operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The process is as good as dead: this operation does not happen, and neither does any later one
    /// of the thread until the end of [`inject`].
    Stop,
    /// As [`Fault::Stop`], but a write has half of its bytes written, and the removal of a folder has removed a
    /// file of it.
    StopTorn,
    /// The operation fails with this error number, once; the procedure goes on as it thinks best.
    Fail(i32),
    /// As [`Fault::Fail`], but half done as with [`Fault::StopTorn`], such as a write on a full disk.
    FailTorn(i32),
}

/// One operation that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Which operation.
    pub operation: Operation,
    /// What it was applied to: of something that moves, the new name.
    pub path: PathBuf,
    /// The name that something moves away from, or the other one of an exchange.
    pub from: Option<PathBuf>,
}

struct Plan {
    calls: Vec<Call>,
    faults: Vec<(usize, Fault)>,
    stopped: bool,
}

thread_local! {
    static PLAN: RefCell<Option<Plan>> = const { RefCell::new(None) };
}

/// Runs a procedure undisturbed and tells which operations it made on this thread.
pub fn count<R>(procedure: impl FnOnce() -> R) -> (R, Vec<Call>) {
    inject_all(&[], procedure)
}

/// Runs a procedure with a fault at its operation `at`, counted from 0.
pub fn inject<R>(at: usize, fault: Fault, procedure: impl FnOnce() -> R) -> R {
    inject_all(&[(at, fault)], procedure).0
}

/// Runs a procedure with several faults, and tells which operations it made, those that failed included.
pub fn inject_all<R>(faults: &[(usize, Fault)], procedure: impl FnOnce() -> R) -> (R, Vec<Call>) {
    /// Takes the plan away also when the procedure panics, so that the next test of the thread is not hit.
    struct Clear;
    impl Drop for Clear {
        fn drop(&mut self) {
            PLAN.with_borrow_mut(|plan| *plan = None);
        }
    }
    PLAN.with_borrow_mut(|plan| {
        *plan = Some(Plan { calls: Vec::new(), faults: faults.to_vec(), stopped: false })
    });
    let clear = Clear;
    let result = procedure();
    let calls = PLAN.with_borrow_mut(|plan| plan.take().map_or_else(Vec::new, |plan| plan.calls));
    drop(clear);
    (result, calls)
}

/// Whether the operations of this thread are counted or disturbed, so that they must stay in it; see
/// [`must_stay_in_thread`](crate::must_stay_in_thread).
pub(crate) fn are_planned() -> bool {
    PLAN.with_borrow(Option::is_some)
}

/// Called before every operation.
pub(crate) fn before(operation: Operation, path: &Path) -> io::Result<()> {
    next(operation, path, None).map_or(Ok(()), |fault| Err(error_of(fault)))
}

/// Called instead of [`before`] for what moves something.
pub(crate) fn before_move(operation: Operation, from: &Path, to: &Path) -> io::Result<()> {
    next(operation, to, Some(from)).map_or(Ok(()), |fault| Err(error_of(fault)))
}

/// Called instead of [`before`] for a write, which can happen by half.
pub(crate) fn torn_write(
    path: &Path,
    bytes: &[u8],
    write: impl FnOnce(&[u8]) -> io::Result<()>,
) -> Option<io::Error> {
    let half = bytes.get(..bytes.len() / 2).unwrap_or_default();
    torn(Operation::Write, path, || write(half))
}

/// Called instead of [`before`] for a removal, which can happen by half.
pub(crate) fn torn_removal(path: &Path) -> Option<io::Error> {
    torn(Operation::RemoveTree, path, || remove_one_file(path).map(drop))
}

fn torn(operation: Operation, path: &Path, half: impl FnOnce() -> io::Result<()>) -> Option<io::Error> {
    let fault = next(operation, path, None)?;
    if matches!(fault, Fault::StopTorn | Fault::FailTorn(_)) {
        if let Err(error) = half() {
            return Some(error);
        }
        mark_stopped(fault);
    }
    Some(error_of(fault))
}

/// Removes the first file in a folder, if there is one.
fn remove_one_file(folder: &Path) -> io::Result<bool> {
    if !fs::symlink_metadata(folder).is_ok_and(|metadata| metadata.is_dir()) {
        return Ok(false);
    }
    let mut paths = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<PathBuf>>>()?;
    paths.sort();
    for path in paths {
        if fs::symlink_metadata(&path)?.is_dir() {
            if remove_one_file(&path)? {
                return Ok(true);
            }
        } else {
            return fs::remove_file(&path).map(|()| true);
        }
    }
    Ok(false)
}

fn next(operation: Operation, path: &Path, from: Option<&Path>) -> Option<Fault> {
    PLAN.with_borrow_mut(|plan| {
        let plan = plan.as_mut()?;
        if plan.stopped {
            return Some(Fault::Stop);
        }
        let number = plan.calls.len();
        plan.calls.push(Call { operation, path: path.to_owned(), from: from.map(Path::to_owned) });
        let (_, fault) = *plan.faults.iter().find(|(at, _)| *at == number)?;
        // What is torn still has to happen by half; `mark_stopped` stops the thread after it.
        plan.stopped = match fault {
            Fault::Stop => true,
            Fault::StopTorn => !matches!(operation, Operation::Write | Operation::RemoveTree),
            Fault::Fail(_) | Fault::FailTorn(_) => false,
        };
        Some(fault)
    })
}

fn mark_stopped(fault: Fault) {
    if fault == Fault::StopTorn {
        PLAN.with_borrow_mut(|plan| {
            if let Some(plan) = plan {
                plan.stopped = true;
            }
        });
    }
}

fn error_of(fault: Fault) -> io::Error {
    match fault {
        Fault::Stop | Fault::StopTorn => io::Error::other("the test stopped the process here"),
        Fault::Fail(number) | Fault::FailTorn(number) => io::Error::from_raw_os_error(number),
    }
}
