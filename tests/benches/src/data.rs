//! What is measured on. Large data are made once and kept below cargo's target folder.

mod farms;
mod layers;
mod logs;

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

pub(crate) use farms::Farm;
pub(crate) use layers::Layers;
pub(crate) use logs::Log;

/// Where the data are, and how large they are to be.
pub(crate) struct Place {
    root: PathBuf,
    quick: bool,
    program: Option<PathBuf>,
}

impl Place {
    pub(crate) fn new(root: &Path, quick: bool, program: Option<&Path>) -> Place {
        Place { root: root.to_owned(), quick, program: program.map(Path::to_owned) }
    }

    /// What another process of this program must be told to have the same place.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let mut arguments = vec!["--data".into(), self.root.clone().into()];
        arguments.extend(self.quick.then(|| "--quick".into()));
        if let Some(program) = &self.program {
            arguments.extend(["--program".into(), program.into()]);
        }
        arguments
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The program `buildbook`.
    pub(crate) fn program(&self) -> Result<&Path> {
        self.program.as_deref().context("--program must name the program, as `cargo xtask bench` does")
    }

    /// A size, or a small one where only the working is tried.
    pub(crate) fn size(&self, full: usize, small: usize) -> usize {
        if self.quick { small } else { full }
    }

    /// A folder that `make` fills the first time. The name must tell everything that its contents depend on.
    pub(crate) fn kept(&self, name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        let (folder, whole) = (self.root.join(name), self.root.join(format!("{name}.whole")));
        if !whole.exists() {
            eprintln!("    making {name}");
            remove(&folder)?;
            fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
            make(&folder)?;
            self.sync()?;
            File::create(&whole).with_context(|| format!("cannot make {}", whole.display()))?;
        }
        Ok(folder)
    }

    /// Where a folder is that was made before.
    pub(crate) fn made(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// An empty folder, for what a side leaves. What an earlier one left is put aside: a file system may be slow at
    /// making files for minutes after many were removed.
    pub(crate) fn scratch(&self, name: &str) -> Result<PathBuf> {
        let folder = self.root.join("scratch").join(name);
        if folder.exists() {
            let aside = self.aside().join(format!("{name}-{}", std::process::id()));
            fs::create_dir_all(&aside).with_context(|| format!("cannot make {}", aside.display()))?;
            let count = fs::read_dir(&aside)?.count();
            fs::rename(&folder, aside.join(count.to_string()))
                .with_context(|| format!("cannot put {} aside", folder.display()))?;
        }
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(folder)
    }

    /// Removes what was put aside.
    pub(crate) fn tidy(&self) -> Result<()> {
        remove(&self.aside())
    }

    fn aside(&self) -> PathBuf {
        self.root.join("aside")
    }

    /// Has the file system write everything, so that what one side left is not written on the other's time.
    pub(crate) fn sync(&self) -> Result<()> {
        let folder =
            File::open(&self.root).with_context(|| format!("cannot open {}", self.root.display()))?;
        nix::unistd::syncfs(&folder).context("cannot sync the file system")
    }
}

/// Removes a folder that may not be there.
pub(crate) fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}
