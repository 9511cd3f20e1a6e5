//! The files of the project, and what is found in them.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::shell;

/// The files that git tracks, and new ones that it does not ignore.
pub(super) struct Tree {
    root: PathBuf,
    files: Vec<PathBuf>,
}

impl Tree {
    pub(super) fn of_git(root: &Path) -> Result<Tree> {
        let mut git = std::process::Command::new("git");
        git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root);
        let (names, _) = shell::read(&mut git)?;
        let files = names.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from);
        // A file that was removed and not yet committed is still on the list.
        Ok(Tree::new(root, files.filter(|file| root.join(file).symlink_metadata().is_ok())))
    }

    fn new(root: &Path, files: impl IntoIterator<Item = PathBuf>) -> Tree {
        let mut files: Vec<PathBuf> = files.into_iter().collect();
        files.sort();
        files.dedup();
        Tree { root: root.to_owned(), files }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// All files, from the root, sorted.
    pub(super) fn files(&self) -> &[PathBuf] {
        &self.files
    }

    pub(super) fn with_extension<'a>(&'a self, extensions: &'a [&str]) -> impl Iterator<Item = &'a Path> {
        let is_wanted = move |file: &&PathBuf| {
            let extension = file.extension().and_then(|extension| extension.to_str());
            extension.is_some_and(|extension| extensions.contains(&extension))
        };
        self.files.iter().filter(is_wanted).map(PathBuf::as_path)
    }

    /// The text of a file; nothing for links and for what is not text.
    pub(super) fn text(&self, file: &Path) -> String {
        let path = self.root.join(file);
        let is_file = path.symlink_metadata().is_ok_and(|metadata| metadata.is_file());
        let bytes = if is_file { fs::read(path).unwrap_or_default() } else { Vec::new() };
        String::from_utf8(bytes).unwrap_or_default()
    }
}

/// Something to mend, or to think about.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Finding {
    path: PathBuf,
    line: Option<usize>,
    advice: String,
    pub(super) is_error: bool,
}

impl Finding {
    pub(super) fn in_file(path: &Path, advice: impl Into<String>) -> Finding {
        Finding { path: path.to_owned(), line: None, advice: advice.into(), is_error: true }
    }

    pub(super) fn on_line(path: &Path, line: usize, advice: impl Into<String>) -> Finding {
        Finding { line: Some(line), ..Finding::in_file(path, advice) }
    }

    /// Something that does not fail the check.
    pub(super) fn only_a_warning(self) -> Finding {
        Finding { is_error: false, ..self }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_error { "" } else { "warning: " })?;
        write!(f, "{}:", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        write!(f, " {}", self.advice)
    }
}

/// A project of a few files, for trying rules.
#[cfg(test)]
pub(super) struct Example {
    tree: Tree,
    /// Removed when the example is dropped.
    _folder: tempfile::TempDir,
}

#[cfg(test)]
impl Example {
    pub(super) fn of(files: &[(&str, &str)]) -> Example {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let tree = Tree::new(folder.path(), files.iter().map(|(name, _)| PathBuf::from(name)));
        Example { tree, _folder: folder }
    }

    pub(super) fn root(&self) -> &Path {
        self.tree.root()
    }

    pub(super) fn rewrite(&self, name: &str, text: &str) {
        fs::write(self.tree.root().join(name), text).unwrap();
    }

    /// What a rule finds, a text each.
    pub(super) fn findings(&self, rule: fn(&Tree) -> Result<Vec<Finding>>) -> Vec<String> {
        rule(&self.tree).unwrap().iter().map(Finding::to_string).collect()
    }
}
