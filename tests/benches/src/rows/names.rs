//! Row 15: deciding about very many layers.

use std::path::PathBuf;

use anyhow::Result;

use super::collect::plan;
use crate::bare;
use crate::data::{Layers, Place};
use crate::row::Target::{None as Nothing, TimeAndMemory};
use crate::row::{Row, Sample, Side, claim};
use crate::worker;

const SIZES: [usize; 3] = [6_000, 60_000, 600_000];

pub(crate) const ROW: Row = Row {
    number: 15,
    title: "gc plan over 600,000 layers",
    prepare: |place| {
        SIZES.into_iter().try_for_each(|size| {
            place.kept(&name(place, size), |folder| layers(place, size).make(folder)).map(drop)
        })
    },
    sides: &[
        Side { name: "ours", run: |place| ours(place, 600_000) },
        Side { name: "readdir + stat", run: |place| bare(place, &[""]) },
        Side {
            name: "readdir + stat of all that tells the age",
            run: |place| bare(place, &["", "layer.json", "last_used"]),
        },
        Side { name: "ours, 60,000", run: |place| ours(place, 60_000) },
        Side { name: "ours, 6,000", run: |place| ours(place, 6_000) },
    ],
    claims: &[
        claim("beside a look at the folders", "ours", "readdir + stat", TimeAndMemory(2.0, 300)),
        claim(
            "beside a look at all that tells their age",
            "ours",
            "readdir + stat of all that tells the age",
            Nothing,
        ),
    ],
    roles: &[],
    warm_up: true,
    growth: Some(&[("ours, 6,000", 6_000), ("ours, 60,000", 60_000), ("ours", 600_000)]),
};

/// Each has its description and nothing else. Half of them are needed.
fn layers(place: &Place, size: usize) -> Layers {
    let half = place.size(size, size / 100) / 2;
    Layers { needed: half, unneeded: half, files: 1 }
}

fn name(place: &Place, size: usize) -> String {
    format!("layers-{}", layers(place, size).unneeded * 2)
}

fn folder(place: &Place, size: usize) -> PathBuf {
    place.made(&name(place, size))
}

fn ours(place: &Place, size: usize) -> Result<Sample> {
    let (folder, layers) = (folder(place, size), layers(place, size));
    worker::once(|| plan(&folder, layers))
}

fn bare(place: &Place, names: &[&str]) -> Result<Sample> {
    let folder = folder(place, 600_000);
    worker::once(|| bare::look_at_each(&folder, names))
}
