//! Rows 17 and 18: the program on a plan of very many targets that take no time.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};

use crate::bare;
use crate::data::Place;
use crate::row::Target::{Time, TimeAndSeconds};
use crate::row::{Row, Sample, Side, claim};
use crate::worker;

pub(crate) const FIRST: Row = Row {
    number: 17,
    title: "buildbook run, 2,000 targets that are all `true`",
    prepare: |_| Ok(()),
    sides: &[Side { name: "ours", run: first }, Side { name: "bare", run: processes }],
    claims: &[claim("", "ours", "bare", Time(2.5))],
    roles: &[],
    warm_up: true,
    growth: None,
};

pub(crate) const SECOND: Row = Row {
    number: 18,
    title: "a second run of that plan, everything in place",
    prepare: |place| {
        let folder = place.scratch("second")?;
        write_plan(place, &folder)?;
        buildbook(place, &folder).map(drop)
    },
    sides: &[Side { name: "ours", run: second }, Side { name: "bare", run: look }],
    claims: &[claim("", "ours", "bare", TimeAndSeconds(20.0, 1.0))],
    roles: &[],
    warm_up: true,
    growth: None,
};

fn targets(place: &Place) -> usize {
    place.size(2_000, 20)
}

fn first(place: &Place) -> Result<Sample> {
    let folder = place.scratch("first")?;
    write_plan(place, &folder)?;
    place.sync()?;
    buildbook(place, &folder)
}

fn second(place: &Place) -> Result<Sample> {
    buildbook(place, &place.made("scratch/second"))
}

fn write_plan(place: &Place, folder: &Path) -> Result<()> {
    let targets: Vec<Value> = (0..targets(place))
        .map(|number| json!({ "package": format!("package-{number}.1.0"), "command": ["true"] }))
        .collect();
    Ok(fs::write(folder.join("plan.json"), json!({ "targets": targets }).to_string())?)
}

/// The program from its start to its end.
fn buildbook(place: &Place, folder: &Path) -> Result<Sample> {
    let mut command = Command::new(place.program()?);
    command.args(["--root", "book", "--platform", "debian-12-x86_64", "run", "plan.json", "--jobs"]);
    command.arg(bare::threads().to_string()).current_dir(folder).stderr(Stdio::null());
    worker::program(&mut command)
}

/// As many processes at a time.
fn processes(place: &Place) -> Result<Sample> {
    let (next, all) = (AtomicUsize::new(0), targets(place));
    let job = || -> Result<()> {
        while next.fetch_add(1, Ordering::Relaxed) < all {
            let mut command = Command::new("true");
            let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status()?;
            ensure!(status.success(), "`true` ended with {status}");
        }
        Ok(())
    };
    worker::once(|| {
        std::thread::scope(|scope| {
            let jobs: Vec<_> = (0..bare::threads()).map(|_| scope.spawn(job)).collect();
            jobs.into_iter().try_for_each(|job| match job.join() {
                Ok(done) => done,
                Err(_) => bail!("a job panicked"),
            })
        })
    })
}

/// Looks at the layers that the second run finds.
fn look(place: &Place) -> Result<Sample> {
    let folder: PathBuf = place.made("scratch/second").join("book/debian-12-x86_64");
    let layers: Vec<PathBuf> = bare::names(&folder)?
        .iter()
        .filter(|name| name.starts_with("build-") && !name.ends_with(".lock"))
        .map(|name| folder.join(name).join("layer.json"))
        .collect();
    ensure!(layers.len() == targets(place), "{} layers", layers.len());
    worker::often(9, || layers.iter().try_fold(0, |bytes, layer| Ok(bytes + fs::metadata(layer)?.len())))
}
