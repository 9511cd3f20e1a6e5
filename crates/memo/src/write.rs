//! Asking for files to be written and copied.

use std::future::IntoFuture;
use std::path::{Path, PathBuf};

use crate::execute::{CopyRequest, Request, WriteRequest, WriteSource};
use crate::handle::Handle;
use crate::op::Kind;
use crate::record::NewOp;
use crate::running::Running;
use crate::spawn::keep_first;

/// The rights of a file when nothing else is said.
const MODE: u32 = 0o644;

/// A file that is asked for; see [`Handle::write`] and [`Handle::write_with`].
#[derive(Debug)]
#[must_use = "nothing is written before it is started or awaited"]
pub struct Write {
    memo: Handle,
    path: PathBuf,
    source: WriteSource,
    reads: Vec<PathBuf>,
    mode: u32,
}

impl Write {
    pub(crate) fn new(memo: Handle, path: PathBuf, source: WriteSource) -> Write {
        Write { memo, path, source, reads: Vec::new(), mode: MODE }
    }

    /// Adds files on which the contents depend: it is written when all are ready.
    pub fn reads(mut self, paths: impl IntoIterator<Item = impl AsRef<Path>>) -> Write {
        self.reads.extend(paths.into_iter().map(|path| self.memo.absolute(path.as_ref())));
        self
    }

    /// Sets the rights of the file, which are 0644 otherwise. The umask has no influence.
    pub fn mode(mut self, mode: u32) -> Write {
        self.mode = mode & crate::look::RIGHTS;
        self
    }

    /// Asks for it. It is written as soon as its reads are ready, whether the result is awaited or not.
    pub fn start(self) -> Running<()> {
        let Write { memo, path, source, mut reads, mode } = self;
        let (waits_for, promises) = (keep_first(&memo, &mut reads).into(), memo.files([&path]));
        let request = Some(Request::Write(WriteRequest { path, mode, reads, source }));
        let id = memo.submit(NewOp {
            kind: Kind::Write,
            label: None,
            reads: waits_for,
            writes: promises,
            request,
        });
        memo.running(id)
    }
}

impl IntoFuture for Write {
    type Output = crate::Result<()>;
    type IntoFuture = Running<()>;

    fn into_future(self) -> Running<()> {
        self.start()
    }
}

/// A copy that is asked for; see [`Handle::copy`].
#[derive(Debug)]
#[must_use = "nothing is copied before it is started or awaited"]
pub struct Copy {
    memo: Handle,
    source: PathBuf,
    target: PathBuf,
    mode: u32,
}

impl Copy {
    pub(crate) fn new(memo: Handle, source: PathBuf, target: PathBuf) -> Copy {
        Copy { memo, source, target, mode: MODE }
    }

    /// Sets the rights of the copy, which are 0644 otherwise. The umask has no influence.
    pub fn mode(mut self, mode: u32) -> Copy {
        self.mode = mode & crate::look::RIGHTS;
        self
    }

    /// Asks for it. It is made as soon as the source is ready, whether the result is awaited or not.
    pub fn start(self) -> Running<()> {
        let Copy { memo, source, target, mode } = self;
        let (reads, writes) = (memo.files([&source]), memo.files([&target]));
        let request = Some(Request::Copy(CopyRequest { source, target, mode }));
        let id = memo.submit(NewOp { kind: Kind::Copy, label: None, reads, writes, request });
        memo.running(id)
    }
}

impl IntoFuture for Copy {
    type Output = crate::Result<()>;
    type IntoFuture = Running<()>;

    fn into_future(self) -> Running<()> {
        self.start()
    }
}
