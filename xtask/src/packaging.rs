//! Every crate that can be published, built from its own tarball.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};

use crate::manifest::{self, Manifest};
use crate::shell;

/// Cargo packs all crates, unpacks each tarball in a folder of its own, and builds it against the tarballs of the
/// others, so that a file that is not packed, or a dependency that is not declared, is found out here.
pub(crate) fn run() -> Result<()> {
    let manifests = manifest::members(&shell::root())?;
    let (published, private): (Vec<_>, Vec<_>) =
        manifests.iter().partition(|manifest| manifest.is_published());
    // Cargo keeps what it has unpacked by the place of the overlay and the version, and would build an earlier state
    // of a crate whose version has not moved. A place that no run had before has nothing kept.
    let target = shell::root().join("target");
    std::fs::create_dir_all(&target).with_context(|| format!("cannot create {}", target.display()))?;
    let place = tempfile::Builder::new().prefix("package-").tempdir_in(&target)?;
    let _overlays = Overlays::now();
    let mut command = shell::cargo(&["package", "--workspace", "--allow-dirty", "--target-dir"]);
    command.arg(place.path());
    for manifest in private {
        command.args(["--exclude", manifest.name()]);
    }
    let (_, log) = shell::read(&mut command)?;
    let unverified: Vec<&str> = published
        .iter()
        .map(|manifest| Manifest::name(manifest))
        .filter(|name| !was_built(&log, name))
        .collect();
    ensure!(unverified.is_empty(), "packed but not built from the tarball: {}\n{log}", unverified.join(", "));
    println!("{} crates build from their tarballs", published.len());
    Ok(())
}

/// Removes, in the end, what cargo keeps of overlays that were made since: nobody comes back to their place.
struct Overlays {
    before: BTreeSet<PathBuf>,
}

impl Overlays {
    fn now() -> Overlays {
        Overlays { before: Overlays::all() }
    }

    /// An overlay is a registry without a host, so that its folders begin with the dash in front of a digest.
    fn all() -> BTreeSet<PathBuf> {
        let home = std::env::var_os("CARGO_HOME")
            .map(PathBuf::from)
            .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
        let Some(registry) = home.map(|home| home.join("registry")) else { return BTreeSet::new() };
        ["index", "cache", "src"]
            .into_iter()
            .filter_map(|kind| std::fs::read_dir(registry.join(kind)).ok())
            .flat_map(|entries| entries.flatten())
            .filter(|entry| entry.file_name().as_encoded_bytes().starts_with(b"-"))
            .map(|entry| entry.path())
            .collect()
    }
}

impl Drop for Overlays {
    fn drop(&mut self) {
        for new in Overlays::all().difference(&self.before) {
            // It is only space; the next run does not mind.
            let _ = std::fs::remove_dir_all(new);
        }
    }
}

/// Cargo says `Verifying NAME vVERSION` before it builds what it unpacked.
fn was_built(log: &str, name: &str) -> bool {
    log.lines().any(|line| line.trim_start().starts_with(&format!("Verifying {name} v")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_counts_only_by_its_whole_name() {
        let log = "   Packaging buildbook v0.1.0\n   Verifying buildbook-gc v0.1.0 (/x)\n";
        assert!(was_built(log, "buildbook-gc"));
        assert!(!was_built(log, "buildbook"));
    }
}
