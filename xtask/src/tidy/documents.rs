//! What documents say must be true of the code.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Result, bail};

use super::tree::{Finding, Tree};
use crate::manifest::Manifest;

const CHANGELOG: &str = "CHANGELOG.md";
/// Documents with tables whose last column names the tests that prove a row.
const WITH_TESTS: [&str; 1] = ["docs/from-day11.md"];

pub(super) fn changelog(tree: &Tree) -> Result<Vec<Finding>> {
    let workspace = Manifest::read(tree.root(), Path::new("Cargo.toml"))?;
    let Some(version) = workspace.get("workspace.package", "version") else {
        bail!("the workspace has no version")
    };
    let version = version.trim_matches('"');
    let path = Path::new(CHANGELOG);
    let text = tree.text(path);
    let headings = text.lines().filter_map(|line| line.strip_prefix("## ")?.split_whitespace().next());
    Ok(match headings.filter(|heading| *heading == version).count() {
        1 => Vec::new(),
        0 => vec![Finding::in_file(path, format!("has no heading `## {version}`: say what is new"))],
        _ => vec![Finding::in_file(path, format!("has more than one heading `## {version}`: make them one"))],
    })
}

pub(super) fn named_tests(tree: &Tree) -> Result<Vec<Finding>> {
    let documents: Vec<&Path> =
        WITH_TESTS.iter().map(Path::new).filter(|path| tree.root().join(path).exists()).collect();
    if documents.is_empty() {
        return Ok(Vec::new());
    }
    let functions = functions(tree);
    let mut findings = Vec::new();
    for path in documents {
        for (index, line) in tree.text(path).lines().enumerate() {
            for name in names_in_last_column(line) {
                if !functions.contains(name) {
                    let advice =
                        format!("there is no test `{name}`: write it, or name the one that is meant");
                    findings.push(Finding::on_line(path, index + 1, advice));
                }
            }
        }
    }
    Ok(findings)
}

/// The names of all functions of the project.
fn functions(tree: &Tree) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in tree.with_extension(&["rs"]) {
        for line in tree.text(file).lines() {
            let Some((_, rest)) = line.split_once("fn ") else { continue };
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            names.insert(name);
        }
    }
    names
}

/// The last parts of `crate::module::name` between backticks in the last column of a table's row. What has a space, a
/// dot or a slash in it is no name of a function, but text, a file or a command.
fn names_in_last_column(line: &str) -> Vec<&str> {
    let Some(row) = line.trim().strip_prefix('|').and_then(|row| row.strip_suffix('|')) else {
        return Vec::new();
    };
    let column = row.rsplit('|').next().unwrap_or(row);
    column
        .split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|quoted| quoted.rsplit("::").next())
        .filter(|name| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tree::Example;
    use super::*;

    const ROOT: &str = "[workspace.package]\nversion = \"0.2.0\"\n";

    #[test]
    fn the_version_must_be_a_heading_once() {
        let findings =
            |text: &str| Example::of(&[("Cargo.toml", ROOT), ("CHANGELOG.md", text)]).findings(changelog);
        assert!(findings("# Changelog\n\n## 0.2.0 (unreleased)\n\n## 0.1.0\n").is_empty());
        assert_eq!(findings("## 0.1.0\n\nnot 0.2.0\n").len(), 1);
        assert_eq!(findings("## 0.2.0\n\n## 0.2.0\n").len(), 1);
        assert_eq!(findings("## 0.2.01\n").len(), 1);
    }

    #[test]
    fn a_row_that_names_no_test_of_ours_is_found() {
        let table = "| fault | test |\n|---|---|\n| `fn_in_text` | `a::torn_tail`, `b::missing` |\n| x | `cargo test -p x` |\n";
        let example = Example::of(&[("docs/from-day11.md", table), ("a.rs", "    fn torn_tail() {\n")]);
        let found = example.findings(named_tests);
        assert!(found.len() == 1 && found[0].contains(":3: there is no test `missing`"), "{found:?}");
    }
}
