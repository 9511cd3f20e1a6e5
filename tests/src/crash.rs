//! The crash matrix: every procedure that changes the book, stopped and failed at each of its operations.
//!
//! Pass one runs a [`Procedure`] undisturbed and notes its file operations. Pass two repeats it on a fresh book for
//! each operation and each [`Kind`] of trouble, lets recovery run, and reads the book. [`run`] says what became of
//! each point, [`table`] prints it, and [`uncovered`] names the places in the code that have no row.
//!
//! A stop shows what the death of a process leaves. What a power cut leaves cannot be seen in the same way, because
//! the system goes on and has everything; so the noted operations themselves are judged, in `rules`.

mod collection;
mod contents;
mod files;
mod histories;
mod locks;
mod matrix;
mod memo;
mod prepared;
mod procedure;
mod rules;
mod runs;
mod sites;
mod swaps;
mod table;

pub use matrix::{Kind, Row, run};
pub use procedure::{Procedure, State, World};
pub use sites::uncovered;
pub use table::table;

/// Every row of the matrix, the lowest crate first.
#[must_use]
pub fn procedures() -> Vec<Procedure> {
    [
        swaps::procedures(),
        histories::procedures(),
        runs::procedures(),
        files::procedures(),
        locks::procedures(),
        collection::procedures(),
        memo::procedures(),
    ]
    .concat()
}
