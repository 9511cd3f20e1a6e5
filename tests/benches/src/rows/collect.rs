//! Row 14: removing layers.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use buildbook::gc::{LayerPlan, Policy, execute_layers, plan_layers, survey_layers};
use buildbook::layout::Timestamp;

use crate::data::{self, Layers, Place};
use crate::row::Target::Time;
use crate::row::{Row, Sample, Side, claim};
use crate::worker;

pub(crate) const ROW: Row = Row {
    number: 14,
    title: "gc",
    prepare: |_| Ok(()),
    sides: &[
        Side { name: "dry run, small", run: |place| dry_run(place, small(place)) },
        Side { name: "ours, small", run: |place| collect(place, small(place)) },
        Side { name: "rm -rf, small", run: |place| remove(place, small(place)) },
        Side { name: "dry run, large", run: |place| dry_run(place, large(place)) },
        Side { name: "ours, large", run: |place| collect(place, large(place)) },
        Side { name: "rm -rf, large", run: |place| remove(place, large(place)) },
    ],
    claims: &[
        claim("1,000 of 2,000 layers × 20 files", "ours, small", "rm -rf, small", Time(0.8)),
        claim("200 layers × 2,000 files", "ours, large", "rm -rf, large", Time(0.8)),
        claim("dry run, 1,000 of 2,000 layers × 20 files", "dry run, small", "rm -rf, small", Time(0.3)),
        claim("dry run, 200 layers × 2,000 files", "dry run, large", "rm -rf, large", Time(0.3)),
    ],
    roles: &[],
    warm_up: false,
    growth: None,
};

fn small(place: &Place) -> Layers {
    let half = place.size(1_000, 10);
    Layers { needed: half, unneeded: half, files: 20 }
}

fn large(place: &Place) -> Layers {
    Layers { needed: 0, unneeded: place.size(200, 4), files: place.size(2_000, 50) }
}

/// Layers that were just made, are on the disk, and were looked at once: what is not yet written would cost nothing to
/// remove, and a dry run, which changes nothing, leaves them to the next side in this state.
fn fresh(place: &Place, layers: Layers) -> Result<PathBuf> {
    let (folder, mark) = (place.made("scratch/layers"), place.made("scratch/layers.untouched"));
    let Layers { needed, unneeded, files } = layers;
    let description = format!("{needed} {unneeded} {files}");
    if !fs::read_to_string(&mark).is_ok_and(|untouched| untouched == description) {
        // What is not whole must not be taken for it after an interruption.
        take(place)?;
        // Too many to be put aside; this is the last row that is measured.
        data::remove(&place.made("scratch/layers"))?;
        place.scratch("layers")?;
        layers.make(&folder)?;
        place.sync()?;
        plan(&folder, layers)?;
        fs::write(&mark, description)?;
    }
    place.sync()?;
    Ok(folder)
}

/// Says that the layers that were made will not be there any more.
fn take(place: &Place) -> Result<()> {
    match fs::remove_file(place.made("scratch/layers.untouched")) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

pub(super) fn plan(folder: &Path, layers: Layers) -> Result<LayerPlan> {
    let policy = Policy { min_age: Duration::ZERO, ..Policy::default() };
    let survey = survey_layers(&Layers::tree(folder))?;
    // A second later than everything in it.
    let now = Timestamp::from_unix(Timestamp::now().as_unix() + 1).unwrap_or_else(Timestamp::now);
    let plan = plan_layers(survey, &layers.roots(), &policy, now);
    ensure!(plan.problems.is_empty(), "{:?}", plan.problems.first());
    ensure!(plan.removals().count() == layers.unneeded, "not all go");
    Ok(plan)
}

fn collect(place: &Place, layers: Layers) -> Result<Sample> {
    let folder = fresh(place, layers)?;
    take(place)?;
    worker::once(|| {
        let collected = execute_layers(&plan(&folder, layers)?)?;
        ensure!(collected.removed.len() == layers.unneeded, "{:?}", collected.skipped.first());
        Ok(())
    })
}

fn dry_run(place: &Place, layers: Layers) -> Result<Sample> {
    let folder = fresh(place, layers)?;
    worker::once(|| plan(&folder, layers))
}

fn remove(place: &Place, layers: Layers) -> Result<Sample> {
    let folder = fresh(place, layers)?;
    take(place)?;
    worker::program(Command::new("rm").arg("-rf").args(layers.unneeded(&folder)))
}
