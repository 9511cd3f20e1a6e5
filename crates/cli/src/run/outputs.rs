//! What a target declares: its inputs must be what they were, and of what it made its outputs are kept.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use buildbook::fsio;

use crate::plan::{Look, Target};

/// What the inputs of a target are now; or which of them is not any more what it was when the plan was read, in words:
/// its hash does not say what it is built from then.
pub(super) fn look_at_inputs(target: &Target) -> Result<Vec<Look>, String> {
    let look = |input: &crate::plan::Input| match Look::at(&input.path) {
        Ok(look) if look.has_contents_of(&input.look) => Ok(look),
        Ok(_) => Err(changed(&input.name)),
        Err(error) => Err(format!("its input {:?} cannot be read any more: {error}", input.name)),
    };
    target.inputs.iter().map(look).collect()
}

/// Whether the inputs have stayed what they were since they were looked at. One that was changed and put back may have
/// been read in between.
pub(super) fn check_inputs(target: &Target, before: &[Look]) -> Result<(), String> {
    let now = look_at_inputs(target)?;
    let mut pairs = target.inputs.iter().zip(before.iter().zip(&now));
    match pairs.find(|(_, (before, now))| before != now) {
        Some((input, _)) => Err(changed(&input.name)),
        None => Ok(()),
    }
}

fn changed(name: &str) -> String {
    format!("its input {name:?} was changed while the batch was running")
}

/// Removes from the folder of a target all but its outputs, so that its layer is the same wherever it is taken from.
/// An output that is not there is an error.
pub(super) fn keep(files: &Path, outputs: &[PathBuf]) -> Result<(), String> {
    let missing = remove_others(files, outputs)
        .map_err(|error| format!("what the command left cannot be looked through: {error}"))?;
    match missing.into_iter().next() {
        None => Ok(()),
        Some(output) if output.as_os_str().is_empty() => Err("the command removed its folder".to_owned()),
        Some(output) => Err(format!("the command did not make its output {output:?}")),
    }
}

/// Removes what is neither an output, nor in one, nor on the way to one. No link is followed.
fn remove_others<'a>(files: &Path, outputs: &'a [PathBuf]) -> io::Result<BTreeSet<&'a Path>> {
    let mut missing: BTreeSet<&Path> = outputs.iter().map(PathBuf::as_path).collect();
    if !std::fs::symlink_metadata(files).is_ok_and(|metadata| metadata.is_dir()) {
        return Ok(missing);
    }
    missing.remove(Path::new(""));
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(files.join(&folder))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            missing.remove(path.as_path());
            let leads_on = outputs.iter().any(|output| *output != path && output.starts_with(&path));
            if leads_on && entry.file_type()?.is_dir() {
                folders.push(path);
            } else if !outputs.iter().any(|output| path.starts_with(output)) {
                fsio::remove_tree(&entry.path()).map_err(io::Error::other)?;
            }
        }
    }
    Ok(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a command writes as it likes")]
    fn only_outputs_are_kept_and_links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (files, outside) = (folder.path().join("files"), folder.path().join("outside"));
        for path in ["a/b/kept", "a/b/c/kept", "a/other", "other/file"] {
            let path = files.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        std::fs::create_dir_all(outside.join("sub")).unwrap();
        std::os::unix::fs::symlink(&outside, files.join("link")).unwrap();
        let outputs = ["a/b", "a/b/c", "link/sub", "none"].map(PathBuf::from);
        let missing = remove_others(&files, &outputs).unwrap();
        assert_eq!(missing, BTreeSet::from(["link/sub", "none"].map(Path::new)));
        assert!(files.join("a/b/kept").exists() && files.join("a/b/c/kept").exists());
        assert!(!files.join("a/other").exists() && !files.join("other").exists());
        assert!(!files.join("link").is_symlink() && outside.join("sub").exists());

        let whole = [PathBuf::new(), PathBuf::from("a")];
        assert_eq!(remove_others(&files, &whole).unwrap(), BTreeSet::new());
        assert!(files.join("a/b/kept").exists());
        assert_eq!(keep(&outside.join("none"), &whole).unwrap_err(), "the command removed its folder");
    }
}
