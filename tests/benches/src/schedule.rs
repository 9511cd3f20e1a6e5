//! Who is measured when: the sides of a row take turns, so that whatever else the machine does meets all of them.

use std::fmt;

use anyhow::Result;

use crate::data::Place;
use crate::row::{Row, Sample};
use crate::worker;

/// A row and what was measured: for each side, in their order, the samples of all rounds.
pub(crate) struct Measured {
    pub(crate) row: &'static Row,
    pub(crate) samples: Vec<Vec<Sample>>,
    /// Why nothing was.
    pub(crate) missing: Option<Missing>,
}

/// A yardstick that this machine does not have. Whoever prepares a row fails with it, and the others are measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Missing {
    pub(crate) program: &'static str,
    /// A command that brings it.
    pub(crate) remedy: &'static str,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Missing { program, remedy } = self;
        write!(f, "there is no {program} on this machine; on Debian, `{remedy}` brings it")
    }
}

impl std::error::Error for Missing {}

pub(crate) fn measure(row: &'static Row, place: &Place, rounds: u32) -> Result<Measured> {
    let what = || format!("row {}, {}", row.number, row.title);
    eprintln!("{}", what());
    let mut samples = vec![Vec::new(); row.sides.len()];
    if let Err(error) = (row.prepare)(place) {
        let missing = error.downcast::<Missing>().map_err(|error| error.context(what()))?;
        eprintln!("    not run: {missing}");
        return Ok(Measured { row, samples, missing: Some(missing) });
    }
    let first = if row.warm_up { 0 } else { 1 };
    for round in first..=rounds {
        for (side, samples) in row.sides.iter().zip(&mut samples) {
            let sample = worker::measure(place, row.number, side.name)?;
            if round > 0 {
                samples.push(sample);
            }
        }
    }
    Ok(Measured { row, samples, missing: None })
}
