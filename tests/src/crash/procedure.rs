//! What a row of the matrix is made of.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use buildbook::fsio::op::Operation;
use buildbook::runlog::Run;
use tempfile::TempDir;

/// Where syncs cost nothing. What they are worth is judged by the order of the operations.
const IN_MEMORY: &str = "/dev/shm";

/// A procedure of several steps, and what must be true of it after a stop at each.
#[derive(Debug, Clone)]
pub struct Procedure {
    /// What it is called in the table.
    pub name: &'static str,
    /// The functions of the product whose changes of files it goes through, `<crate>/<file> <function>`.
    pub covers: &'static [&'static str],
    /// Whether it promises to survive a power cut once it returns.
    pub durable: bool,
    /// Whether it runs on a file system that can neither exchange two names nor rename to a free one.
    pub plain_renames: bool,
    /// Names that are there before it begins, and that nobody has synced.
    pub unsynced: &'static [&'static str],
    /// What may be otherwise than before, with all that is in it. Nothing else may.
    pub touches: &'static [&'static str],
    /// What may be there or not, whether it succeeds or fails: an empty folder, the file of a lock.
    pub scratch: &'static [&'static str],
    /// What may be otherwise, in a way that readers pass over, after the process has died: a file that ends in
    /// a part of a line, a run that was cut off. Or where what failed could not be undone.
    pub dead: &'static [&'static str],
    /// Operations that may fail without a word, because it has another way.
    pub falls_back: &'static [Operation],
    /// What is in between, where it does several things that are each old or new.
    pub part: Option<&'static str>,
    /// Why readers may find nothing until recovery has run, if so.
    pub gap: Option<&'static str>,
    /// Makes the book as it is before.
    pub prepare: fn(&mut World) -> Result<()>,
    /// The procedure. What succeeds has done all there was to do.
    pub act: fn(&mut World) -> Result<()>,
    /// Reads the book. Whatever is neither old nor new, or was acknowledged and is not there, is an error.
    pub look: fn(&World) -> Result<State>,
    /// What an operator or the next process does after a crash.
    pub recover: fn(&World) -> Result<Recovered>,
}

/// What a reader finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Everything is as it was.
    Old,
    /// Some of several things are as they were, and the others are as they shall be.
    Part,
    /// Everything is as it shall be.
    New,
}

/// What recovery did.
#[derive(Debug, Default)]
pub struct Recovered {
    /// Whether there was nothing to do.
    pub clean: bool,
    /// What it could not deal with.
    pub problems: Vec<String>,
}

/// A book in a folder of its own, and what the process that works on it holds.
#[derive(Debug)]
pub struct World {
    folder: TempDir,
    /// The run that is being written.
    pub run: Option<Run>,
}

impl Procedure {
    /// A procedure that promises nothing yet; the others are made from it.
    pub(super) const PLAIN: Procedure = Procedure {
        name: "",
        covers: &[],
        durable: false,
        plain_renames: false,
        unsynced: &[],
        touches: &[],
        scratch: &[],
        dead: &[],
        falls_back: &[],
        part: None,
        gap: None,
        prepare: |_| Ok(()),
        act: |_| Ok(()),
        look: |_| Ok(State::New),
        recover: |_| Ok(Recovered { clean: true, problems: Vec::new() }),
    };

    /// A fresh book for it.
    pub(super) fn world(&self) -> Result<World> {
        let in_memory = Path::new(IN_MEMORY);
        let folder = if in_memory.is_dir() { tempfile::tempdir_in(in_memory) } else { tempfile::tempdir() };
        let folder = folder.context("cannot make a temporary folder")?;
        let mut world = World { folder, run: None };
        (self.prepare)(&mut world).with_context(|| format!("cannot prepare `{}`", self.name))?;
        Ok(world)
    }
}

impl World {
    /// The folder that everything is in.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// A place in it.
    #[must_use]
    pub fn at(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    /// Gives back what a process that dies gives back.
    pub(super) fn die(&mut self) {
        self.run = None;
    }
}

impl Recovered {
    /// What a recovery of one folder found.
    pub(super) fn of(recovery: &buildbook::atomic_swap::Recovery) -> Recovered {
        let busy = recovery.busy.iter().map(|path| format!("taken for busy: {}", path.display()));
        let problems = recovery.problems.iter().map(|problem| format!("{problem:?}"));
        Recovered { clean: recovery.is_clean(), problems: busy.chain(problems).collect() }
    }
}
