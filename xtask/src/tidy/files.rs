//! What may be in the repository, and what may be in any file.

use std::path::Path;

use anyhow::Result;

use super::tree::{Finding, Tree};

const LARGEST: u64 = 1 << 20;

pub(super) fn size(tree: &Tree) -> Result<Vec<Finding>> {
    let too_large = |file: &&std::path::PathBuf| {
        tree.root().join(file).symlink_metadata().is_ok_and(|metadata| metadata.len() > LARGEST)
    };
    let advice = "larger than a megabyte: generate it, or keep less of it";
    Ok(tree.files().iter().filter(too_large).map(|file| Finding::in_file(file, advice)).collect())
}

pub(super) fn output(tree: &Tree) -> Result<Vec<Finding>> {
    const FOLDERS: [&str; 3] = ["target", ".buildbook", "node_modules"];
    const EXTENSIONS: [&str; 8] = ["rlib", "rmeta", "o", "so", "a", "d", "crate", "profraw"];
    let of_build = tree.with_extension(&EXTENSIONS);
    let in_output = tree
        .files()
        .iter()
        .map(|file| file.as_path())
        .filter(|file| file.iter().any(|part| FOLDERS.iter().any(|folder| part == *folder)));
    Ok(of_build
        .chain(in_output)
        .map(|file| Finding::in_file(file, "made by a build: remove it, and ignore it in .gitignore"))
        .collect())
}

/// Folders that every machine has, so that their names give nobody away.
const COMMON: [&str; 8] = ["/", "/tmp/", "/home/", "/srv/", "/opt/", "/usr/", "/var/", "/mnt/"];

pub(super) fn places(tree: &Tree) -> Result<Vec<Finding>> {
    let home = std::env::var("HOME").ok();
    let parent = tree.root().parent().map(|parent| parent.display().to_string());
    let temporary = format!("{}/", std::env::temp_dir().display());
    let places: Vec<String> = [home, parent, Some(tree.root().display().to_string())]
        .into_iter()
        .flatten()
        .map(|place| format!("{}/", place.trim_end_matches('/')))
        .filter(|place| !COMMON.contains(&place.as_str()) && *place != temporary)
        .collect();
    Ok(lines(tree, &[], |line| name_of_place(line, &places)))
}

fn name_of_place(line: &str, places: &[String]) -> Option<String> {
    let found = places.iter().find(|place| names_place(line, place))?;
    Some(format!("`{found}` is a folder of this machine: take a path from the caller, or name a made-up one"))
}

/// Whether a line has an absolute path that begins like this. A longer path may have the same piece in its middle.
fn names_place(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(index, _)| {
        let before = line.get(..index).and_then(|before| before.chars().next_back());
        before.is_none_or(|c| !c.is_alphanumeric() && !"._-}*~".contains(c))
    })
}

pub(super) fn registries(tree: &Tree) -> Result<Vec<Finding>> {
    // Written so that this file does not have them.
    let hosts = ["index", "static"].map(|host| format!("{host}.crates{}io", '.'));
    let index = format!("rust-lang/crates{}io-index", '.');
    Ok(lines(tree, &["Cargo.lock", "tests/benches/Cargo.lock", "tests/fuzz/Cargo.lock"], |line| {
        let found = hosts.iter().chain([&index]).find(|host| line.contains(host.as_str()))?;
        Some(format!("`{found}` is for cargo to know: say `the registry`"))
    }))
}

pub(super) fn whitespace(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in tree.with_extension(&["rs", "md", "toml"]) {
        for (index, line) in tree.text(file).lines().enumerate() {
            if line.ends_with([' ', '\t', '\r']) {
                findings.push(Finding::on_line(file, index + 1, "ends in blanks: remove them"));
            } else if line.contains('\t') {
                findings.push(Finding::on_line(file, index + 1, "has a tab: use spaces, or `\\t` in a text"));
            }
        }
    }
    Ok(findings)
}

/// Applies a check to each line of each text but those files.
fn lines(tree: &Tree, except: &[&str], check: impl Fn(&str) -> Option<String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in
        tree.files().iter().filter(|file| !except.iter().any(|except| file.as_path() == Path::new(except)))
    {
        for (index, line) in tree.text(file).lines().enumerate() {
            findings.extend(check(line).map(|advice| Finding::on_line(file, index + 1, advice)));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::tree::Example;
    use super::*;

    #[test]
    fn large_files_are_found() {
        let large = "x".repeat((1 << 20) + 1);
        let example = Example::of(&[("data.json", &large), ("fine.json", "{}")]);
        assert_eq!(example.findings(size).len(), 1);
    }

    #[test]
    fn build_output_is_found() {
        let example = Example::of(&[("target/debug/x", ""), ("lib/libx.rlib", ""), ("src/targets.rs", "")]);
        assert_eq!(example.findings(output).len(), 2);
    }

    #[test]
    fn places_of_this_machine_are_found_and_longer_paths_are_not() {
        assert!(names_place("see /work-of-x/lib", "/work-of-x/"));
        assert!(names_place("path=/work-of-x/lib", "/work-of-x/"));
        for fine in ["{upper}/work-of-x/lib", "docs/work-of-x/lib", "../work-of-x/y", "/work-of-xyz/"] {
            assert!(!names_place(fine, "/work-of-x/"), "{fine}");
        }
    }

    #[test]
    fn the_folder_of_the_checkout_is_a_place_of_this_machine() {
        let example = Example::of(&[("README.md", "see ~/notes\n")]);
        assert_eq!(example.findings(places), Vec::<String>::new());
        let own = format!("one\nsee {}/notes\n", example.root().display());
        example.rewrite("README.md", &own);
        let found = example.findings(places);
        assert!(found.len() == 1 && found[0].starts_with("README.md:2:"), "{found:?}");
    }

    #[test]
    fn registries_are_found_but_in_the_lock_file() {
        let host = format!("https://static.crates{}io/x\n", '.');
        let example =
            Example::of(&[("a.md", &host), ("Cargo.lock", &host), ("b.md", "crates.io is a site\n")]);
        let found = example.findings(registries);
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn blanks_at_the_end_and_tabs_are_found() {
        let example = Example::of(&[
            ("a.rs", "fn a() {}  \n"),
            ("b.md", "a\tb\n"),
            ("c.md", "a b\n"),
            ("d.txt", "x \n"),
        ]);
        assert_eq!(example.findings(whitespace).len(), 2);
    }
}
