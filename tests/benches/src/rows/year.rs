//! Row 10: the index of a year.

use super::status::status;
use crate::bare;
use crate::data::Farm;
use crate::row::Target::TimeAndMemory;
use crate::row::{Row, Side, claim};
use crate::worker;

pub(crate) const ROW: Row = Row {
    number: 10,
    title: "status, full, 35,000 packages × 365 (a year)",
    prepare: |place| Farm::year(place).prepare(place),
    sides: &[
        Side { name: "ours", run: |place| worker::once(|| status(place, Farm::year(place))) },
        Side { name: "bare", run: |place| worker::once(|| bare::read_all(&Farm::year(place).path(place))) },
    ],
    claims: &[claim("", "ours", "bare", TimeAndMemory(2.5, 150))],
    roles: &[],
    warm_up: false,
    growth: None,
};
