//! The folders that builds leave, in the spellings of the original's first and second version.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use buildbook_layout::{LayerName, LayerTree, Timestamp};

use super::Plan;
use super::histories::Entry;
use crate::rng::Rng;
use crate::spec::{LayerFacts, later};
use crate::{Json, Tree};

/// What a layer's metadata tells.
struct Layer<'a> {
    package: &'a str,
    entry: Option<&'a Entry>,
    needs: Vec<(&'a str, LayerName)>,
    finished: Timestamp,
    needed: bool,
}

impl Plan<'_> {
    pub(super) fn write_layers(&self, tree: &mut Tree) -> Result<Vec<LayerFacts>> {
        let mut facts = Vec::new();
        for (name, layer) in self.imagine_layers() {
            let folder = self.platform.layer(&name);
            write_metadata(tree, &folder, &name, &layer)?;
            tree.changed_at(folder.metadata(), layer.finished);
            let last_used = self.last_used(&name, &layer);
            if let Some(time) = last_used {
                tree.file(folder.last_used(), "")?;
                tree.changed_at(folder.last_used(), time);
            }
            if !self.spec.bare {
                write_contents(tree, &folder, &layer)?;
            }
            facts.push(LayerFacts { name, needed: layer.needed, last_used });
        }
        Ok(facts)
    }

    /// First those that the newest entries name, then old ones of the histories, then layers of packages that
    /// nobody remembers.
    fn imagine_layers(&self) -> BTreeMap<LayerName, Layer<'_>> {
        let (wanted, unneeded) = (self.spec.layers, self.spec.layers.div_ceil(4));
        let mut layers = BTreeMap::new();
        for needed in [true, false] {
            let limit = if needed { wanted - unneeded } else { wanted };
            for (package, entries) in self.farm.packages.iter().zip(&self.histories) {
                let newest = newest_layers(entries);
                for entry in entries.iter().rev() {
                    let Some(name) = entry.layer.clone() else { continue };
                    if layers.len() >= limit || newest.contains(&name) != needed || layers.contains_key(&name)
                    {
                        continue;
                    }
                    let needs = package.needs.iter().map(|need| {
                        let need = &self.farm.packages[*need];
                        (need.id.as_str(), need.outcomes[entry.run].hash.layer())
                    });
                    let (needs, finished) = (needs.collect(), later(entry.time, 20));
                    layers.insert(
                        name,
                        Layer { package: package.id.as_str(), entry: Some(entry), needs, finished, needed },
                    );
                }
            }
        }
        let taken: BTreeSet<String> = self.folders_of_layers().into_iter().map(str::to_owned).collect();
        let mut rng = Rng::named(self.spec.seed, "forgotten layers");
        while layers.len() < wanted {
            let (digits, days) = (rng.hex(12), 1 + rng.below(90));
            let text = if layers.len() % 2 == 0 { format!("build-{digits}") } else { digits };
            let Some(name) = text.parse().ok().filter(|_| !taken.contains(&text)) else { continue };
            let finished = later(self.spec.start, -(i64::try_from(days).unwrap_or(0) * 24 * 60 * 60));
            layers.insert(
                name,
                Layer { package: "forgotten.1.0", entry: None, needs: Vec::new(), finished, needed: false },
            );
        }
        layers
    }

    /// A layer gets its mark when it is used once more, so that half of them have none.
    fn last_used(&self, name: &LayerName, layer: &Layer<'_>) -> Option<Timestamp> {
        let mut rng = Rng::named(self.spec.seed, name.as_str());
        if !rng.chance(50) {
            return None;
        }
        let newest_run = self.spec.run_start(self.spec.runs.saturating_sub(1));
        let hours = i64::try_from(rng.below(24)).unwrap_or(0);
        Some(if layer.needed { later(newest_run, 60) } else { later(layer.finished, hours * 60 * 60) })
    }
}

/// The layers of the newest blessed build and documentation.
fn newest_layers(entries: &[Entry]) -> BTreeSet<LayerName> {
    let newest = |doc: bool| entries.iter().rev().find(|entry| entry.blessed && entry.is_doc() == doc);
    [newest(false), newest(true)].into_iter().flatten().filter_map(|entry| entry.layer.clone()).collect()
}

fn write_metadata(tree: &Tree, folder: &LayerTree, name: &LayerName, layer: &Layer<'_>) -> Result<()> {
    let names = || layer.needs.iter().map(|(id, _)| *id);
    let exit_status = layer.entry.map_or(0, |entry| match entry.category {
        "success" | "doc_success" => 0,
        "dependency_failure" => -1,
        _ => 2,
    });
    let is_first_version = name.as_str() != name.digits();
    if is_first_version {
        let metadata = Json::object([
            ("package", layer.package.into()),
            ("exit_status", exit_status.into()),
            ("deps", Json::list(names())),
            ("hashes", Json::list(layer.needs.iter().map(|(_, layer)| layer.as_str()))),
            ("created", Json::seconds(layer.finished.as_unix())),
        ]);
        return tree.file(folder.metadata(), metadata.compact());
    }
    let metadata = Json::object([
        ("exit_status", exit_status.into()),
        ("uid", 1000.into()),
        ("gid", 1000.into()),
        ("base_hash", "0123456789abcdef0123456789abcdef".into()),
        ("disk_usage", 4096.into()),
        ("timing", Json::object([("runc_run", Json::Raw("12.5".into())), ("total", Json::seconds(14))])),
        ("created_at", layer.finished.to_string().into()),
    ]);
    tree.file(folder.metadata(), metadata.compact())?;
    let sidecar = Json::object([("package", layer.package.into()), ("deps", Json::list(names()))]);
    tree.file(folder.path().join("build.json"), sidecar.compact())
}

fn write_contents(tree: &Tree, folder: &LayerTree, layer: &Layer<'_>) -> Result<()> {
    let package = layer.package;
    tree.file(folder.files().join("lib").join(package).join("META"), format!("# {package}\n"))?;
    tree.link(folder.files().join("lib/newest"), package)?;
    let end = match layer.entry.map(|entry| (entry.category, entry.error)) {
        None | Some(("success" | "doc_success", _)) => "done".to_owned(),
        Some((_, Some(error))) => error.to_owned(),
        Some((category, None)) => category.to_owned(),
    };
    tree.file(folder.log(), format!("=== {package}\n[1/2] configure\n[2/2] build\n{end}\n"))
}
