//! Row 16: who builds what at the moment.

use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use buildbook::build_lock::{BuildLocks, Holder, LockName};
use buildbook::layout::{PackageId, Timestamp};

use crate::bare;
use crate::crew::{self, Role};
use crate::data::Place;
use crate::row::Target::Time;
use crate::row::{Row, Sample, Side, claim};
use crate::worker;

pub(crate) const ROW: Row = Row {
    number: 16,
    title: "list_active, 500 lock files, all held",
    prepare: |_| Ok(()),
    sides: &[Side { name: "ours", run: ours }, Side { name: "bare", run: bare }],
    claims: &[claim("", "ours", "bare", Time(1.5))],
    roles: &[Role {
        name: "holder",
        play: |place, member| {
            let locks = BuildLocks::at(folder(place));
            let start = Timestamp::from_unix(1_773_060_884).expect("it is in this century");
            let mut held = Vec::new();
            for number in 0..count(place) {
                let package: PackageId = format!("package-{number}.1.0").parse()?;
                let holder = Holder { layer: "build-a1b2c3d4e5f6".parse().ok(), ..Holder::since(start) };
                held.push(locks.acquire(&LockName::build(&package), &holder)?);
            }
            member.gate()
        },
    }],
    warm_up: true,
    growth: None,
};

const REPEAT: usize = 21;

fn count(place: &Place) -> usize {
    place.size(500, 20)
}

fn folder(place: &Place) -> PathBuf {
    place.made("scratch/locks")
}

fn ours(place: &Place) -> Result<Sample> {
    place.scratch("locks")?;
    let locks = BuildLocks::at(folder(place));
    crew::beside(place, 16, "holder", || {
        worker::often(REPEAT, || {
            let active = locks.list_active()?;
            ensure!(active.locks.len() == count(place) && active.problems.is_empty(), "not all are seen");
            Ok(active)
        })
    })
}

fn bare(place: &Place) -> Result<Sample> {
    let folder = place.scratch("locks")?;
    crew::beside(place, 16, "holder", || {
        worker::often(REPEAT, || {
            let mut text = Vec::new();
            for name in bare::names(&folder)? {
                let mut file = File::open(folder.join(name))?;
                ensure!(bare::is_locked(&file)?, "a lock is not held");
                text.clear();
                file.read_to_end(&mut text)?;
            }
            Ok(())
        })
    })
}
