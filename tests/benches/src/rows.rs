//! The rows of the tables.

mod append;
mod append_durable;
mod classify;
mod collect;
mod compact;
mod guard;
mod locks;
mod names;
mod nothing;
mod progress;
mod read;
mod reads;
mod run;
mod spawns;
mod status;
mod writes;
mod year;

use anyhow::{Context as _, Result};

use crate::row::Row;

/// The first row of the second table, which is about operations of builds: the guard and the memo.
pub(crate) const FIRST_OF_OPERATIONS: u8 = 21;

/// In the order of their numbers.
pub(crate) const ROWS: &[&Row] = &[
    &append::OPENED,
    &append::KEPT,
    &append_durable::SYNCED,
    &append_durable::CACHED,
    &read::WHOLE,
    &read::END,
    &status::FULL,
    &status::QUERIES,
    &status::INCREMENTAL,
    &year::ROW,
    &compact::ROW,
    &classify::ROW,
    &progress::ROW,
    &collect::ROW,
    &names::ROW,
    &locks::ROW,
    &run::FIRST,
    &run::SECOND,
    &guard::SEPARATE,
    &guard::FAN_IN,
    &reads::ROW,
    &writes::ROW,
    &spawns::ROW,
    &nothing::ROW,
];

pub(crate) fn find(number: u8) -> Result<&'static Row> {
    let row = ROWS.iter().find(|row| row.number == number);
    row.copied().with_context(|| format!("there is no row {number}; --list names them"))
}

/// These rows; all of them when none is named. The one that removes very many files comes last, because a file system
/// may be slow at making others for some minutes after that.
pub(crate) fn select(numbers: &[u8]) -> Result<Vec<&'static Row>> {
    let mut rows = match numbers {
        [] => ROWS.to_vec(),
        numbers => numbers.iter().map(|number| find(*number)).collect::<Result<_>>()?,
    };
    rows.sort_by_key(|row| row.number == collect::ROW.number);
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_speak_of_sides_that_they_have() {
        for row in ROWS {
            let names: Vec<&str> = row.sides.iter().map(|side| side.name).collect();
            let sizes = row.growth.into_iter().flatten().map(|(side, _)| *side);
            let claimed = row.claims.iter().flat_map(|claim| [claim.ours, claim.yardstick]);
            for name in sizes.chain(claimed) {
                assert!(names.contains(&name), "row {}: {name}", row.number);
            }
        }
    }

    #[test]
    fn rows_are_numbered_from_1_to_18_and_from_21_to_26() {
        assert!(ROWS.iter().map(|row| row.number).eq((1..=18).chain(FIRST_OF_OPERATIONS..=26)));
        assert!(find(19).is_err());
    }
}
