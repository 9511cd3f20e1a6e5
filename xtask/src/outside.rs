//! Each part of the library, used alone by a stranger.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use crate::shell;

/// The folders of the parts, and what a stranger writes in the dependency beside the path.
const PARTS: [(&str, &str); 12] = [
    ("history", ""),
    ("status-index", ""),
    ("runlog", ""),
    ("progress", ""),
    ("gc", ""),
    ("build-lock", ""),
    ("batch-util", ""),
    ("atomic-swap", ""),
    ("fsio", ""),
    ("layout", ""),
    ("json", ""),
    ("notify", ", default-features = false"),
];

/// What must not be below a part: a network stack, a command line, an asynchronous runtime, an opinion on errors.
const UNWELCOME: [&str; 16] = [
    "anyhow",
    "async-std",
    "clap",
    "clap_builder",
    "hyper",
    "indicatif",
    "lettre",
    "mio",
    "native-tls",
    "openssl",
    "reqwest",
    "ring",
    "rustls",
    "smol",
    "tokio",
    "ureq",
];

pub(crate) fn run() -> Result<()> {
    for (part, options) in PARTS {
        let stranger = tempfile::tempdir().context("cannot make a temporary folder")?;
        write_crate(stranger.path(), part, options)?;
        let in_it = |arguments: &[&str]| {
            let mut command = shell::cargo(arguments);
            // One target folder for all parts, so that what they share is compiled once.
            command.current_dir(stranger.path()).env("CARGO_TARGET_DIR", shell::target().join("outside"));
            command
        };
        shell::read(&mut in_it(&["check", "--quiet"]))
            .with_context(|| format!("{part} cannot be used alone"))?;
        let (tree, _) = shell::read(&mut in_it(&["tree", "--edges", "normal,build", "--prefix", "none"]))?;
        let below = names_in(&tree);
        let found: Vec<&str> = below.iter().copied().filter(|name| UNWELCOME.contains(name)).collect();
        ensure!(
            found.is_empty(),
            "{part} brings {} along: make it optional, or move it up",
            found.join(", ")
        );
        println!("{part}: compiles with {} crates below it", below.len());
    }
    Ok(())
}

/// A crate that is in no workspace and has one dependency.
fn write_crate(folder: &Path, part: &str, options: &str) -> Result<()> {
    let path = shell::root().join("crates").join(part);
    let name = format!("buildbook-{part}");
    let manifest = format!(
        "[package]\nname = \"stranger\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n\
         {name} = {{ path = {path:?}{options} }}\n"
    );
    fs::create_dir(folder.join("src"))?;
    fs::write(folder.join("Cargo.toml"), manifest)?;
    fs::write(folder.join("src/lib.rs"), format!("pub use {};\n", name.replace('-', "_")))?;
    // The versions that the workspace was tested with; cargo drops those that are not needed.
    fs::copy(shell::root().join("Cargo.lock"), folder.join("Cargo.lock"))?;
    Ok(())
}

/// The crates below the part, each once. The first two lines of the tree are the stranger and the part.
fn names_in(tree: &str) -> BTreeSet<&str> {
    tree.lines().skip(2).filter_map(|line| line.split_whitespace().next()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_are_known_by_their_whole_names_and_counted_once() {
        let tree = "stranger v0.0.0 (/x)\nbuildbook-notify v0.1.0 (/y)\nureq v3.0.0\nrustls-pki-types v1.0.0\nureq v3.0.0 (*)\n";
        let names = names_in(tree);
        assert_eq!(names, BTreeSet::from(["rustls-pki-types", "ureq"]));
        assert!(!names.contains("rustls"), "the whole name counts");
    }
}
