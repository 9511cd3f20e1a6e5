//! As much of TOML as the manifests of this workspace use.
//!
//! A parser for all of TOML would be one more crate that everybody waits for. What this reader does not understand
//! it does not see, so `cargo xtask tidy` keeps manifests plain.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// A manifest, line by line.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manifest {
    /// Where it is, from the root of the workspace.
    pub(crate) path: PathBuf,
    pub(crate) entries: Vec<Entry>,
}

/// `key = value # comment`, below `[section]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) section: String,
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) comment: Option<String>,
    pub(crate) line: usize,
}

/// Reads the manifests of all members: the folders in `crates`, `tests` and `xtask`.
pub(crate) fn members(root: &Path) -> Result<Vec<Manifest>> {
    let mut folders = vec![PathBuf::from("tests"), PathBuf::from("xtask")];
    let crates = root.join("crates");
    for entry in fs::read_dir(&crates).with_context(|| format!("cannot read {}", crates.display()))? {
        folders.push(Path::new("crates").join(entry?.file_name()));
    }
    folders.sort();
    let paths = folders.into_iter().map(|folder| folder.join("Cargo.toml"));
    paths.filter(|path| root.join(path).exists()).map(|path| Manifest::read(root, &path)).collect()
}

impl Manifest {
    pub(crate) fn read(root: &Path, path: &Path) -> Result<Manifest> {
        let full = root.join(path);
        let text = fs::read_to_string(&full).with_context(|| format!("cannot read {}", full.display()))?;
        Ok(Manifest { path: path.to_owned(), entries: parse(&text) })
    }

    pub(crate) fn get(&self, section: &str, key: &str) -> Option<&str> {
        let found = self.entries.iter().find(|entry| entry.section == section && entry.key == key);
        found.map(|entry| entry.value.as_str())
    }

    pub(crate) fn name(&self) -> &str {
        self.get("package", "name").map_or("", |name| name.trim_matches('"'))
    }

    pub(crate) fn is_published(&self) -> bool {
        self.get("package", "publish") != Some("false")
    }

    /// The folder that it describes, such as `crates/gc`.
    pub(crate) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }

    pub(crate) fn in_section<'a>(&'a self, section: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| entry.section == section)
    }
}

impl Entry {
    /// The key without `.workspace` and the like: the name of a dependency.
    pub(crate) fn dependency(&self) -> &str {
        self.key.split('.').next().unwrap_or(&self.key)
    }
}

fn parse(text: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut section = String::new();
    let mut is_open = false;
    for (index, line) in text.lines().enumerate() {
        let (code, comment) = split_comment(line);
        if is_open {
            if let Some(entry) = entries.last_mut() {
                entry.value.push_str(code);
                is_open = !is_balanced(&entry.value);
            }
        } else if code.starts_with('[') {
            section = code.trim_matches(['[', ']']).to_owned();
        } else if let Some((key, value)) = code.split_once('=') {
            let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
            is_open = !is_balanced(&value);
            let comment = comment.map(str::to_owned);
            entries.push(Entry { section: section.clone(), key, value, comment, line: index + 1 });
        }
    }
    entries
}

/// A `#` within quotes begins no comment.
fn split_comment(line: &str) -> (&str, Option<&str>) {
    let mut is_quoted = false;
    for (index, character) in line.char_indices() {
        match character {
            '"' => is_quoted = !is_quoted,
            '#' if !is_quoted => {
                let (code, comment) = line.split_at(index);
                return (code.trim(), Some(comment.trim_start_matches('#').trim()));
            }
            _ => {}
        }
    }
    (line.trim(), None)
}

fn is_balanced(value: &str) -> bool {
    let count = |wanted: char| value.chars().filter(|c| *c == wanted).count();
    count('[') <= count(']') && count('{') <= count('}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_manifests_use_is_understood() {
        let text = "[package]\nname = \"x\" # a name\n\n[dependencies]\na.workspace = true\nb = { path = \"../b\", features = [\"#\"] }\n\
                    c = [\n  \"one\", # first\n  \"two\",\n]\nd = 1\n";
        let manifest = Manifest { path: "crates/x/Cargo.toml".into(), entries: parse(text) };
        assert_eq!(manifest.name(), "x");
        assert_eq!(manifest.folder(), Path::new("crates/x"));
        assert!(manifest.is_published());
        assert_eq!(manifest.entries[0].comment.as_deref(), Some("a name"));
        let dependencies: Vec<_> =
            manifest.in_section("dependencies").map(|entry| (entry.dependency(), entry.line)).collect();
        assert_eq!(dependencies, [("a", 5), ("b", 6), ("c", 7), ("d", 11)]);
        assert_eq!(manifest.get("dependencies", "c"), Some("[\"one\",\"two\",]"));
        assert_eq!(manifest.get("dependencies", "b"), Some("{ path = \"../b\", features = [\"#\"] }"));
    }
}
