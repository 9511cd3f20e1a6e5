//! What others wrote and we build: whose it is, under which licence, and what it runs on the way.
//!
//! It asks cargo and the lock files and needs no network, so it knows of no advisories. Packages that are built only for
//! other systems than this one are held to their source and checksum alone.

mod licence;
mod scripts;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::manifest;
use crate::shell;

/// A package that somebody else wrote.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Package {
    name: String,
    version: String,
    licence: String,
    has_script: bool,
    /// Whether only tests and chores are built with it.
    only_tests: bool,
}

pub(crate) fn run() -> Result<()> {
    let metadata = metadata()?;
    let packages = packages(&metadata)?;
    print(&packages);
    let mut faults = outsiders(&metadata);
    faults.extend(packages.iter().filter_map(licence::fault));
    faults.extend(packages.iter().filter_map(scripts::fault));
    for lock in ["Cargo.lock", "tests/benches/Cargo.lock", "tests/fuzz/Cargo.lock"] {
        let text =
            fs::read_to_string(shell::root().join(lock)).with_context(|| format!("cannot read {lock}"))?;
        faults.extend(
            unverified(&text).map(|entry| format!("{lock}: {entry} has no checksum of the registry")),
        );
    }
    faults.extend(unsafe_code()?);
    faults.iter().for_each(|fault| println!("error: {fault}"));
    ensure!(faults.is_empty(), "{} faults to mend", faults.len());
    Ok(())
}

fn metadata() -> Result<Value> {
    let (versions, _) = shell::read(&mut shell::cargo(&["-vV"]))?;
    let host =
        versions.lines().find_map(|line| line.strip_prefix("host: ")).context("cargo names no host")?;
    let arguments = ["metadata", "--locked", "--format-version", "1", "--filter-platform", host];
    let (json, _) = shell::read(&mut shell::cargo(&arguments))?;
    Ok(serde_json::from_str(&json)?)
}

/// What cargo builds of others in this workspace, sorted. The metadata has optional packages that nobody asks for.
fn packages(metadata: &Value) -> Result<Vec<Package>> {
    let shipped = built(&["normal,build"])?;
    let mut packages = Vec::new();
    for (name, version) in built(&["normal,build,dev"])? {
        let package = of_metadata(metadata, &name, &version)
            .with_context(|| format!("cargo says nothing of {name} {version}"))?;
        if package["source"].is_null() {
            continue;
        }
        let licence = package["license"].as_str().unwrap_or_default().to_owned();
        let targets = package["targets"].as_array().into_iter().flatten();
        let mut kinds = targets.flat_map(|target| target["kind"].as_array().into_iter().flatten());
        let has_script = kinds.any(|kind| kind == "custom-build");
        let only_tests = !shipped.contains(&(name.clone(), version.clone()));
        packages.push(Package { name, version, licence, has_script, only_tests });
    }
    Ok(packages)
}

fn of_metadata<'a>(metadata: &'a Value, name: &str, version: &str) -> Option<&'a Value> {
    let mut packages = metadata["packages"].as_array()?.iter();
    packages.find(|package| package["name"] == name && package["version"] == version)
}

/// Names and versions of all packages that are reached by these edges.
fn built(edges: &[&str]) -> Result<BTreeSet<(String, String)>> {
    let arguments = ["tree", "--locked", "--workspace", "--prefix", "none", "--edges"];
    let (tree, _) = shell::read(shell::cargo(&arguments).args(edges))?;
    Ok(tree.lines().filter_map(name_and_version).collect())
}

fn name_and_version(line: &str) -> Option<(String, String)> {
    let mut words = line.split_whitespace();
    let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
    Some((name.to_owned(), version.to_owned()))
}

fn print(packages: &[Package]) {
    let mut by_licence: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for package in packages {
        let mark = if package.only_tests { "*" } else { "" };
        by_licence
            .entry(&package.licence)
            .or_default()
            .push(format!("{}{mark} {}", package.name, package.version));
    }
    for (licence, names) in &by_licence {
        println!("{licence}\n    {}", names.join(", "));
    }
    let shipped = packages.iter().filter(|package| !package.only_tests).count();
    let scripts = packages.iter().filter(|package| package.has_script && !package.only_tests).count();
    let all = packages.len();
    println!(
        "{all} packages of others; those with * are for tests alone. {scripts} of the other {shipped} run a script."
    );
    for pair in packages.windows(2) {
        if let [one, other] = pair
            && one.name == other.name
        {
            println!("warning: {} is built twice: {} and {}", one.name, one.version, other.version);
        }
    }
}

/// Packages that are neither ours nor the registry's.
fn outsiders(metadata: &Value) -> Vec<String> {
    let members: BTreeSet<&str> =
        metadata["workspace_members"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let fault = |package: &Value| {
        let (id, source) = (package["id"].as_str()?, package["source"].as_str());
        let is_known = source.map_or(members.contains(id), |source| source.starts_with("registry+"));
        (!is_known).then(|| format!("{id} comes from outside the registry: publish it, or do without"))
    };
    packages.filter_map(fault).collect()
}

/// The entries of a lock file that say where they are from, and do not say of the registry and with which checksum.
fn unverified(lock: &str) -> impl Iterator<Item = String> {
    lock.split("[[package]]").skip(1).filter_map(|entry| {
        let value = |key: &str| {
            entry.lines().find_map(|line| line.strip_prefix(key)?.trim_matches('"').to_owned().into())
        };
        let source: String = value("source = ")?;
        let verified = source.starts_with("registry+")
            && value("checksum = ").is_some_and(|sum: String| sum.len() == 64);
        (!verified).then(|| value("name = ").unwrap_or_default())
    })
}

/// The lint forbids it in the workspace; this looks whether the lint is there for everybody.
fn unsafe_code() -> Result<Vec<String>> {
    let root = shell::root();
    let workspace = fs::read_to_string(root.join("Cargo.toml"))?;
    let mut faults = Vec::new();
    if !workspace.lines().any(|line| line == "unsafe_code = \"forbid\"") {
        faults.push("Cargo.toml: `unsafe_code` is not forbidden".to_owned());
    }
    for manifest in manifest::members(&root)? {
        if manifest.get("lints", "workspace") != Some("true") {
            faults.push(format!("{}: does not have the lints of the workspace", manifest.path.display()));
        }
    }
    let (files, _) = shell::read(
        std::process::Command::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard", "*.rs"])
            .current_dir(&root),
    )?;
    for file in files.lines() {
        let Ok(text) = fs::read_to_string(root.join(file)) else { continue };
        let lines = text.lines().enumerate().filter(|(_, line)| has_unsafe_code(line));
        faults.extend(lines.map(|(index, _)| format!("{file}:{}: unsafe code", index + 1)));
        if file.ends_with("build.rs") && !file.contains("/src/") {
            faults.push(format!("{file}: a build script of our own"));
        }
    }
    Ok(faults)
}

fn has_unsafe_code(line: &str) -> bool {
    // Written so that this line does not have it.
    let word = concat!("un", "safe ");
    let code = line.split("//").next().unwrap_or_default();
    ["{", "fn ", "impl ", "extern ", "trait "].iter().any(|next| code.contains(&format!("{word}{next}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_from_elsewhere_is_found() {
        let json = r#"{"workspace_members":["path+file:///w#a@1"],"packages":[
            {"id":"path+file:///w#a@1","source":null},
            {"id":"registry+x#b@1","source":"registry+x"},
            {"id":"path+file:///elsewhere#c@1","source":null},
            {"id":"git+x#d@1","source":"git+x"}]}"#;
        let found = outsiders(&serde_json::from_str(json).unwrap());
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("elsewhere") && found[1].contains("git+x"));
    }

    #[test]
    fn an_entry_of_the_lock_file_without_a_checksum_is_found() {
        let entry =
            |name: &str, more: &str| format!("[[package]]\nname = \"{name}\"\nversion = \"1\"\n{more}\n");
        let sum = "0".repeat(64);
        let lock = [
            entry("ours", ""),
            entry("good", &format!("source = \"registry+x\"\nchecksum = \"{sum}\"")),
            entry("bare", "source = \"registry+x\""),
            entry("git", &format!("source = \"git+x\"\nchecksum = \"{sum}\"")),
        ];
        assert_eq!(unverified(&lock.concat()).collect::<Vec<_>>(), ["bare", "git"]);
    }

    #[test]
    fn unsafe_code_is_found_and_the_word_is_not() {
        let word = concat!("un", "safe");
        for line in [
            format!("    {word} {{ x }}"),
            format!("pub {word} fn x()"),
            format!("{word} impl Send for X {{}}"),
        ] {
            assert!(has_unsafe_code(&line), "{line}");
        }
        for line in [format!("{word}_code = 1"), format!("// {word} {{"), format!("let {word}ly = 1;")] {
            assert!(!has_unsafe_code(&line), "{line}");
        }
    }

    #[test]
    fn lines_of_a_tree_are_packages() {
        let pair = |name: &str, version: &str| Some((name.to_owned(), version.to_owned()));
        assert_eq!(name_and_version("ring v0.17.14 (*)"), pair("ring", "0.17.14"));
        assert_eq!(name_and_version("serde_derive v1.0.0 (proc-macro)"), pair("serde_derive", "1.0.0"));
        assert_eq!(name_and_version(""), None);
    }
}
