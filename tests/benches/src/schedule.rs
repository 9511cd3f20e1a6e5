//! Who is measured when: the sides of a row take turns, so that whatever else the machine does meets all of them.

use anyhow::{Context as _, Result};

use crate::data::Place;
use crate::row::{Row, Sample};
use crate::worker;

/// A row and what was measured: for each side, in their order, the samples of all rounds.
pub(crate) struct Measured {
    pub(crate) row: &'static Row,
    pub(crate) samples: Vec<Vec<Sample>>,
}

pub(crate) fn measure(rows: &[&'static Row], place: &Place, rounds: u32) -> Result<Vec<Measured>> {
    std::fs::create_dir_all(place.root())
        .with_context(|| format!("cannot make {}", place.root().display()))?;
    rows.iter().map(|row| measure_row(row, place, rounds)).collect()
}

fn measure_row(row: &'static Row, place: &Place, rounds: u32) -> Result<Measured> {
    let what = || format!("row {}, {}", row.number, row.title);
    eprintln!("{}", what());
    (row.prepare)(place).with_context(what)?;
    let mut samples = vec![Vec::new(); row.sides.len()];
    let first = if row.warm_up { 0 } else { 1 };
    for round in first..=rounds {
        for (side, samples) in row.sides.iter().zip(&mut samples) {
            let sample = worker::measure(place, row.number, side.name)?;
            if round > 0 {
                samples.push(sample);
            }
        }
    }
    Ok(Measured { row, samples })
}
