//! What a run takes because it is in place: somebody else made it, and may have died before it was durable.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use buildbook_tests::device::{Before, Disk, Mounted, Survivors, in_private_mounts, make_file_system};
use serde_json::{Value, json};

use super::write::platform;
use crate::program::program;

const PACKAGE: &str = "p.1";

/// What is on the disk whose power is cut.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OnDisk {
    /// The whole book, which one sync of its file system makes durable.
    Book,
    /// The histories alone, which that sync does not reach.
    Histories,
}

/// A book, of which the disk has all or some.
struct World {
    // In this order, so that what is mounted goes before what it is mounted on.
    mounted: Mounted,
    disk: Disk,
    folder: tempfile::TempDir,
    on_disk: OnDisk,
}

impl World {
    fn new(image: Vec<u8>, on_disk: OnDisk) -> Result<World> {
        let folder = tempfile::tempdir()?;
        let place = match on_disk {
            OnDisk::Book => folder.path().join("mounted"),
            OnDisk::Histories => platform(&folder.path().join("mounted/book")).packages().path().to_owned(),
        };
        fs::create_dir_all(&place)?;
        let disk = Disk::plug_in(image)?;
        let mounted = Mounted::disk(&disk.file(), &place, "")?;
        let plan = json!({ "targets": [{ "package": PACKAGE, "command": ["true"] }] });
        fs::write(folder.path().join("plan.json"), plan.to_string())?;
        Ok(World { mounted, disk, folder, on_disk })
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("mounted/book")
    }

    /// The path of the package's history, below what the disk is mounted on.
    fn history(&self) -> PathBuf {
        let below = match self.on_disk {
            OnDisk::Book => platform(Path::new("book")).packages().path().join(PACKAGE),
            OnDisk::Histories => PathBuf::from(PACKAGE),
        };
        below.join("history.jsonl")
    }

    fn start(&self) -> Result<Child> {
        let mut command: Command = program(&self.root()).context("there is a program")?;
        command.args(["--platform", "test-1", "--json", "run"]).arg(self.folder.path().join("plan.json"));
        Ok(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?)
    }

    /// The lines of the last run that others read.
    fn newest_events(&self) -> Option<PathBuf> {
        let runs = fs::read_dir(self.root().join("logs/runs")).ok()?;
        let newest = runs.filter_map(|run| Some(run.ok()?.path())).max()?;
        Some(newest.join("build.jsonl"))
    }

    /// What the package's history is when the power has gone.
    fn left(&self, image: Vec<u8>) -> Result<String> {
        let place = tempfile::tempdir()?;
        let disk = Disk::plug_in(image)?;
        let mounted = Mounted::disk(&disk.file(), place.path(), "")?;
        let left = fs::read_to_string(mounted.path().join(self.history()))?;
        drop(mounted);
        Ok(left)
    }
}

fn ended(child: Child) -> Result<Value> {
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Cuts the power as soon as a run has told that it has taken a target, and once more when it has ended. Gives what is
/// left of the history each time, and what should be.
fn cut_power(image: Vec<u8>, on_disk: OnDisk) -> Result<(Vec<String>, String)> {
    let world = World::new(image, on_disk)?;
    ended(world.start()?)?;
    let first_run = world.newest_events();

    // The device has an entry that says something else; another batch has added one, and died before it was durable.
    let history = world.mounted.path().join(world.history());
    let good = fs::read_to_string(&history)?;
    let old = good.replace("\"success\"", "\"failure\"");
    ensure!(old != good, "{good}");
    fs::write(&history, &old)?;
    fs::File::open(&history)?.sync_all()?;
    fs::File::options().append(true).open(&history)?.write_all(good.as_bytes())?;

    let mut run = world.start()?;
    let mut left = Vec::new();
    while run.try_wait()?.is_none() {
        // Nothing is looked for while the disk stands still: whoever makes a file there may hold the folder.
        let is_new = |events: &PathBuf| Some(events) != first_run.as_ref() && events.is_file();
        let events = world.newest_events().filter(is_new);
        let frozen = world.disk.freeze(Before::Flush, 0, Duration::from_millis(20));
        let is_told = events.and_then(|events| fs::read_to_string(events).ok());
        if is_told.is_some_and(|events| events.contains(PACKAGE)) {
            left.push(world.left(frozen.cut(Survivors::None))?);
            break;
        }
    }
    let report = ended(run)?;
    ensure!(report["totals"]["from_layer"] == json!(1), "{report}");
    let frozen = world.disk.freeze(Before::Any, 0, Duration::ZERO);
    left.push(world.left(frozen.cut(Survivors::None))?);
    drop(frozen);
    drop(world);
    Ok((left, old + &good))
}

fn nothing_that_was_taken_is_lost(on_disk: OnDisk) {
    if program(Path::new("book")).is_none() {
        return;
    }
    let tried = in_private_mounts(|| {
        let image = make_file_system("ext4", 48)?;
        drop(World::new(image.clone(), on_disk)?);
        Ok::<_, anyhow::Error>(image)
    });
    let image = match tried.and_then(|image| image) {
        Ok(image) => image,
        Err(error) => {
            eprintln!("skipped: the power of a disk cannot be cut here: {error:#}");
            return;
        }
    };
    let (left, expected) = in_private_mounts(|| cut_power(image, on_disk)).unwrap().unwrap();
    for history in left {
        assert_eq!(history, expected, "it was told, and is lost");
    }
}

#[test]
fn what_a_run_takes_survives_a_power_cut_as_soon_as_it_is_told() {
    nothing_that_was_taken_is_lost(OnDisk::Book);
}

#[test]
fn what_a_run_takes_survives_a_power_cut_where_the_histories_are_elsewhere() {
    nothing_that_was_taken_is_lost(OnDisk::Histories);
}
