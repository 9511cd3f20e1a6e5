//! What every crate must have.

use std::path::Path;

use anyhow::Result;

use super::tree::{Finding, Tree};
use crate::manifest::{self, Manifest};

/// The dependencies that the project was asked to be built from. Every other one needs a reason.
const ASKED_FOR: [&str; 9] =
    ["anyhow", "fs4", "proptest", "serde", "serde_json", "tempfile", "thiserror", "time", "walkdir"];

pub(super) fn description(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for manifest in published(tree)? {
        if manifest.get("package", "description").is_none_or(|text| text.trim_matches('"').is_empty()) {
            findings.push(Finding::in_file(
                &manifest.path,
                "has no description: say in one line what the crate does",
            ));
        }
        let readme = manifest.folder().join("README.md");
        if !tree.files().contains(&readme) {
            findings.push(Finding::in_file(
                &readme,
                "is missing: say what the crate is, show a use, name the licence",
            ));
        }
    }
    Ok(findings)
}

pub(super) fn documentation(tree: &Tree) -> Result<Vec<Finding>> {
    let is_root = |file: &&Path| {
        let is_in_src = file.parent().is_some_and(|folder| folder.ends_with("src"));
        is_in_src && (file.ends_with("lib.rs") || file.ends_with("main.rs"))
    };
    let advice = "does not begin with `//!`: say what the crate is for and what it does not do";
    let bare =
        tree.with_extension(&["rs"]).filter(is_root).filter(|file| !tree.text(file).starts_with("//!"));
    Ok(bare.map(|file| Finding::in_file(file, advice)).collect())
}

pub(super) fn lints(tree: &Tree) -> Result<Vec<Finding>> {
    let members = manifest::members(tree.root())?;
    let without = members.iter().filter(|manifest| manifest.get("lints", "workspace") != Some("true"));
    Ok(without
        .map(|manifest| Finding::in_file(&manifest.path, "lacks `workspace = true` below `[lints]`"))
        .collect())
}

pub(super) fn reasons(tree: &Tree) -> Result<Vec<Finding>> {
    let workspace = Manifest::read(tree.root(), Path::new("Cargo.toml"))?;
    let needs_reason = |name: &str| !ASKED_FOR.contains(&name) && !is_ours(name);
    let unexplained = workspace.in_section("workspace.dependencies").filter(|entry| {
        needs_reason(entry.dependency()) && entry.comment.as_ref().is_none_or(String::is_empty)
    });
    Ok(unexplained
        .map(|entry| {
            let advice = format!("{}: write behind it, after `#`, why it is needed", entry.dependency());
            Finding::on_line(&workspace.path, entry.line, advice)
        })
        .collect())
}

/// A version would have to be published before the crate that is tested with it.
pub(super) fn dev_dependencies(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for manifest in manifest::members(tree.root())? {
        for entry in manifest.in_section("dev-dependencies").filter(|entry| is_ours(entry.dependency())) {
            let has_version = entry.value.contains("version")
                || entry.value.contains("workspace")
                || entry.key.contains('.');
            if has_version {
                let advice = format!("{}: name its path alone, without a version", entry.dependency());
                findings.push(Finding::on_line(&manifest.path, entry.line, advice));
            }
        }
    }
    Ok(findings)
}

fn published(tree: &Tree) -> Result<Vec<Manifest>> {
    Ok(manifest::members(tree.root())?.into_iter().filter(Manifest::is_published).collect())
}

fn is_ours(name: &str) -> bool {
    name == "buildbook" || name.starts_with("buildbook-")
}

#[cfg(test)]
mod tests {
    use super::super::tree::Example;
    use super::*;

    const GOOD: &str = "[package]\nname = \"buildbook-a\"\ndescription = \"does a\"\n\n[lints]\nworkspace = true\n\n\
                        [dev-dependencies]\nbuildbook-b = { path = \"../b\", features = [\"faults\"] }\n";
    const ROOT: &str = "[workspace.dependencies]\nserde = \"1\"\nbuildbook-a = { path = \"crates/a\" }\nmemchr = \"2\" # line ends\n";

    fn project<'a>(manifest: &'a str, root: &'a str, library: &'a str) -> Example {
        Example::of(&[
            ("Cargo.toml", root),
            ("crates/a/Cargo.toml", manifest),
            ("crates/a/README.md", "# a\n"),
            ("crates/a/src/lib.rs", library),
        ])
    }

    #[test]
    fn a_good_crate_has_no_findings() {
        let example = project(GOOD, ROOT, "//! Does a.\n");
        for rule in [description, documentation, lints, reasons, dev_dependencies] {
            assert_eq!(example.findings(rule), Vec::<String>::new());
        }
    }

    #[test]
    fn every_omission_is_found() {
        let without = |text: &str| GOOD.replace(text, "");
        let no_description = without("description = \"does a\"\n");
        assert_eq!(project(&no_description, ROOT, "").findings(description).len(), 1);
        let no_readme = Example::of(&[("crates/a/Cargo.toml", GOOD)]);
        assert_eq!(no_readme.findings(description).len(), 1);
        assert_eq!(project(GOOD, ROOT, "use std::fs;\n").findings(documentation).len(), 1);
        let no_lints = without("[lints]\nworkspace = true\n");
        assert_eq!(project(&no_lints, ROOT, "").findings(lints).len(), 1);
        let no_reason = ROOT.replace(" # line ends", "");
        let found = project(GOOD, &no_reason, "").findings(reasons);
        assert!(found.len() == 1 && found[0].contains("Cargo.toml:4: memchr"), "{found:?}");
    }

    #[test]
    fn a_version_among_dev_dependencies_is_found_in_every_spelling() {
        for spelling in [
            "buildbook-b.workspace = true",
            "buildbook-b = { workspace = true }",
            "buildbook-b = { path = \"../b\", version = \"0.1.0\" }",
        ] {
            let manifest =
                format!("[package]\nname = \"a\"\n[dev-dependencies]\n{spelling}\nserde.workspace = true\n");
            assert_eq!(project(&manifest, ROOT, "").findings(dev_dependencies).len(), 1, "{spelling}");
        }
    }
}
