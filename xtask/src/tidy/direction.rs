//! Dependencies between our crates go strictly downwards.

use anyhow::Result;

use super::tree::{Finding, Tree};
use crate::manifest::{self, Entry, Manifest};

/// The storey of each folder in `crates`. A crate may depend on those of lower storeys.
const STOREYS: [(&str, u8); 14] = [
    ("json", 0),
    ("layout", 0),
    ("fsio", 0),
    ("batch-util", 0),
    ("notify", 0),
    ("atomic-swap", 1),
    ("runlog", 2),
    ("progress", 2),
    ("history", 2),
    ("build-lock", 2),
    ("gc", 2),
    ("status-index", 3),
    ("buildbook", 4),
    // The program uses the library as anybody else does, through the facade.
    ("cli", 5),
];

/// Parts that come later. They may depend on run management; of the crates above, only the facade, behind features,
/// and the program may depend on them.
const LATER: [&str; 6] = ["guard", "memo", "store", "sandbox", "fetcher", "builder"];

pub(super) fn downwards(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for manifest in manifest::members(tree.root())? {
        let Some(folder) = manifest.folder().strip_prefix("crates").ok().and_then(|folder| folder.to_str())
        else {
            continue;
        };
        if storey(folder).is_none() && !LATER.contains(&folder) {
            let advice = "has no storey: give it one in xtask/src/tidy/direction.rs";
            findings.push(Finding::in_file(&manifest.path, advice));
        }
        for entry in dependencies(&manifest) {
            let Some(below) = folder_of(entry.dependency()) else { continue };
            findings.extend(
                objection(folder, below).map(|advice| Finding::on_line(&manifest.path, entry.line, advice)),
            );
        }
    }
    Ok(findings)
}

/// What is wrong with one crate depending on another.
fn objection(upper: &str, below: &str) -> Option<String> {
    let is_allowed = match (storey(upper), storey(below)) {
        (Some(upper), Some(below)) => below < upper,
        (Some(4..), None) => LATER.contains(&below),
        (Some(_), None) => false,
        (None, Some(below)) => below < 4,
        (None, None) => true,
    };
    (!is_allowed).then(|| {
        format!("{upper} must not depend on {below}, which is not below it: pass what it needs as a value")
    })
}

fn storey(folder: &str) -> Option<u8> {
    STOREYS.iter().find(|(name, _)| *name == folder).map(|(_, storey)| *storey)
}

/// The folder of a package of ours.
fn folder_of(package: &str) -> Option<&str> {
    if package == "buildbook" { Some(package) } else { package.strip_prefix("buildbook-") }
}

/// Whatever is compiled into the crate or its build script; tests may depend on anything.
fn dependencies(manifest: &Manifest) -> impl Iterator<Item = &Entry> {
    manifest.entries.iter().filter(|entry| {
        let section = entry.section.as_str();
        section.ends_with("dependencies") && !section.ends_with("dev-dependencies")
    })
}

#[cfg(test)]
mod tests {
    use super::super::tree::Example;
    use super::*;

    #[test]
    fn only_lower_storeys_are_allowed() {
        let table = [
            ("status-index", "history", true),
            ("gc", "build-lock", false),
            ("gc", "atomic-swap", true),
            ("fsio", "layout", false),
            ("history", "status-index", false),
            ("cli", "buildbook", true),
            ("history", "store", false),
            ("buildbook", "store", true),
            ("store", "atomic-swap", true),
            ("store", "buildbook", false),
            ("store", "guard", true),
            ("cli", "unheard-of", false),
        ];
        for (upper, below, is_allowed) in table {
            assert_eq!(objection(upper, below).is_none(), is_allowed, "{upper} on {below}");
        }
    }

    #[test]
    fn every_way_to_depend_on_a_crate_is_seen() {
        for dependency in [
            "[dependencies]\nbuildbook-gc.workspace = true\n",
            "[dependencies]\nbuildbook-gc = { path = \"../gc\", optional = true }\n",
            "[build-dependencies]\nbuildbook-gc = \"0.1\"\n",
            "[target.'cfg(unix)'.dependencies]\nbuildbook-gc.workspace = true\n",
        ] {
            let example = Example::of(&[("crates/layout/Cargo.toml", dependency)]);
            let found = example.findings(downwards);
            assert!(
                found.len() == 1 && found[0].contains("layout must not depend on gc"),
                "{dependency}: {found:?}"
            );
        }
        let in_tests = "[dev-dependencies]\nbuildbook-gc = { path = \"../gc\" }\n";
        assert!(Example::of(&[("crates/layout/Cargo.toml", in_tests)]).findings(downwards).is_empty());
    }

    #[test]
    fn a_crate_without_a_storey_is_found() {
        let found = Example::of(&[("crates/surprise/Cargo.toml", "[package]\n")]).findings(downwards);
        assert!(found.len() == 1 && found[0].contains("no storey"), "{found:?}");
    }
}
