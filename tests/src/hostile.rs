//! Small books that something happened to.
//!
//! Each case begins with the same sound book ([`sound`]) and harms one thing, so that whatever a reader says about
//! the rest is the same in all of them.

mod files;
mod histories;
mod html;
mod layers;
mod lines;
mod runs;
mod sound;
mod versions;

use std::path::Path;

use anyhow::Result;
use buildbook_layout::Timestamp;

use crate::Tree;

/// A book that something happened to.
#[derive(Debug)]
pub struct Case {
    /// Its name, which is also that of its folder among the fixtures.
    pub name: &'static str,
    /// What happened, in one line.
    pub about: &'static str,
    /// What a correct reader answers.
    pub answer: &'static str,
    /// Packages that must be listed, with the least number of entries that must be read of each.
    pub entries: &'static [(&'static str, usize)],
    /// Parts of the book about which at least one problem must be reported. About other parts a reader may say
    /// something, but need not.
    pub problems: &'static [Part],
    write: fn(&mut Tree) -> Result<()>,
}

/// A part of a book that has a reader of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Part {
    /// `<platform>/packages`.
    Histories,
    /// `logs`.
    Runs,
    /// `progress.json` of a run.
    Progress,
    /// `<platform>/status.json`.
    Status,
    /// `locks`.
    Locks,
    /// The folders of layers.
    Layers,
    /// `html`.
    Html,
}

impl Case {
    /// Writes the book of this case.
    ///
    /// # Errors
    ///
    /// The system's answer.
    pub fn generate(&self, out: &Path) -> Result<()> {
        let mut tree = Tree::create(out, sound::now())?;
        (self.write)(&mut tree)?;
        tree.finish()
    }

    /// The time that a reader may take for now, in every case.
    #[must_use]
    pub fn now() -> Timestamp {
        sound::now()
    }
}

/// Finds a case by its name.
#[must_use]
pub fn case(name: &str) -> Option<&'static Case> {
    cases().find(|case| case.name == name)
}

/// All entries of the sound book.
const ALL: &[(&str, usize)] = &[("anvil.1.2.0", 3), ("basalt.0.9", 2)];
/// What is left when nothing of `basalt` can be read.
const ANVIL_ALONE: &[(&str, usize)] = &[("anvil.1.2.0", 3)];

/// All cases, those of one subject after another.
pub fn cases() -> impl Iterator<Item = &'static Case> {
    let tables = [
        sound::CASES,
        lines::CASES,
        histories::CASES,
        versions::CASES,
        files::CASES,
        runs::CASES,
        layers::CASES,
        html::CASES,
    ];
    tables.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Snapshot;
    use std::collections::BTreeSet;

    #[test]
    fn every_case_can_be_made_and_is_like_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let digests: BTreeSet<String> = cases()
            .map(|case| {
                let out = folder.path().join(case.name);
                case.generate(&out).unwrap();
                Snapshot::take(&out).unwrap().digest()
            })
            .collect();
        assert_eq!(digests.len(), cases().count());
    }

    #[test]
    fn the_promised_entries_are_there() {
        let folder = tempfile::tempdir().unwrap();
        for case in cases() {
            let out = folder.path().join(case.name);
            case.generate(&out).unwrap();
            for (package, least) in case.entries {
                let history = out.join("debian-12-x86_64/packages").join(package).join("history.jsonl");
                let bytes = std::fs::read(history).unwrap();
                let records = String::from_utf8_lossy(&bytes).matches("\"run\":").count();
                assert!(records >= *least, "{}: {package} has {records} records", case.name);
            }
        }
    }

    #[test]
    fn cases_are_found_by_name() {
        let names: BTreeSet<&str> = cases().map(|case| case.name).collect();
        assert_eq!(names.len(), cases().count(), "a name was given twice");
        assert_eq!(case("bom").map(|case| case.name), Some("bom"));
        assert!(case("none such").is_none());
    }
}
