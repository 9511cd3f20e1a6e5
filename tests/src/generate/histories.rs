//! `packages/<name.version>/history.jsonl`, with the keys of the original's first version.

use std::collections::BTreeSet;

use anyhow::Result;
use buildbook_layout::{LayerName, PackageId, Timestamp};

use super::Plan;
use crate::farm::{Farm, hash_of};
use crate::rng::Rng;
use crate::spec::{PackageFacts, later};
use crate::{Json, Spec, Tree};

/// One line of a history.
pub(crate) struct Entry {
    pub(crate) run: usize,
    pub(crate) time: Timestamp,
    pub(crate) layer: Option<LayerName>,
    pub(crate) category: &'static str,
    pub(crate) error: Option<&'static str>,
    pub(crate) root_cause: Option<usize>,
    pub(crate) blessed: bool,
}

impl Entry {
    pub(crate) fn is_doc(&self) -> bool {
        self.category.starts_with("doc_")
    }

    pub(crate) fn status(&self) -> &'static str {
        if matches!(self.category, "success" | "doc_success") { "success" } else { "failure" }
    }

    /// What a history has for a build hash: the folder of the layer, or `none`.
    pub(crate) fn build_hash(&self) -> &str {
        self.layer.as_ref().map_or("none", LayerName::as_str)
    }
}

/// The history of a package, oldest first.
///
/// Within a run, builds and documentation alternate, as they do in real histories: the blessed build, its
/// documentation, the build in another universe, that one's documentation, and so on. A failed build has no
/// documentation; it is tried once more instead.
pub(crate) fn imagine(spec: &Spec, farm: &Farm, package: usize) -> Vec<Entry> {
    let subject = &farm.packages[package];
    let mut rng = Rng::named(spec.seed, &format!("history of {}", subject.id));
    let mut entry = |index: usize| {
        let (run, slot) = spec.place_of_entry(index);
        let outcome = &subject.outcomes[run];
        let (universe, wants_doc) = (slot / 2, slot % 2 == 1);
        let hash = match universe {
            0 => outcome.hash.clone(),
            other => hash_of(spec, &format!("{} in universe {other}", outcome.hash)),
        };
        let seconds = 30 + (package % 3000) + slot;
        let time = later(spec.run_start(run), i64::try_from(seconds).unwrap_or(0));
        let doc_fails = rng.chance(8);
        let blessed = universe == 0;
        if wants_doc && outcome.is_success() {
            let hash = hash_of(spec, &format!("documentation of {hash}"));
            let layer = format!("doc-{}", hash.layer().digits()).parse().ok();
            let category = if doc_fails { "doc_failure" } else { "doc_success" };
            return Entry { run, time, layer, category, error: None, root_cause: None, blessed };
        }
        let layer = outcome.has_layer().then(|| hash.layer());
        let (category, error, root_cause) = (outcome.category, outcome.error, outcome.root_cause);
        Entry { run, time, layer, category, error, root_cause, blessed }
    };
    (0..spec.entries).map(&mut entry).collect()
}

impl Plan<'_> {
    pub(super) fn write_histories(&self, tree: &Tree) -> Result<Vec<PackageFacts>> {
        tree.folder(self.platform.packages().path())?;
        let mut facts = Vec::new();
        for (package, entries) in self.farm.packages.iter().zip(&self.histories) {
            let text: String = entries.iter().map(|entry| self.line(entry, package.compiler)).collect();
            tree.file(self.platform.packages().history(&package.id), text)?;
            facts.push(self.facts(&package.id, entries));
        }
        facts.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(facts)
    }

    fn line(&self, entry: &Entry, compiler: &str) -> String {
        let cause = entry.root_cause.map(|cause| &self.farm.packages[cause]);
        Json::object([
            ("ts", entry.time.to_string().into()),
            ("run", self.run_id(entry.run).as_str().into()),
            ("build_hash", entry.build_hash().into()),
            ("status", entry.status().into()),
            ("category", entry.category.into()),
            ("compiler", compiler.into()),
            ("blessed", entry.blessed.into()),
        ])
        .with_some("error", entry.error)
        .with_some("failed_dep", cause.map(|package| package.id.as_str()))
        .with_some(
            "failed_dep_hash",
            cause.map(|package| package.outcomes[entry.run].hash.layer().to_string()),
        )
        .line()
    }

    fn facts(&self, id: &PackageId, entries: &[Entry]) -> PackageFacts {
        let blessed = |doc: bool| entries.iter().rev().find(|entry| entry.blessed && entry.is_doc() == doc);
        let hashes: BTreeSet<&str> = entries.iter().map(Entry::build_hash).collect();
        PackageFacts {
            id: id.clone(),
            entries: entries.len(),
            hashes: hashes.len(),
            blessed_build: blessed(false).map(|entry| entry.category.to_owned()),
            blessed_doc: blessed(true).map(|entry| entry.category.to_owned()),
            failed_dep: blessed(false)
                .and_then(|entry| entry.root_cause)
                .map(|cause| self.farm.packages[cause].id.clone()),
        }
    }
}
