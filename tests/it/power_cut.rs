//! The power is cut while processes write: what they were told is on the device must be there.
//!
//! The disk is one of ours, and knows what it has flushed and what not. At some request it stops, whatever the file
//! system is in the middle of. What the writers have said until they stand still as well was said on the strength of what is
//! on the disk at that moment. A disk with what such a cut leaves is then mounted, which replays the file system's journal,
//! the book on it is recovered, and looked at. Meanwhile the first disk goes on until the next cut.
//!
//! `BUILDBOOK_POWER_CUTS` is the number of cuts for each file system, `BUILDBOOK_POWER_CUT_SEED` makes them others.

mod check;
mod taken;
mod write;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result};
use buildbook_tests::device::{Before, Disk, Mounted, Survivors, in_private_mounts, make_file_system};

use check::Acknowledged;

const ROLE: &str = "BUILDBOOK_POWER_CUT_ROLE";
const FOLDER: &str = "BUILDBOOK_POWER_CUT_FOLDER";
/// A fresh disk after so many cuts, before the writers have filled it.
const CUTS_OF_A_DISK: u64 = 8;

const WITHOUT_FLUSHES: &str = ",nobarrier";

/// Another process that writes.
struct Writer {
    child: Child,
    said: Arc<Mutex<Vec<String>>>,
    listener: Option<JoinHandle<()>>,
}

impl Writer {
    fn start(role: &str, root: &Path) -> Result<Writer> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--exact", "power_cut::writes_until_it_is_killed", "--nocapture"])
            .env(ROLE, role)
            .env(FOLDER, root)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let said = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&said);
        let stdout = BufReader::new(child.stdout.take().context("it has a pipe")?);
        let listener = std::thread::spawn(move || {
            for line in stdout.lines().map_while(|line| line.ok()) {
                heard.lock().unwrap().push(line);
            }
        });
        Ok(Writer { child, said, listener: Some(listener) })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.listener.take().map(JoinHandle::join);
    }
}

/// Does nothing in an ordinary test run.
#[test]
fn writes_until_it_is_killed() {
    let (Ok(role), Some(folder)) = (std::env::var(ROLE), std::env::var_os(FOLDER)) else { return };
    // Nobody else would end it if its supervisor is killed while the disk stands still.
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL).unwrap();
    write::write_for_ever(&role, folder.as_ref());
}

/// What a run of cuts came to.
#[derive(Default, Debug)]
struct Report {
    cuts: u64,
    acknowledged: usize,
    unflushed: usize,
    /// Each with the number of its cut.
    losses: Vec<String>,
    cuts_with_losses: u64,
}

fn variable(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |text| text.parse().unwrap())
}

/// Cuts the power so many times. `None`, with the reason printed, where the machine cannot.
fn cut_power(kind: &str, options: &str, cuts: u64) -> Option<Report> {
    let tried = in_private_mounts(|| {
        // Root, the programs, FUSE and a loop device: what the machine lacks shows before anything is tested.
        let image = make_file_system(kind, if kind == "btrfs" { 128 } else { 48 })?;
        let place = tempfile::tempdir()?;
        let disk = Disk::plug_in(image.clone())?;
        drop(Mounted::disk(&disk.file(), place.path(), options)?);
        Ok::<_, anyhow::Error>(image)
    });
    let image = match tried.and_then(|image| image) {
        Ok(image) => image,
        Err(error) => {
            eprintln!("skipped: the power of a disk with {kind} cannot be cut here: {error:#}");
            return None;
        }
    };
    let seed = variable("BUILDBOOK_POWER_CUT_SEED", 1);
    let mut report = Report::default();
    while report.cuts < cuts {
        let of_this_disk = (cuts - report.cuts).min(CUTS_OF_A_DISK);
        in_private_mounts(|| cut_power_of_a_disk(image.clone(), options, of_this_disk, seed, &mut report))
            .unwrap()
            .unwrap();
    }
    println!(
        "{kind}{options}: {} cuts, {} acknowledged writes looked for, {} unflushed pages, {} cuts with losses",
        report.cuts, report.acknowledged, report.unflushed, report.cuts_with_losses
    );
    Some(report)
}

fn cut_power_of_a_disk(
    image: Vec<u8>,
    options: &str,
    cuts: u64,
    seed: u64,
    report: &mut Report,
) -> Result<()> {
    let place = tempfile::tempdir()?;
    let disk = Disk::plug_in(image)?;
    let mounted = Mounted::disk(&disk.file(), place.path(), options)?;
    let root = mounted.path().join("book");
    for folder in ["files", "links"] {
        fs::create_dir_all(root.join(folder))?;
    }
    // What was there before the writers came is on the device.
    for folder in [root.join("files"), root.join("links"), root.clone(), mounted.path().to_owned()] {
        fs::File::open(folder)?.sync_all()?;
    }
    let writers = write::ROLES.iter().map(|role| Writer::start(role, &root)).collect::<Result<Vec<_>>>()?;
    for _ in 0..cuts {
        let number = report.cuts + seed * 1000;
        // Spread over a few commits of the journal; the numbers have no common divisor.
        // Most cuts are where there is the most to lose, if the file system flushes at all.
        let anywhere = number.is_multiple_of(3) || options == WITHOUT_FLUSHES;
        let before = if anywhere { Before::Any } else { Before::Flush };
        let frozen = disk.freeze(before, 150 + number * 37 % 211, Duration::from_secs(20));
        let acknowledged = all_said(&writers);
        let survivors = match number % 4 {
            0 => Survivors::None,
            1 => Survivors::All,
            _ => Survivors::Some(number),
        };
        let image = frozen.cut(survivors);
        report.cuts += 1;
        report.unflushed += frozen.unflushed();
        report.acknowledged += acknowledged.len();
        drop(frozen);
        let losses = look_at(image, options, &acknowledged);
        report.cuts_with_losses += u64::from(!losses.is_empty());
        report.losses.extend(losses.iter().map(|loss| format!("cut {number}, {survivors:?}: {loss}")));
    }
    // Before the disk that they write to.
    drop(writers);
    drop(mounted);
    Ok(())
}

/// What the writers have said when none of them says any more. What is missed because one was slow is not looked for,
/// that is all.
fn all_said(writers: &[Writer]) -> Acknowledged {
    let said = || writers.iter().map(|writer| writer.said.lock().unwrap().len()).sum::<usize>();
    let mut before = said();
    loop {
        std::thread::sleep(Duration::from_millis(20));
        let now = said();
        if now == before {
            break;
        }
        before = now;
    }
    let mut all = Acknowledged::new();
    for writer in writers {
        for line in writer.said.lock().unwrap().iter() {
            // What the test harness prints has no such mark.
            let Some((_, words)) = line.split_once("ack: ") else { continue };
            let mut words = words.splitn(3, ' ').map(str::to_owned);
            all.extend(
                words.next().zip(words.next()).zip(words.next()).map(|((what, name), n)| (what, name, n)),
            );
        }
    }
    all
}

fn look_at(image: Vec<u8>, options: &str, acknowledged: &Acknowledged) -> Vec<String> {
    let looked = || {
        let place = tempfile::tempdir()?;
        let disk = Disk::plug_in(image)?;
        let mounted = Mounted::disk(&disk.file(), place.path(), options)?;
        let losses = check::losses(&mounted.path().join("book"), acknowledged);
        drop(mounted);
        Ok::<_, anyhow::Error>(losses)
    };
    looked().unwrap_or_else(|error| vec![format!("the disk cannot be mounted: {error:#}")])
}

/// Cuts the power as often as somebody asks, else so many times, and expects that nothing is lost.
fn nothing_is_lost(kind: &str, options: &str, cuts: u64) {
    let Some(report) = cut_power(kind, options, variable("BUILDBOOK_POWER_CUTS", cuts)) else { return };
    assert_eq!(report.losses, Vec::<String>::new());
    assert!(report.acknowledged > 0, "nothing was written: {report:?}");
    assert!(report.unflushed > 0, "no cut hit a write: {report:?}");
}

#[test]
fn what_was_acknowledged_as_synced_survives_a_power_cut_on_ext4() {
    nothing_is_lost("ext4", "", 3);
}

#[test]
fn what_was_acknowledged_as_synced_survives_a_power_cut_on_ext4_that_orders_nothing() {
    nothing_is_lost("ext4", ",data=writeback", 3);
}

#[test]
fn what_was_acknowledged_as_synced_survives_a_power_cut_on_btrfs() {
    nothing_is_lost("btrfs", "", 3);
}

/// Shows that the test can see a loss: here the file system itself leaves out the flushes that a sync is made of.
#[test]
fn a_file_system_that_never_flushes_loses_what_was_acknowledged() {
    let Some(report) = cut_power("ext4", WITHOUT_FLUSHES, 3) else { return };
    assert_ne!(report.losses, Vec::<String>::new());
}
