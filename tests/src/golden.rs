//! The files that the original library wrote; `golden/README.md` says what each is.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::tree;

/// Folders that the original left empty, and that git therefore does not keep.
const EMPTY_FOLDERS: [&str; 3] =
    ["cache/packages/kelp.1", "cache/runs/2026-11-20-034620/build", "cache/runs/2026-11-20-034620/docs"];

/// The folder of golden files, for reading only. It lacks the empty folders.
#[must_use]
pub fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

/// A writable copy of [`golden`], with the empty folders.
///
/// # Errors
///
/// The system's answer.
pub fn golden_copy() -> Result<TempDir> {
    let copy = tempfile::tempdir().context("cannot make a temporary folder")?;
    tree::copy(&golden(), copy.path())?;
    for folder in EMPTY_FOLDERS {
        let folder = copy.path().join(folder);
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_has_everything_and_the_empty_folders() {
        let copy = golden_copy().unwrap();
        for folder in EMPTY_FOLDERS {
            assert!(std::fs::read_dir(copy.path().join(folder)).unwrap().next().is_none(), "{folder}");
        }
        let link = std::fs::read_link(copy.path().join("cache/latest")).unwrap();
        assert_eq!(link, Path::new("runs/2026-11-20-034620"));
        for file in ["expected.json", "cache-invalid-utf8/packages/lantern.1.0/history.jsonl"] {
            let [original, copied] =
                [golden(), copy.path().to_owned()].map(|root| std::fs::read(root.join(file)).unwrap());
            assert!(!original.is_empty());
            assert_eq!(original, copied, "{file}");
        }
    }
}
