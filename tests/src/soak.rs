//! Worker processes that are killed at any moment, and a book that must stay whole.
//!
//! [`Soak::run`] keeps a crew of worker processes busy with one book: they add entries, compact, publish folders,
//! write runs, statuses and progress, build and collect layers, hold locks, and mend. Each says over a pipe what it
//! has done before it goes on. A supervisor kills one after the other with SIGKILL, while readers look at everything
//! all the time. After each round of some seconds it kills the rest and looks whether everything that was said is
//! there: only the one thing that a worker was doing when it died may be there or not.
//!
//! [`many`] has the cases of many processes at once, in which nobody is killed.
//!
//! Who starts a soak tells with [`Start`] how a process is started that calls [`work`]. Chance comes from a seed, so
//! that a soak can be repeated with the same choices; the kernel makes its own.

mod ack;
mod crew;
mod ledger;
pub mod many;
mod marks;
mod read;
mod supervise;
mod task;
mod verify;
mod work;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use buildbook::layout::{Book, PackageId};

pub use ledger::Figures;
pub use supervise::{Outcome, Soak};
pub use task::{Role, Task};
pub use work::work;

/// Gives the command that starts a process which calls [`work`] with this folder and this task, and says what it
/// says on its standard output.
pub type Start<'a> = dyn Fn(&Path, &Task) -> Command + Sync + 'a;

/// How many counters there are, each with a lock.
const COUNTERS: usize = 3;

fn book(root: &Path) -> Book {
    Book::at(root.join("book"))
}

/// What threads wait for that are to begin at the same moment.
fn go(root: &Path) -> PathBuf {
    root.join("go")
}

/// The folder that only the worker in this place publishes.
fn site(book: &Book, slot: usize) -> PathBuf {
    site_of(book, &marks::named(&format!("site-{slot}.1")))
}

/// The folder that all publishers publish.
fn shared_site(book: &Book) -> PathBuf {
    site_of(book, &marks::named("site-shared.1"))
}

fn site_of(book: &Book, package: &PackageId) -> PathBuf {
    book.html().package(package).expect("it has a version")
}

/// The folders in which something may be left by a writer that died, except those of runs.
fn folders(book: &Book) -> Result<Vec<PathBuf>> {
    let tree = marks::tree(book);
    let mut folders = vec![tree.path().to_owned(), book.logs().path().to_owned()];
    folders.extend((0..marks::PACKAGES).map(|index| tree.packages().package(&marks::package(index))));
    let blessed = book.html().blessed();
    if blessed.is_dir() {
        for entry in std::fs::read_dir(&blessed)? {
            folders.push(entry?.path());
        }
    }
    folders.retain(|folder| folder.is_dir());
    Ok(folders)
}
