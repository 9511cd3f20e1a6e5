//! What tasks ask a memo for.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use buildbook_guard::FileId;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

use crate::digest::Digest;
use crate::env::Env;
use crate::execute::{self, CancelHandle, Mailbox, Request, Shared, WriteSource};
use crate::op::{Kind, Op, OpId};
use crate::promise::{Fut, FutSetter, Promises};
use crate::record::{NewOp, State};
use crate::running::{FromOutput, Running};
use crate::settings::{Hidden, Settings, absolute};
use crate::spawn::Spawn;
use crate::tool::{Cmd, MemoTool, Origin, Tool, look_up};
use crate::used::Named;
use crate::write::{Copy, Write};
use crate::{Error, Feedback, Result};

/// What tasks ask a memo for. Clones stand for the same memo, which does the work when it is
/// [stirred](crate::Memo::stir) or [finished](crate::Memo::finish). After the memo is dropped, everything that is
/// asked for fails with [`Error::Cancelled`].
#[derive(Clone)]
pub struct Handle {
    pub(crate) inner: Rc<Inner>,
}

/// A memo, as its handles see it.
pub(crate) struct Inner {
    pub(crate) state: RefCell<State>,
    pub(crate) promises: Rc<Promises>,
    pub(crate) settings: Settings,
    pub(crate) shared: Arc<Shared>,
    pub(crate) mailbox: Arc<Mailbox>,
    /// Whether the memo is gone, so that nothing moves any more.
    pub(crate) is_closed: Cell<bool>,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memo").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// How much time processors spent on a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CpuTime {
    /// For this process, in programs.
    pub user: Duration,
    /// For this process, in the system.
    pub system: Duration,
    /// For processes that it started and that have ended, in programs.
    pub children_user: Duration,
    /// For processes that it started and that have ended, in the system.
    pub children_system: Duration,
}

impl Handle {
    /// Starts a task. It ends with a value or with an error; the latter is in the report, and the build is no
    /// success then. Nothing of it runs before the memo is stirred.
    #[track_caller]
    pub fn task<F, R>(&self, task: F)
    where
        F: FnOnce(Handle) -> R,
        R: Future<Output = Result<()>> + 'static,
    {
        let created = Location::caller();
        let future = Box::pin(task(self.clone()));
        self.inner.state.borrow_mut().tasks.add(future, created, Arc::clone(&self.inner.mailbox));
    }

    /// Makes a value that is set later. If it is never set, the build is no success.
    #[track_caller]
    pub fn future<T: 'static>(&self) -> (FutSetter<T>, Fut<T>) {
        self.inner.promises.make(Location::caller())
    }

    /// Declares a file ready that was there before the build, such as a source. It is not looked at before it is used.
    /// A declaration of a file that an operation writes does not count.
    pub fn file_ready(&self, path: impl AsRef<Path>) {
        let path = self.absolute(path.as_ref());
        self.inner.state.borrow_mut().declare_ready(&path, false);
    }

    /// Waits until files are ready.
    pub fn wait_files(&self, paths: impl IntoIterator<Item = impl AsRef<Path>>) -> Running<()> {
        let reads = self.files(paths.into_iter().map(|path| self.absolute(path.as_ref())));
        let writes = Vec::new();
        let id = self.submit(NewOp { kind: Kind::WaitFiles, command: None, reads, writes, request: None });
        self.running(id)
    }

    /// Reads a file when it is ready. Whoever drops the result without awaiting it lets go of the contents.
    pub fn read(&self, path: impl AsRef<Path>) -> Running<Vec<u8>> {
        let file = self.named(path.as_ref());
        let (reads, writes) = (vec![file.id], Vec::new());
        let request = Some(Request::Read(file));
        let id = self.submit(NewOp { kind: Kind::Read, command: None, reads, writes, request });
        self.running(id)
    }

    /// Writes a file whose contents are known. If it has them, nothing is done.
    pub fn write(&self, path: impl AsRef<Path>, contents: impl Into<Vec<u8>>) -> Write {
        let source = WriteSource::Bytes(contents.into());
        Write::new(self.clone(), self.named(path.as_ref()), source)
    }

    /// Writes a file whose contents a function makes, on another thread. They must depend on nothing but the reads,
    /// the path, and what the salt stands for: when all these are as they were in an earlier build, the function is
    /// not called and the file comes from the cache. With an empty salt it is called every time.
    pub fn write_with(
        &self,
        path: impl AsRef<Path>,
        salt: impl Into<Vec<u8>>,
        make: impl FnOnce() -> Result<Vec<u8>> + Send + 'static,
    ) -> Write {
        let source = WriteSource::Made { salt: salt.into(), make: Hidden(Box::new(make)) };
        Write::new(self.clone(), self.named(path.as_ref()), source)
    }

    /// Puts a file that is there into the cache, as if a [`Handle::write_with`] with the same path, rights, salt and reads
    /// had written it: one that is asked for later takes it from there. The file stays as it is, and is not held in
    /// memory, whatever its size. If it has not this content and these rights, that is an error.
    pub fn keep(&self, path: impl AsRef<Path>, salt: impl Into<Vec<u8>>, content: Digest) -> Write {
        let source = WriteSource::There { salt: salt.into(), content };
        Write::new(self.clone(), self.named(path.as_ref()), source)
    }

    /// Removes from the cache what a [`Handle::write_with`] with the same path, rights, salt and reads would find there:
    /// the next one calls its function. This is for who finds that it leads to something that is not there any more.
    /// Nothing is done to the file itself.
    pub fn forget(&self, path: impl AsRef<Path>, salt: impl Into<Vec<u8>>) -> Write {
        Write::new(self.clone(), self.named(path.as_ref()), WriteSource::Forgotten { salt: salt.into() })
    }

    /// Copies a file when it is ready. If the copy is there, nothing is done.
    pub fn copy(&self, source: impl AsRef<Path>, target: impl AsRef<Path>) -> Copy {
        Copy::new(self.clone(), self.named(source.as_ref()), self.named(target.as_ref()))
    }

    /// Makes a folder and those above it, and declares it ready. It may be asked for again.
    pub fn mkdir(&self, folder: impl AsRef<Path>) -> Running<()> {
        let folder = self.absolute(folder.as_ref());
        let is_asked_for = {
            let state = self.inner.state.borrow();
            state.maker_of(&folder).is_some_and(|id| state.kind(id) == Kind::Mkdir)
        };
        if is_asked_for {
            return self.wait_files([folder]);
        }
        let (reads, writes) = (Vec::new(), self.files([&folder]));
        let request = Some(Request::Mkdir { folder });
        let id = self.submit(NewOp { kind: Kind::Mkdir, command: None, reads, writes, request });
        self.running(id)
    }

    /// Looks for a tool. If it is not found, the spawns of its commands fail and the report names it.
    #[must_use]
    pub fn tool(&self, tool: Tool) -> MemoTool {
        let found = match &tool.origin {
            Origin::Named(name) => look_up(name, self.env().get("PATH"), self.cwd()),
            Origin::Installed(path) => Some(path.clone()),
            Origin::Built(path) => Some(path.clone()),
        };
        let found = found.map(|path| self.absolute(&path));
        if let Some(path) = &found
            && !matches!(tool.origin, Origin::Built(_))
        {
            self.inner.state.borrow_mut().declare_ready(path, true);
        }
        let env = self.env().for_tool(&tool.relevant, &tool.shielded, &BTreeMap::new());
        MemoTool { tool: Arc::new(tool), found: found.map(Into::into), env: Arc::new(env) }
    }

    /// Runs a command, unless what it gives is known.
    pub fn spawn(&self, cmd: Cmd) -> Spawn {
        Spawn::new(self.clone(), cmd)
    }

    /// The operations so far, in the order in which they were created.
    #[must_use]
    pub fn ops(&self) -> Vec<Op> {
        let state = self.inner.state.borrow();
        state.ids().map(|id| state.op(id)).collect()
    }

    /// How long ago the memo was made.
    #[must_use]
    pub fn clock(&self) -> Duration {
        self.inner.shared.elapsed()
    }

    /// How much time processors spent on this process and on those that it started, not only through this memo.
    #[must_use]
    pub fn cpu_clock(&self) -> CpuTime {
        let times = |who| {
            let usage = getrusage(who).ok();
            let time = |time: Option<nix::sys::time::TimeVal>| {
                Duration::from_micros(time.map_or(0, |time| time.num_microseconds()).unsigned_abs())
            };
            (time(usage.map(|usage| usage.user_time())), time(usage.map(|usage| usage.system_time())))
        };
        let ((user, system), (children_user, children_system)) =
            (times(UsageWho::RUSAGE_SELF), times(UsageWho::RUSAGE_CHILDREN));
        CpuTime { user, system, children_user, children_system }
    }

    /// The folder in which tools run and from which relative paths start.
    #[must_use]
    pub fn cwd(&self) -> &Path {
        &self.inner.settings.cwd
    }

    /// The environment of the build.
    #[must_use]
    pub fn env(&self) -> &Env {
        &self.inner.settings.env
    }

    /// What the memo was made with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// Something that cancels the build from any thread.
    #[must_use]
    pub fn cancel_handle(&self) -> CancelHandle {
        CancelHandle {
            groups: Arc::clone(&self.inner.shared.groups),
            mailbox: Arc::clone(&self.inner.mailbox),
        }
    }

    pub(crate) fn absolute(&self, path: &Path) -> PathBuf {
        absolute(self.cwd(), path)
    }

    /// A file, by the one spelling of its path.
    pub(crate) fn named(&self, path: &Path) -> Named {
        let path = self.absolute(path);
        Named { id: self.file(&path), path }
    }

    /// Adds files, by the one spelling of their paths.
    pub(crate) fn name(&self, paths: impl IntoIterator<Item = impl AsRef<Path>>, files: &mut Vec<Named>) {
        let paths = paths.into_iter();
        if files.is_empty() {
            // They rarely come in several parts, and few as they are, half of the usual room would stay empty.
            files.reserve_exact(paths.size_hint().0);
        }
        files.extend(paths.map(|path| self.named(path.as_ref())));
    }

    /// The number of a file.
    pub(crate) fn file(&self, path: &Path) -> FileId {
        self.inner.state.borrow_mut().file(path)
    }

    /// The numbers of files. Who gives them may ask the memo for something, so that nothing is borrowed meanwhile.
    fn files(&self, paths: impl IntoIterator<Item = impl AsRef<Path>>) -> Vec<FileId> {
        paths.into_iter().map(|path| self.file(path.as_ref())).collect()
    }

    pub(crate) fn submit(&self, op: NewOp) -> OpId {
        let id = self.inner.change(|state| state.add(op, self.clock()));
        self.inner.dispatch();
        id
    }

    pub(crate) fn submit_failed(&self, op: NewOp, error: Error) -> OpId {
        self.inner.change(|state| state.add_failed(op, self.clock(), error))
    }

    pub(crate) fn running<T: FromOutput>(&self, id: OpId) -> Running<T> {
        Running::new(&self.inner, id)
    }

    pub(crate) fn miss_tool(&self, tool: &str) {
        let mut state = self.inner.state.borrow_mut();
        if !state.missing_tools.iter().any(|missing| missing == tool) {
            state.missing_tools.push(tool.to_owned());
            state.tell(|| Feedback::MissingTool { tool: tool.to_owned() });
        }
    }
}

impl Inner {
    /// Hands out all operations that can start.
    pub(crate) fn dispatch(&self) {
        self.change(|state| {
            while let Some((id, request)) = state.next() {
                if state.in_flight == 0 {
                    // Before the first look of a row; the end of the build tells.
                    let _ = self.shared.contents.home_was_replaced();
                }
                state.in_flight += 1;
                execute::start(&self.shared, id, request);
            }
        });
    }

    /// Changes the state, and wakes those who wait for what has changed when nothing is borrowed any more: who they are
    /// and what they do then is not known.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let (result, woken) = {
            let mut state = self.state.borrow_mut();
            let result = change(&mut state);
            (result, std::mem::take(&mut state.woken))
        };
        woken.into_iter().for_each(Waker::wake);
        result
    }
}
