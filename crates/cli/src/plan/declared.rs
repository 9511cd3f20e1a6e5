//! What a target says that it reads and makes.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};

use buildbook::fsio::Stamp;
use buildbook::memo::Digest;

/// A file that a command reads.
#[derive(Debug)]
pub(crate) struct Input {
    /// As the plan has it.
    pub(crate) name: String,
    /// Where it is.
    pub(crate) path: PathBuf,
    /// What it was when the plan was read.
    pub(crate) look: Look,
}

/// What a file was when it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) digest: [u8; 32],
    pub(crate) is_executable: bool,
    stamp: Stamp,
}

impl Look {
    /// Looks at a file now. Links are followed.
    pub(crate) fn at(path: &Path) -> io::Result<Look> {
        // Opening a pipe would wait for somebody to write to it.
        if !std::fs::metadata(path)?.is_file() {
            return Err(io::Error::other("it is not a file"));
        }
        let file = File::open(path)?;
        let digest = *Digest::of_reader(&file)?.0.as_bytes();
        let metadata = file.metadata()?;
        let is_executable = metadata.permissions().mode() & 0o100 != 0;
        Ok(Look { digest, is_executable, stamp: Stamp::of(&metadata) })
    }

    /// Whether a command that reads the file finds the same in it.
    pub(crate) fn has_contents_of(&self, other: &Look) -> bool {
        (self.digest, self.is_executable) == (other.digest, other.is_executable)
    }
}

/// Looks at the files that the targets of a plan name, each once.
pub(super) struct Inputs<'a> {
    /// The folder of the plan.
    pub(super) folder: &'a Path,
    pub(super) looks: HashMap<PathBuf, Look>,
}

impl Inputs<'_> {
    /// Checks the inputs of a target. They come in the order of their names, each once.
    pub(super) fn check(&mut self, names: Vec<String>) -> Result<Vec<Input>, String> {
        let mut inputs = Vec::with_capacity(names.len());
        for name in sorted(names) {
            let path: PathBuf = self.folder.join(&name);
            let look = match self.looks.entry(path.clone()) {
                Entry::Occupied(known) => known.get().clone(),
                Entry::Vacant(vacant) => {
                    let look = Look::at(&path)
                        .map_err(|error| format!("its input {name:?} at {}: {error}", path.display()))?;
                    vacant.insert(look).clone()
                }
            };
            inputs.push(Input { name, path, look });
        }
        Ok(inputs)
    }
}

/// Checks the outputs of a target: paths that stay in its folder, each in one spelling; an empty one is the folder.
pub(super) fn outputs(names: Vec<String>) -> Result<Vec<PathBuf>, String> {
    let mut outputs = Vec::with_capacity(names.len());
    for name in names {
        let is_inside = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        if name.is_empty() || name.contains('\0') || !Path::new(&name).components().all(is_inside) {
            return Err(format!("its output {name:?} is not a path in its folder"));
        }
        let parts = Path::new(&name).components().filter(|part| matches!(part, Component::Normal(_)));
        outputs.push(parts.collect::<PathBuf>());
    }
    Ok(sorted(outputs))
}

/// Their order says nothing about the result.
fn sorted<T: Ord>(mut names: Vec<T>) -> Vec<T> {
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_stays_in_its_folder_and_has_one_spelling() {
        let one = |name: &str| outputs(vec![name.to_owned()]);
        for (name, spelled) in [("a", "a"), ("./a//b/", "a/b"), (".", ""), ("a/./b", "a/b")] {
            assert_eq!(one(name), Ok(vec![PathBuf::from(spelled)]), "{name}");
        }
        for name in ["", "/a", "..", "a/../b", "a\0"] {
            assert!(one(name).unwrap_err().contains("is not a path in its folder"), "{name:?}");
        }
        let several = ["b", "a", "./b"].map(str::to_owned).to_vec();
        assert_eq!(outputs(several), Ok(vec![PathBuf::from("a"), PathBuf::from("b")]));
    }
}
