//! Asking for files to be written and copied.

use std::future::IntoFuture;
use std::path::Path;

use crate::execute::{CopyRequest, Request, WriteRequest, WriteSource};
use crate::handle::Handle;
use crate::op::Kind;
use crate::record::NewOp;
use crate::running::Running;
use crate::spawn::keep_first;
use crate::used::Named;

/// The rights of a file when nothing else is said.
const MODE: u32 = 0o644;

/// A file that is asked for; see [`Handle::write`] and [`Handle::write_with`].
#[derive(Debug)]
#[must_use = "nothing is written before it is started or awaited"]
pub struct Write {
    memo: Handle,
    file: Named,
    source: WriteSource,
    reads: Vec<Named>,
    mode: u32,
}

impl Write {
    pub(crate) fn new(memo: Handle, file: Named, source: WriteSource) -> Write {
        Write { memo, file, source, reads: Vec::new(), mode: MODE }
    }

    /// Adds files on which the contents depend: it is written when all are ready.
    pub fn reads(mut self, paths: impl IntoIterator<Item = impl AsRef<Path>>) -> Write {
        self.memo.name(paths, &mut self.reads);
        self
    }

    /// Sets the rights of the file, which are 0644 otherwise. The umask has no influence.
    pub fn mode(mut self, mode: u32) -> Write {
        self.mode = mode & crate::look::RIGHTS;
        self
    }

    /// Asks for it. It is written as soon as its reads are ready, whether the result is awaited or not.
    pub fn start(self) -> Running<()> {
        let Write { memo, file, source, mut reads, mode } = self;
        let (waits_for, promises) = (keep_first(&mut reads), vec![file.id]);
        let request = Some(Request::Write(Box::new(WriteRequest { file, mode, reads, source })));
        let id = memo.submit(NewOp {
            kind: Kind::Write,
            command: None,
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
    source: Named,
    target: Named,
    mode: u32,
}

impl Copy {
    pub(crate) fn new(memo: Handle, source: Named, target: Named) -> Copy {
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
        let (reads, writes) = (vec![source.id], vec![target.id]);
        let request = Some(Request::Copy(Box::new(CopyRequest { source, target, mode })));
        let id = memo.submit(NewOp { kind: Kind::Copy, command: None, reads, writes, request });
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
