//! Every crate that can be published, built from its own tarball.

use anyhow::{Result, ensure};

use crate::manifest::{self, Manifest};
use crate::shell;

/// Cargo packs all crates, unpacks each tarball in a folder of its own, and builds it against the tarballs of the
/// others, so that a file that is not packed, or a dependency that is not declared, is found out here.
pub(crate) fn run() -> Result<()> {
    let manifests = manifest::members(&shell::root())?;
    let (published, private): (Vec<_>, Vec<_>) =
        manifests.iter().partition(|manifest| manifest.is_published());
    let mut command = shell::cargo(&["package", "--workspace", "--allow-dirty"]);
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
