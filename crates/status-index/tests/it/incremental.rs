//! The index that remembers says what the one says that reads everything.

mod events;

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, symlink};
use std::path::{Path, PathBuf};

use buildbook_history::{Entry, Retention};
use buildbook_layout::{PackageId, PlatformTree};
use buildbook_status_index::{Cache, Generated, Status, generate_incremental};
use proptest::prelude::*;
use proptest::sample::select;

use crate::{World, entry, now, run};

impl World {
    fn dir(&self) -> &Path {
        self.history.tree().path().parent().unwrap()
    }

    fn cache_file(&self) -> PathBuf {
        PlatformTree::at(self.dir()).status_cache()
    }

    fn path(&self, package: &str) -> PathBuf {
        self.history.tree().history(&package.parse().unwrap())
    }

    /// With the cache that is there, which is written.
    fn update(&self, number: u32, previous: Option<&Status>) -> Generated {
        let mut cache = Cache::read(self.dir());
        let generated =
            generate_incremental(&self.history, &run(number), previous, now(), &mut cache).unwrap();
        cache.write(self.dir()).unwrap();
        generated
    }

    /// So often that everything is remembered, and known to be.
    fn settle(&self, number: u32) {
        for _ in 0..3 {
            self.wait_for_the_clock();
            self.update(number, None);
        }
    }

    /// Until the file system's clock has moved on.
    fn wait_for_the_clock(&self) {
        let probe = self.dir().join("probe");
        let time = || {
            fs::write(&probe, b"").unwrap();
            let metadata = fs::metadata(&probe).unwrap();
            (metadata.ctime(), metadata.ctime_nsec())
        };
        let first = time();
        while time() == first {}
    }
}

/// Everything that an index says.
fn all(generated: &Generated) -> (String, String) {
    let records = serde_json::to_string_pretty(&(&generated.status, &generated.standings)).unwrap();
    (records, format!("{:#?}", generated.problems))
}

fn long(run: u32, hash: &str, category: &str, blessed: bool) -> Entry {
    Entry { error: Some("long ".repeat(100)), ..entry(crate::run(run).as_str(), hash, category, blessed) }
}

/// One package with many entries of some runs.
fn long_history(world: &World, package: &str, runs: u32) {
    let entries: Vec<Entry> = (0..runs)
        .flat_map(|run| {
            [
                long(run, "A", "success", true),
                long(run, "B", "build_failure", false),
                long(run, "B", "success", false),
            ]
        })
        .collect();
    world.history.append_all(&package.parse().unwrap(), &entries).unwrap();
}

#[test]
fn nothing_is_written_when_nothing_has_changed() {
    let world = World::new();
    assert_eq!(all(&world.update(1, None)), all(&world.generate(1, None)));
    assert!(!world.cache_file().exists(), "there is no folder of histories");
    long_history(&world, "a.1", 10);
    world.record("b.1", 1, "h", "success", true);
    fs::create_dir(world.history.tree().path().join("empty.1")).unwrap();
    world.settle(10);
    let written = fs::metadata(world.cache_file()).unwrap();
    let mut cache = Cache::read(world.dir());
    for number in [10, 11, 12] {
        let previous = world.generate(number - 1, None).status;
        for previous in [None, Some(&previous)] {
            let again =
                generate_incremental(&world.history, &run(number), previous, now(), &mut cache).unwrap();
            assert_eq!(all(&again), all(&world.generate(number, previous)));
            assert!(!cache.has_changed(), "{number}");
        }
    }
    cache.write(world.dir()).unwrap();
    assert_eq!(fs::metadata(world.cache_file()).unwrap().ino(), written.ino());
}

#[test]
fn an_index_of_an_older_run_leaves_out_what_came_again_later() {
    let world = World::new();
    for number in 1..9 {
        world.record("a.1", number, "h", "success", true);
    }
    world.settle(20);
    for number in (1..20).rev() {
        assert_eq!(all(&world.update(number, None)), all(&world.generate(number, None)), "{number}");
        world.settle(20);
    }
}

/// An old line that is edited in place, which no program does, would be seen if it was read.
#[test]
fn of_a_history_that_has_grown_only_what_was_added_is_read() {
    let world = World::new();
    long_history(&world, "a.1", 20);
    world.settle(20);
    let path = world.path("a.1");
    let file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let at = text.find("\"A\"").unwrap();
    file.write_all_at(b"\"Z\"", at as u64).unwrap();
    world.record("a.1", 20, "C", "depext_unavailable", true);
    let (remembered, full) = (world.update(20, None), world.generate(20, None));
    assert_eq!(remembered.standings, full.standings);
    assert_eq!(remembered.standings[0].category.as_str(), "depext_unavailable");
    let builds = |generated: &Generated| generated.status.non_blessed_totals.values().sum::<u64>();
    assert_eq!((builds(&remembered), builds(&full)), (2, 3), "the build that was made up is not seen");

    // The same with an index that has nothing to go on.
    fs::remove_file(world.cache_file()).unwrap();
    assert_eq!(all(&world.update(20, None)), all(&full));
    file.write_all_at(b"x", 0).unwrap();
    let problems = world.update(20, None).problems.len();
    assert_eq!(
        (problems, world.generate(20, None).problems.len()),
        (1, 1),
        "it has not grown, so all is read"
    );
}

#[test]
fn a_change_without_another_length_is_seen_even_within_a_tick_of_the_clock() {
    let world = World::new();
    for package in ["a.1", "b.1"] {
        world.record(package, 0, "h", "success", true);
    }
    let path = world.path("b.1");
    let text = fs::read_to_string(&path).unwrap();
    for round in 0..200 {
        let hash = if round % 2 == 0 { "\"h\"" } else { "\"i\"" };
        fs::write(&path, text.replace("\"h\"", hash)).unwrap();
        let generated = world.update(0, None);
        assert_eq!(all(&generated), all(&world.generate(0, None)), "round {round}");
    }
}

#[test]
fn whatever_happened_to_the_cache_the_answer_is_the_same() {
    let world = World::new();
    long_history(&world, "a.1", 8);
    world.record("b.1", 7, "h", "success", true);
    world.settle(7);
    let expected = all(&world.generate(7, None));
    let good = fs::read(world.cache_file()).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        fs::write(world.cache_file(), &bad).unwrap();
        let mut cache = Cache::read(world.dir());
        assert_eq!(
            all(&generate_incremental(&world.history, &run(7), None, now(), &mut cache).unwrap()),
            expected
        );
        assert!(cache.has_changed(), "byte {at} was changed, and nothing that was remembered is used");
        assert!(Cache::read(world.dir()).is_empty(), "byte {at}");
    }
    for length in [0, 1, good.len() / 2, good.len() - 1] {
        fs::write(world.cache_file(), &good[..length]).unwrap();
        assert_eq!(all(&world.update(7, None)), expected);
    }
    for other in ["a folder", "a link"] {
        fs::remove_file(world.cache_file()).unwrap();
        match other {
            "a link" => symlink(world.path("b.1"), world.cache_file()).unwrap(),
            _ => fs::create_dir(world.cache_file()).unwrap(),
        }
        let mut cache = Cache::read(world.dir());
        assert_eq!(
            all(&generate_incremental(&world.history, &run(7), None, now(), &mut cache).unwrap()),
            expected
        );
        if other == "a folder" {
            assert!(cache.write(world.dir()).is_err());
            fs::remove_dir(world.cache_file()).unwrap();
            fs::write(world.cache_file(), b"").unwrap();
        } else {
            cache.write(world.dir()).unwrap();
            assert!(world.cache_file().symlink_metadata().unwrap().is_file(), "the link was replaced");
            assert_eq!(all(&world.generate(7, None)), expected, "and what it led to was not");
        }
    }
}

#[test]
fn what_was_changed_last_is_read_again_until_the_clock_has_moved_on() {
    let world = World::new();
    world.record("a.1", 0, "h", "success", true);
    let write_again = || {
        let mut cache = Cache::read(world.dir());
        generate_incremental(&world.history, &run(0), None, now(), &mut cache).unwrap();
        let has_changed = cache.has_changed();
        cache.write(world.dir()).unwrap();
        has_changed
    };
    assert!(write_again());
    world.wait_for_the_clock();
    assert!(write_again(), "the cache itself shows that the clock has moved on");
    assert!(!write_again());

    // A change that shows in nothing, as within one tick of a clock; the cache was made before it.
    let world = World::new();
    world.record("a.1", 0, "h", "success", true);
    world.update(0, None);
    let time = |metadata: &fs::Metadata| {
        let of = |seconds: i64, nanoseconds: i64| {
            [&seconds.to_le_bytes()[..], &u32::try_from(nanoseconds).unwrap().to_le_bytes()].concat()
        };
        let modified = of(metadata.mtime(), metadata.mtime_nsec());
        [modified, of(metadata.ctime(), metadata.ctime_nsec())].concat()
    };
    let path = world.path("a.1");
    let before = time(&fs::metadata(&path).unwrap());
    fs::write(&path, fs::read_to_string(&path).unwrap().replace("\"h\"", "\"i\"")).unwrap();
    let after = time(&fs::metadata(&path).unwrap());
    let mut bytes = fs::read(world.cache_file()).unwrap();
    let at = bytes.windows(before.len()).position(|part| part == before).unwrap();
    bytes[at..at + after.len()].copy_from_slice(&after);
    fs::write(world.cache_file(), sealed(bytes)).unwrap();
    assert!(!Cache::read(world.dir()).is_empty());
    assert_eq!(world.update(0, None).standings[0].build_hash, "i");
}

fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.len() - 8;
    let sum = buildbook_fsio::digest(&bytes[..end]);
    bytes[end..].copy_from_slice(&sum.to_le_bytes());
    bytes
}

#[test]
fn where_a_link_leads_is_looked_up_each_time() {
    let world = World::new();
    world.record("a.1", 0, "h", "success", true);
    let elsewhere = world.dir().join("elsewhere");
    let folder = world.history.tree().package(&"b.1".parse().unwrap());
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, &folder).unwrap();
    world.record("b.1", 0, "h", "success", true);
    world.settle(0);
    assert_eq!(world.update(0, None).standings.len(), 2);
    fs::remove_dir_all(&elsewhere).unwrap();
    fs::write(&elsewhere, "no folder any more").unwrap();
    assert_eq!(all(&world.update(0, None)), all(&world.generate(0, None)));
    assert_eq!(world.update(0, None).standings.len(), 1);
}

/// Somebody with time can make a file whose digest is right.
#[test]
fn a_cache_that_names_what_is_no_package_leads_nowhere() {
    let world = World::new();
    world.record("a.1", 0, "h", "success", true);
    world.settle(0);
    let mut bytes = fs::read(world.cache_file()).unwrap();
    let at = bytes.windows(3).position(|part| part == b"a.1").unwrap();
    bytes[at..at + 3].copy_from_slice(b"../");
    fs::write(world.cache_file(), sealed(bytes)).unwrap();
    assert!(!Cache::read(world.dir()).is_empty());
    assert_eq!(all(&world.update(0, None)), all(&world.generate(0, None)));
}

#[test]
fn a_cache_that_counts_more_than_there_can_be_is_of_no_use() {
    let world = World::new();
    for package in ["a.1", "b.1"] {
        world.record(package, 0, "h", "success", true);
    }
    world.settle(0);
    let mut bytes = fs::read(world.cache_file()).unwrap();
    let counted = [&b"\x07success\x01"[..], &1_u64.to_le_bytes()].concat();
    let forged = [&b"\x07success\x01"[..], &u64::MAX.to_le_bytes()].concat();
    let places: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(&counted)).collect();
    assert_eq!(places.len(), 2);
    for at in places {
        bytes[at..at + forged.len()].copy_from_slice(&forged);
    }
    fs::write(world.cache_file(), sealed(bytes)).unwrap();
    assert!(!Cache::read(world.dir()).is_empty());
    assert_eq!(all(&world.update(0, None)), all(&world.generate(0, None)));
}

#[test]
fn a_cache_of_other_histories_does_no_harm() {
    let (one, other) = (World::new(), World::new());
    for (world, category) in [(&one, "success"), (&other, "failure!")] {
        world.record("a.1", 0, "h", category, true);
        world.record("b.1", 0, "h", "success", true);
        world.settle(0);
    }
    fs::copy(one.cache_file(), other.cache_file()).unwrap();
    assert_eq!(all(&other.update(0, None)), all(&other.generate(0, None)));
}
