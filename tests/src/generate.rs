//! Writing a whole book.

mod histories;
mod html;
mod layers;
mod locks;
mod runs;
mod status;

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Result, ensure};
use buildbook_layout::{Book, PlatformTree, RunId};

use crate::farm::Farm;
use crate::spec::{Manifest, Spec};
use crate::tree::Tree;
use histories::Entry;

/// Everything that the writers of the parts share.
struct Plan<'a> {
    spec: &'a Spec,
    farm: Farm,
    /// The history of each package of the farm, oldest first.
    histories: Vec<Vec<Entry>>,
    book: Book,
    platform: PlatformTree,
}

/// Writes a book with everything that a farm leaves: runs and their logs, locks, histories, an index, layers and
/// documentation.
///
/// # Errors
///
/// The system's answer, and anything that is already there: a pretend book is never mixed with a real one.
pub fn generate(out: &Path, spec: &Spec) -> Result<Manifest> {
    let is_free = match std::fs::read_dir(out) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    };
    ensure!(is_free, "{} is not an empty folder", out.display());

    let farm = Farm::imagine(spec);
    let histories =
        (0..farm.packages.len()).map(|package| histories::imagine(spec, &farm, package)).collect();
    let book = Book::at(out);
    let platform = book.platform(&spec.platform);
    let plan = Plan { spec, farm, histories, book, platform };

    let mut tree = Tree::create(out, spec.start)?;
    let packages = plan.write_histories(&tree)?;
    let layers = plan.write_layers(&mut tree)?;
    let universes = plan.write_html(&tree)?;
    plan.write_status(&tree)?;
    plan.write_runs(&mut tree, &layers)?;
    let locks = plan.write_locks(&tree)?;
    tree.finish()?;

    let mut runs: Vec<RunId> = (0..=spec.runs).map(|run| plan.run_id(run)).collect();
    let unfinished = runs.pop().unwrap_or_else(|| plan.run_id(0));
    Ok(Manifest { platform: spec.platform.clone(), runs, unfinished, packages, layers, universes, locks })
}

impl Plan<'_> {
    fn run_id(&self, run: usize) -> RunId {
        RunId::starting_at(self.spec.run_start(run))
    }

    /// The folders that the histories name, in no order.
    fn folders_of_layers(&self) -> BTreeSet<&str> {
        self.histories
            .iter()
            .flatten()
            .filter_map(|entry| entry.layer.as_ref())
            .map(|layer| layer.as_str())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Snapshot;

    fn made(spec: &Spec) -> (tempfile::TempDir, Manifest) {
        let folder = tempfile::tempdir().unwrap();
        let manifest = generate(&folder.path().join("book"), spec).unwrap();
        (folder, manifest)
    }

    fn digest(spec: &Spec) -> String {
        Snapshot::take(&made(spec).0.path().join("book")).unwrap().digest()
    }

    #[test]
    fn the_seed_decides_and_nothing_else() {
        let spec = Spec { packages: 12, layers: 20, ..Spec::default() };
        assert_eq!(digest(&spec), digest(&spec));
        assert_ne!(digest(&spec), digest(&Spec { seed: 2, ..spec }));
    }

    #[test]
    fn a_book_of_nothing_can_be_made() {
        let spec = Spec { packages: 0, entries: 0, layers: 0, runs: 0, ..Spec::default() };
        let (folder, manifest) = made(&spec);
        assert!(manifest.runs.is_empty() && manifest.packages.is_empty() && manifest.layers.is_empty());
        let book = Book::at(folder.path().join("book"));
        assert!(book.logs().latest().symlink_metadata().is_err(), "no run has finished");
        assert!(book.logs().run(&manifest.unfinished).progress().exists());
    }

    #[test]
    fn what_is_there_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::File::create(folder.path().join("mine")).unwrap();
        let error = generate(folder.path(), &Spec::default()).unwrap_err();
        assert!(error.to_string().contains("not an empty folder"), "{error}");
        assert_eq!(Snapshot::take(folder.path()).unwrap().len(), 1);
    }

    #[test]
    fn the_manifest_tells_what_is_on_the_disk() {
        let (folder, manifest) = made(&Spec::default());
        let book = Book::at(folder.path().join("book"));
        let platform = book.platform(&manifest.platform);
        let text = |path: std::path::PathBuf| std::fs::read_to_string(path).unwrap();
        for package in &manifest.packages {
            let history = text(platform.packages().history(&package.id));
            assert_eq!(history.lines().count(), package.entries);
            let newest = history
                .lines()
                .rev()
                .find(|line| line.contains("\"blessed\":true") && !line.contains("\"doc_"));
            let category = package.blessed_build.as_ref().unwrap();
            assert!(newest.unwrap().contains(&format!("\"category\":\"{category}\"")), "{}", package.id);
        }
        assert_eq!(manifest.layers.len(), Spec::default().layers);
        for layer in &manifest.layers {
            let tree = platform.layer(&layer.name);
            assert!(tree.metadata().is_file(), "{}", layer.name);
            assert_eq!(tree.last_used().exists(), layer.last_used.is_some(), "{}", layer.name);
        }
        assert!(manifest.layers.iter().any(|layer| layer.needed));
        assert!(manifest.layers.iter().filter(|layer| !layer.needed).count() >= manifest.layers.len() / 4);
        let references: String = walkdir::WalkDir::new(book.html().blessed())
            .into_iter()
            .map(|entry| entry.unwrap().into_path())
            .filter(|path| path.ends_with("universes.json"))
            .map(text)
            .collect();
        for universe in &manifest.universes {
            assert!(book.html().universe(&universe.name).is_dir());
            assert_eq!(references.contains(universe.name.as_str()), universe.needed, "{}", universe.name);
        }
        assert!(manifest.universes.iter().any(|u| u.needed) && manifest.universes.iter().any(|u| !u.needed));
        let latest = std::fs::read_link(book.logs().latest()).unwrap();
        assert_eq!(latest, buildbook_layout::LogTree::latest_target(manifest.runs.last().unwrap()));
        for run in &manifest.runs {
            assert!(book.logs().run(run).summary().is_file());
            assert!(!book.logs().run(run).progress().exists());
        }
        assert!(!book.logs().run(&manifest.unfinished).summary().exists());
        for lock in &manifest.locks {
            assert!(book.locks().join(lock).is_file(), "{lock}");
        }
    }
}
