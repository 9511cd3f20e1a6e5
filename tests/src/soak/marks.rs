//! Entries, folders and layers that tell who wrote them, and whether they are whole.
#![expect(clippy::disallowed_methods, reason = "readers are not to see a folder before it is published")]

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use buildbook::history::{Entry, Reading, Reason};
use buildbook::layout::{Book, Category, LayerName, PackageId, PlatformTree, Timestamp};
use buildbook::status_index::{Status, VERSION};

use crate::rng::Rng;

/// How many packages there are: few, so that writers meet.
pub(crate) const PACKAGES: usize = 3;
/// The most entries that one append adds.
pub(crate) const BATCH: u64 = 3;
/// How many layers there may be. Every second one was built upon the one before it.
pub(crate) const LAYERS: usize = 100;
const FILES: usize = 6;

pub(crate) fn package(index: usize) -> PackageId {
    named(&format!("pkg-{index}.1.0"))
}

/// A package that only stands for something.
pub(crate) fn named(name: &str) -> PackageId {
    name.parse().expect("it is a plain name")
}

pub(crate) fn tree(book: &Book) -> PlatformTree {
    book.platform(&"test-1".parse().expect("it is a plain name"))
}

/// An entry that must never be lost. Of the first of a writer, some are long: readers of others look into the middle
/// of them, and kills tear them more easily.
pub(crate) fn entry(writer: u64, number: u64, now: Timestamp) -> Entry {
    Entry { error: Some(text(writer, number)), ..any_entry(now, "build-a1b2c3d4e5f6") }
}

fn text(writer: u64, number: u64) -> String {
    let mut rng = Rng::named(writer << 32 | number, "entry");
    let times = if number < 30 && rng.chance(8) { rng.below(5000) } else { rng.below(2) };
    format!("{writer} {number} {}", rng.hex(64).repeat(times))
}

/// An entry that is old and says nothing new, which compaction takes.
pub(crate) fn chaff(slot: usize, writer: u64, number: u64) -> Entry {
    let old = Timestamp::from_unix(1_577_836_800).expect("it is in this century");
    let hash = format!("build-{slot:012x}");
    Entry { failed_dep: Some(format!("{writer} {number}")), ..any_entry(old, &hash) }
}

fn any_entry(time: Timestamp, hash: &str) -> Entry {
    Entry {
        ts: time.to_string(),
        run: "2020-01-01-000000".to_owned(),
        build_hash: hash.to_owned(),
        status: Entry::FAILURE.to_owned(),
        category: Category::new("build_failure"),
        compiler: "5.3.0".to_owned(),
        blessed: true,
        error: None,
        failed_dep: None,
        failed_dep_hash: None,
        universe: None,
    }
}

fn two_numbers(text: &str) -> Option<(u64, u64)> {
    let mut words = text.splitn(3, ' ');
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

/// What is in a history, or what is wrong with it.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// How many entries each writer has there: from its first to this one, in order, each once.
    pub(crate) kept: HashMap<u64, u64>,
    /// The newest one that compaction may take, of each slot.
    pub(crate) chaff: HashMap<usize, (u64, u64)>,
    /// Lines that a writer which died has left torn.
    pub(crate) torn: u64,
}

/// Looks at a whole reading: every entry as it was written, each writer's in order and without a gap or a
/// repetition, and nothing else but lines that were cut off.
pub(crate) fn examine(reading: &Reading) -> Result<Found> {
    let mut found = Found::default();
    for problem in &reading.problems {
        ensure!(problem.reason == Reason::CutOff && problem.salvaged == 0, "a broken line: {problem}");
        found.torn += problem.lines();
    }
    for entry in reading.entries.iter().rev() {
        if let Some(dep) = &entry.failed_dep {
            let mark = two_numbers(dep).with_context(|| format!("a changed entry: {dep}"))?;
            let slot =
                entry.build_hash.strip_prefix("build-").and_then(|hex| usize::from_str_radix(hex, 16).ok());
            let before = found.chaff.insert(slot.context("an entry of nobody")?, mark);
            ensure!(before < Some(mark), "writer {} number {} comes after {before:?}", mark.0, mark.1);
            continue;
        }
        let mark = entry.error.as_deref().unwrap_or_default();
        let (writer, number) = two_numbers(mark).with_context(|| format!("a changed entry: {mark:.40}"))?;
        ensure!(mark == text(writer, number), "entry {number} of writer {writer} was changed");
        let next = found.kept.entry(writer).or_default();
        ensure!(number == *next, "writer {writer}: entry {number} stands where {next} belongs");
        *next += 1;
    }
    Ok(found)
}

/// Fills a folder with files that all say the same.
pub(crate) fn fill(folder: &Path, mark: (u64, u64)) -> Result<()> {
    let text = format!("{} {}\n", mark.0, mark.1);
    fs::create_dir(folder.join("sub"))?;
    for file in 0..FILES {
        fs::write(place(folder, file), text.repeat(1 + file * 40))?;
    }
    Ok(())
}

fn place(folder: &Path, file: usize) -> std::path::PathBuf {
    let folder = if file.is_multiple_of(2) { folder.to_owned() } else { folder.join("sub") };
    folder.join(format!("file-{file}"))
}

/// Reads a folder that others publish anew all the time, and tells whose it is. `None` when another one took its
/// place meanwhile, so that nothing can be said; an error when it is not there or not one whole version.
///
/// Versions are never used twice. If the first file says the same before and after, all files were of that
/// version in between.
pub(crate) fn examine_folder(folder: &Path) -> Result<Option<(u64, u64)>> {
    let read = |file| fs::read_to_string(place(folder, file));
    let before = read(0).with_context(|| format!("{} is not whole", folder.display()))?;
    let files: Vec<io::Result<String>> = (1..FILES).map(read).collect();
    let after = read(0).with_context(|| format!("{} is not whole any more", folder.display()))?;
    if before != after {
        return Ok(None);
    }
    for (file, text) in (1..).zip(files) {
        let text = text.with_context(|| format!("{} lacks file {file}", folder.display()))?;
        ensure!(
            text == before.repeat(1 + file * 40),
            "file {file} of {} is of another version",
            folder.display()
        );
    }
    let mark =
        two_numbers(before.trim_end()).with_context(|| format!("{} says {before:?}", folder.display()))?;
    Ok(Some(mark))
}

pub(crate) fn layer(index: usize) -> LayerName {
    format!("build-{index:012x}").parse().expect("it has twelve digits")
}

/// The layer that a layer was built upon.
pub(crate) fn parent(index: usize) -> Option<usize> {
    (!index.is_multiple_of(2)).then(|| index - 1)
}

/// What `layer.json` says.
pub(crate) fn description(index: usize) -> String {
    let parents: Vec<String> =
        parent(index).map(|parent| format!("\"{}\"", layer(parent))).into_iter().collect();
    format!("{{\"exit_status\":0,\"parent_hashes\":[{}]}}\n", parents.join(","))
}

/// Whether a layer is there, whole. It must not be replaced meanwhile.
pub(crate) fn examine_layer(tree: &PlatformTree, index: usize) -> Result<bool> {
    let place = tree.layer(&layer(index));
    if !place.path().exists() {
        return Ok(false);
    }
    let metadata = fs::read_to_string(place.metadata())
        .with_context(|| format!("{} has no description", place.path().display()))?;
    ensure!(metadata == description(index), "{} is described as {metadata:?}", place.path().display());
    ensure!(examine_folder(place.path())?.is_some(), "{} was replaced", place.path().display());
    Ok(true)
}

/// What a layer that is there was built upon is there as well, if the layer was made in time; see
/// [`note_made_in_time`]. Gives the number of those that were not.
pub(crate) fn examine_parents(root: &Path, tree: &PlatformTree) -> Result<u64> {
    let mut not_judged = 0;
    for index in 0..LAYERS {
        if !examine_layer(tree, index)? {
            continue;
        }
        let Some(parent) = parent(index) else { continue };
        if examine_layer(tree, parent)? {
            continue;
        }
        let mark = examine_folder(tree.layer(&layer(index)).path())?;
        let noted = fs::read_to_string(made_in_time(root, index)).ok();
        ensure!(
            mark != noted.as_deref().and_then(two_numbers),
            "layer {index} has lost what it was built upon"
        );
        not_judged += 1;
    }
    Ok(not_judged)
}

/// Says whose layer came so soon after the one that it needs that nobody may have collected that one meanwhile.
pub(crate) fn note_made_in_time(root: &Path, index: usize, mark: (u64, u64)) -> Result<()> {
    Ok(fs::write(made_in_time(root, index), format!("{} {}", mark.0, mark.1))?)
}

fn made_in_time(root: &Path, index: usize) -> std::path::PathBuf {
    root.join(format!("made-{index}"))
}

/// A status of some size in which one part tells what the other must be.
pub(crate) fn status(writer: u64, number: u64, now: Timestamp) -> Status {
    let packages = number % 300;
    let counts = [("success", number), ("build_failure", writer), ("timeout", packages)];
    Status {
        generated: now.to_string(),
        run_id: "2020-01-01-000000".to_owned(),
        blessed_totals: counts.into_iter().map(|(word, count)| (Category::new(word), count)).collect(),
        non_blessed_totals: Default::default(),
        changes: Vec::new(),
        new_packages: (0..packages).map(|index| named(&format!("new-{index:04}.{number}"))).collect(),
        version: VERSION,
        since: None,
    }
}

/// Who wrote a status, if it is one whole status.
pub(crate) fn examine_status(found: &Status) -> Result<(u64, u64)> {
    let count = |word| found.blessed_totals.get(&Category::new(word)).copied();
    let (number, writer) =
        count("success").zip(count("build_failure")).context("a status without its counts")?;
    let now = Timestamp::parse(&found.generated)?;
    ensure!(*found == status(writer, number, now), "status {number} of writer {writer} was changed");
    Ok((writer, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(entries: &[Entry]) -> Reading {
        let mut reading = Reading::default();
        reading.entries = entries.iter().rev().cloned().collect();
        reading
    }

    fn now() -> Timestamp {
        Timestamp::parse("2026-03-09T12:54:44Z").unwrap()
    }

    #[test]
    fn a_history_in_order_is_counted() {
        let entries =
            [entry(1, 0, now()), chaff(4, 1, 0), entry(2, 0, now()), entry(1, 1, now()), chaff(4, 1, 2)];
        let found = examine(&reading(&entries)).unwrap();
        assert_eq!(found.kept, HashMap::from([(1, 2), (2, 1)]));
        assert_eq!(found.chaff, HashMap::from([(4, (1, 2))]));
    }

    #[test]
    fn a_gap_a_repetition_a_changed_order_and_a_changed_entry_are_seen() {
        let [a, b, c] = [0, 1, 2].map(|number| entry(1, number, now()));
        let changed = Entry { error: Some("1 1 nonsense".to_owned()), ..b.clone() };
        for wrong in [vec![&a, &c], vec![&a, &a], vec![&b, &a], vec![&a, &changed]] {
            let wrong: Vec<Entry> = wrong.into_iter().cloned().collect();
            assert!(examine(&reading(&wrong)).is_err(), "{wrong:?}");
        }
        assert!(examine(&reading(&[chaff(4, 1, 2), chaff(4, 1, 1)])).is_err());
    }

    #[test]
    fn a_folder_of_two_versions_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path(), (3, 4)).unwrap();
        assert_eq!(examine_folder(folder.path()).unwrap(), Some((3, 4)));
        fs::write(place(folder.path(), 3), "3 5\n".repeat(121)).unwrap();
        assert!(examine_folder(folder.path()).is_err());
        fs::remove_file(place(folder.path(), 3)).unwrap();
        assert!(examine_folder(folder.path()).is_err());
    }

    #[test]
    fn a_status_of_two_versions_is_seen() {
        let mut one = status(1, 250, now());
        assert_eq!(examine_status(&one).unwrap(), (1, 250));
        one.new_packages.pop();
        assert!(examine_status(&one).is_err());
    }
}
