//! The published documentation, and what it links to.

use std::collections::BTreeMap;

use anyhow::Result;
use buildbook_layout::Universe;

use super::Plan;
use crate::rng::Rng;
use crate::spec::UniverseFacts;
use crate::{Json, Tree};

impl Plan<'_> {
    /// Packages whose newest blessed documentation is good are published with a reference to their universe. A few
    /// universes are there that nothing refers to.
    pub(super) fn write_html(&self, tree: &Tree) -> Result<Vec<UniverseFacts>> {
        let html = self.book.html();
        tree.folder(html.blessed())?;
        tree.folder(html.universes())?;
        let mut universes: BTreeMap<Universe, bool> = BTreeMap::new();
        for (package, entries) in self.farm.packages.iter().zip(&self.histories) {
            let newest = entries.iter().rev().find(|entry| entry.blessed && entry.is_doc());
            if newest.is_none_or(|entry| entry.category != "doc_success") {
                continue;
            }
            let (Some(folder), Some(file)) = (html.package(&package.id), html.universes_file(&package.id))
            else {
                continue;
            };
            if !self.spec.bare {
                tree.file(folder.join("doc/index.html"), page(package.id.as_str()))?;
            }
            let references = Json::object([("universes", Json::list([package.universe.as_str()]))]);
            tree.file(file, references.compact())?;
            universes.insert(package.universe.clone(), true);
        }
        let mut rng = Rng::named(self.spec.seed, "forgotten universes");
        for _ in 0..universes.len().div_ceil(4) {
            if let Ok(forgotten) = rng.hex(32).parse() {
                universes.entry(forgotten).or_insert(false);
            }
        }
        for universe in universes.keys() {
            tree.file(html.universe(universe).join("anvil/1.2.0/doc/index.html"), page(universe.as_str()))?;
        }
        Ok(universes.into_iter().map(|(name, needed)| UniverseFacts { name, needed }).collect())
    }
}

fn page(title: &str) -> String {
    format!("<!DOCTYPE html><title>{title}</title>\n")
}
