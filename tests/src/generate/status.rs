//! `status.json`, as the original's first version writes it after the last finished run.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::Plan;
use super::histories::Entry;
use crate::{Json, Tree};

impl Plan<'_> {
    /// For each build hash of a package, its newest entry counts. At most one of a package counts as blessed.
    /// Without a finished run there is no index.
    pub(super) fn write_status(&self, tree: &Tree) -> Result<()> {
        let Some(newest) = self.spec.runs.checked_sub(1) else { return Ok(()) };
        let (mut blessed, mut others) = (BTreeMap::new(), BTreeMap::new());
        let mut changes = Vec::new();
        for (package, entries) in self.farm.packages.iter().zip(&self.histories) {
            let mut seen = BTreeSet::new();
            let mut has_blessed = false;
            for entry in entries.iter().rev().filter(|entry| seen.insert(entry.build_hash())) {
                let is_blessed = entry.blessed && entry.run == newest && !has_blessed;
                has_blessed |= is_blessed;
                let totals = if is_blessed { &mut blessed } else { &mut others };
                *totals.entry(entry.category).or_insert(0_usize) += 1;
            }
            changes.extend(change(entries, newest).map(|(from, to)| {
                Json::object([
                    ("package", package.id.as_str().into()),
                    ("build_hash", to.build_hash().into()),
                    ("blessed", true.into()),
                    ("from", from.category.into()),
                    ("to", to.category.into()),
                ])
            }));
        }
        let totals = |totals: BTreeMap<&str, usize>| {
            Json::Object(
                totals.into_iter().map(|(category, count)| (category.to_owned(), count.into())).collect(),
            )
        };
        let generated = crate::spec::later(self.spec.run_start(newest), 3700);
        let status = Json::object([
            ("generated", generated.to_string().into()),
            ("run_id", self.run_id(newest).as_str().into()),
            ("blessed_totals", totals(blessed)),
            ("non_blessed_totals", totals(others)),
            ("changes_since_last", Json::List(changes)),
            ("new_packages", Json::List(Vec::new())),
        ]);
        tree.file(self.platform.status(), status.pretty() + "\n")
    }
}

/// The blessed builds of the newest run and of the one before it, if their categories differ.
fn change(entries: &[Entry], newest: usize) -> Option<(&Entry, &Entry)> {
    let blessed =
        |run: usize| entries.iter().rev().find(|entry| entry.run == run && entry.blessed && !entry.is_doc());
    let (from, to) = (blessed(newest.checked_sub(1)?)?, blessed(newest)?);
    (from.category != to.category).then_some((from, to))
}
