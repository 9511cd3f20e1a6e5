//! Folders of layers.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Result, bail};
use buildbook::gc::Roots;
use buildbook::layout::PlatformTree;

use crate::bare;

/// So many layers of so many files; the first ones are needed by somebody.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layers {
    pub(crate) needed: usize,
    pub(crate) unneeded: usize,
    /// Files of each, its description among them.
    pub(crate) files: usize,
}

impl Layers {
    /// Makes them in an empty folder, on all cores.
    pub(crate) fn make(self, folder: &Path) -> Result<()> {
        let next = AtomicUsize::new(0);
        let work = || -> Result<()> {
            loop {
                match next.fetch_add(1, Ordering::Relaxed) {
                    index if index < self.needed + self.unneeded => self.make_one(folder, index)?,
                    _ => return Ok(()),
                }
            }
        };
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..bare::threads()).map(|_| scope.spawn(work)).collect();
            let mut made = work();
            for other in others {
                made = made.and(other.join().unwrap_or_else(|_| bail!("a thread panicked")));
            }
            made
        })
    }

    fn make_one(self, folder: &Path, index: usize) -> Result<()> {
        let layer = folder.join(name(index));
        let contents = layer.join("fs");
        fs::create_dir(&layer)?;
        let description =
            r#"{"package":"anvil.1.2.0","exit_status":0,"deps":[],"hashes":[],"created":1772344800.5}"#;
        fs::write(layer.join("layer.json"), description)?;
        if self.files > 1 {
            fs::create_dir(&contents)?;
        }
        for file in 1..self.files {
            fs::write(contents.join(format!("module-{file}.o")), [b'x'; 600])?;
        }
        Ok(())
    }

    pub(crate) fn tree(folder: &Path) -> PlatformTree {
        PlatformTree::at(folder)
    }

    pub(crate) fn roots(self) -> Roots {
        (0..self.needed).map(name).collect::<Vec<String>>().iter().map(String::as_str).collect()
    }

    /// The folders that nobody needs.
    pub(crate) fn unneeded(self, folder: &Path) -> Vec<PathBuf> {
        (self.needed..self.needed + self.unneeded).map(|index| folder.join(name(index))).collect()
    }
}

/// Names as of hashes: neighbours in number are no neighbours in name.
fn name(index: usize) -> String {
    let mixed = (index as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("build-{:012x}", mixed >> 16)
}
