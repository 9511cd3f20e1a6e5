//! What is asked of the generator, and what it says it made.

use std::time::Duration;

use buildbook_layout::{LayerName, PackageId, Platform, RunId, Timestamp, Universe};

/// The size and the seed of a pretend book. Equal specs give equal books, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// Packages, each with a history.
    pub packages: usize,
    /// Lines in each history, spread evenly over the finished runs.
    pub entries: usize,
    /// Folders of layers. At least a quarter of them are needed by nothing.
    pub layers: usize,
    /// Finished runs, a day apart. There is one more, which never finished.
    pub runs: usize,
    /// Where chance begins.
    pub seed: u64,
    /// When the first run began. Everything else follows from it; the clock is never read.
    pub start: Timestamp,
    /// The platform that all packages were built on.
    pub platform: Platform,
    /// Leaves out what only takes room: logs, pages of documentation, and what is in a layer beside its metadata.
    pub bare: bool,
}

impl Default for Spec {
    fn default() -> Spec {
        Spec {
            packages: 40,
            entries: 12,
            layers: 80,
            runs: 4,
            seed: 1,
            // 2026-03-01T06:00:00Z.
            start: Timestamp::from_unix(1_772_344_800).expect("it is in this century"),
            platform: "debian-12-x86_64".parse().expect("it is a plain name"),
            bare: false,
        }
    }
}

impl Spec {
    /// When a run began, counted from 0; the number of finished runs gives the unfinished one.
    #[must_use]
    pub fn run_start(&self, run: usize) -> Timestamp {
        const DAY: i64 = 24 * 60 * 60;
        later(self.start, i64::try_from(run).unwrap_or(0) * DAY)
    }

    /// The time that a reader may take for now: an hour after the unfinished run began.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        later(self.run_start(self.runs), 60 * 60)
    }

    /// The run that entry `index` of every history belongs to, and its place within that run.
    pub(crate) fn place_of_entry(&self, index: usize) -> (usize, usize) {
        let (runs, entries) = (self.runs.max(1), self.entries.max(1));
        let run = index * runs / entries;
        (run, index - (run * entries).div_ceil(runs))
    }
}

/// A time moved by some seconds, forwards or backwards.
pub(crate) fn later(time: Timestamp, seconds: i64) -> Timestamp {
    if seconds < 0 {
        return time.minus(Duration::from_secs(seconds.unsigned_abs()));
    }
    Timestamp::from_unix(time.as_unix().saturating_add(seconds)).unwrap_or(time)
}

/// What a correct reader finds in a book that [`generate`](crate::generate) wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The platform that everything was built on.
    pub platform: Platform,
    /// The finished runs, oldest first. The last of them is what `latest` names.
    pub runs: Vec<RunId>,
    /// A run with events and progress, without a summary and without a process.
    pub unfinished: RunId,
    /// The packages in the order of their names.
    pub packages: Vec<PackageFacts>,
    /// The folders of layers in the order of their names.
    pub layers: Vec<LayerFacts>,
    /// The universes with documentation, in the order of their names.
    pub universes: Vec<UniverseFacts>,
    /// The names of the files in `locks`, sorted. Nobody holds them.
    pub locks: Vec<String>,
}

/// What a history says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageFacts {
    /// The package.
    pub id: PackageId,
    /// How many entries it has, all of them good.
    pub entries: usize,
    /// How many build hashes they name.
    pub hashes: usize,
    /// The category of the newest blessed build, `None` without entries.
    pub blessed_build: Option<String>,
    /// The category of the newest blessed documentation, if there is any.
    pub blessed_doc: Option<String>,
    /// What the newest blessed build says is to blame.
    pub failed_dep: Option<PackageId>,
}

/// What is true of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerFacts {
    /// Its folder.
    pub name: LayerName,
    /// Whether the newest build or documentation of a package is in it.
    pub needed: bool,
    /// The time of its `last_used`; `None` when it was never used again and has no such file.
    pub last_used: Option<Timestamp>,
}

/// What is true of a universe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UniverseFacts {
    /// Its folder.
    pub name: Universe,
    /// Whether a `universes.json` of a blessed package names it.
    pub needed: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_spread_evenly_over_the_runs() {
        let spec = Spec { entries: 6, runs: 3, ..Spec::default() };
        let places: Vec<_> = (0..6).map(|index| spec.place_of_entry(index)).collect();
        assert_eq!(places, [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]);
        let few = Spec { entries: 2, runs: 4, ..Spec::default() };
        assert_eq!([0, 1].map(|index| few.place_of_entry(index)), [(0, 0), (2, 0)]);
        let none = Spec { entries: 1, runs: 0, ..Spec::default() };
        assert_eq!(none.place_of_entry(0), (0, 0));
    }

    #[test]
    fn runs_are_a_day_apart() {
        let spec = Spec::default();
        assert_eq!(spec.start.to_string(), "2026-03-01T06:00:00Z");
        assert_eq!(spec.run_start(4).to_string(), "2026-03-05T06:00:00Z");
        assert_eq!(spec.now().to_string(), "2026-03-05T07:00:00Z");
        assert_eq!(later(spec.start, -1).to_string(), "2026-03-01T05:59:59Z");
    }
}
