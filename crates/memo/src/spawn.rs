//! Asking for a process.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsString;
use std::future::IntoFuture;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use buildbook_guard::FileId;

use crate::Error;
use crate::execute::{Manner, Request, SpawnRequest, Success};
use crate::handle::Handle;
use crate::op::Kind;
use crate::record::NewOp;
use crate::running::{Exit, Running};
use crate::settings::absolute;
use crate::tool::Cmd;
use crate::used::Named;

/// Where an output of a process goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Redirect {
    /// To where the build shows it: it is kept, and told when the operation is complete.
    #[default]
    Ui,
    /// Into a file, which is one of the writes then.
    File(PathBuf),
    /// Both.
    Tee(PathBuf),
    /// Nowhere.
    Discard,
}

impl Redirect {
    /// Into a file, which is one of the writes then.
    pub fn file(path: impl Into<PathBuf>) -> Redirect {
        Redirect::File(path.into())
    }

    /// To where the build shows it and into a file, which is one of the writes then.
    pub fn tee(path: impl Into<PathBuf>) -> Redirect {
        Redirect::Tee(path.into())
    }

    pub(crate) fn word(&self) -> &'static str {
        match self {
            Redirect::Ui => "ui",
            Redirect::File(_) => "file",
            Redirect::Tee(_) => "tee",
            Redirect::Discard => "discard",
        }
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Redirect::File(path) | Redirect::Tee(path) => Some(path),
            Redirect::Ui | Redirect::Discard => None,
        }
    }

    fn absolute(self, cwd: &Path) -> Redirect {
        match self {
            Redirect::File(path) => Redirect::File(absolute(cwd, &path)),
            Redirect::Tee(path) => Redirect::Tee(absolute(cwd, &path)),
            other => other,
        }
    }
}

/// A process that is asked for; see [`Handle::spawn`]. Relative paths start at the working folder of the memo, also
/// when the process has another.
#[derive(Debug)]
#[must_use = "nothing runs before it is started or awaited"]
pub struct Spawn {
    memo: Handle,
    cmd: Cmd,
    reads: Vec<Named>,
    writes: Vec<Named>,
    env: BTreeMap<OsString, OsString>,
    manner: Option<Box<Manner>>,
}

impl Spawn {
    pub(crate) fn new(memo: Handle, cmd: Cmd) -> Spawn {
        Spawn { memo, cmd, reads: Vec::new(), writes: Vec::new(), env: BTreeMap::new(), manner: None }
    }

    fn manner(&mut self) -> &mut Manner {
        self.manner.get_or_insert_with(|| Box::new(Manner::usual()))
    }

    /// Adds files that the process reads: it runs when all are ready, and their names, rights and contents are in the
    /// key. The tool and the standard input need not be named.
    pub fn reads(mut self, paths: impl IntoIterator<Item = impl AsRef<Path>>) -> Spawn {
        self.memo.name(paths, &mut self.reads);
        self
    }

    /// Adds files that the process promises to write. What is there of them is removed before it runs; their folders
    /// are made. If one is not a regular file afterwards, the operation fails.
    pub fn writes(mut self, paths: impl IntoIterator<Item = impl AsRef<Path>>) -> Spawn {
        self.memo.name(paths, &mut self.writes);
        self
    }

    /// Sets a variable that the process sees, declared by its tool or not. It is in the key, unless the tool declares
    /// it to be shielded. Only what [`Env::forced`](crate::Env::forced) sets is stronger.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Spawn {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Sets the working folder, which is that of the memo otherwise. It must be there when the process starts.
    pub fn cwd(mut self, folder: impl AsRef<Path>) -> Spawn {
        self.manner().cwd = Some(self.memo.absolute(folder.as_ref()));
        self
    }

    /// Sets the file that the process has as its standard input, which is one of its reads then. Otherwise it has an
    /// empty one, never that of the build.
    pub fn stdin(mut self, path: impl AsRef<Path>) -> Spawn {
        self.manner().stdin = Some(self.memo.named(path.as_ref()));
        self
    }

    /// Sets where the standard output goes.
    pub fn stdout(mut self, redirect: Redirect) -> Spawn {
        self.manner().stdout = redirect.absolute(self.memo.cwd());
        self
    }

    /// Sets where the standard error goes. If it is redirected as the standard output is, the two are mixed as they
    /// come. That one goes into a file alone and the other also to the build, while it is the same file, is an error.
    pub fn stderr(mut self, redirect: Redirect) -> Spawn {
        self.manner().stderr = redirect.absolute(self.memo.cwd());
        self
    }

    /// Sets the exit codes that mean success; it is 0 alone otherwise. No codes mean that nothing is a success; see
    /// [`Spawn::any_exit`] for the contrary.
    pub fn success_exits(mut self, codes: impl IntoIterator<Item = i32>) -> Spawn {
        self.manner().success = Success::Codes(codes.into_iter().collect());
        self
    }

    /// Takes every exit code for success. A process that a signal ends fails all the same.
    pub fn any_exit(mut self) -> Spawn {
        self.manner().success = Success::Any;
        self
    }

    /// Puts something into the key that the process depends on and that shows nowhere else, such as the version of a
    /// tool that consists of more than its own file.
    pub fn stamp(mut self, stamp: impl Into<Vec<u8>>) -> Spawn {
        self.manner().stamp = stamp.into();
        self
    }

    /// Sets how long the process may run. When its time is up, its group is asked to end (SIGTERM) and killed two
    /// seconds later, and the operation fails with [`Ended::TimedOut`](crate::Ended::TimedOut). This is not in the key.
    pub fn timeout(mut self, limit: Duration) -> Spawn {
        self.manner().limit = Some(limit);
        self
    }

    /// Asks for it. It runs as soon as its reads are ready, whether the result is awaited or not.
    pub fn start(self) -> Running<Exit> {
        let Spawn { memo, cmd, mut reads, mut writes, env, manner } = self;
        let Manner { stdin, stdout, stderr, .. } = Manner::or_usual(manner.as_deref());
        writes.extend(
            [stdout, stderr].into_iter().filter_map(|redirect| redirect.path().map(|path| memo.named(path))),
        );
        let mut waits_for = keep_first(&mut reads);
        let promises = keep_first(&mut writes);
        let command = Arc::new(cmd);
        let tool = &command.tool;
        let program = tool.found.as_deref().map(|path| memo.file(path));
        waits_for.extend(stdin.iter().map(|file| file.id).chain(program));
        let op = NewOp {
            kind: Kind::Spawn,
            command: Some(Arc::clone(&command)),
            reads: waits_for,
            writes: promises,
            request: None,
        };
        let Some(program) = program else {
            let name = tool.tool.to_string();
            memo.miss_tool(&name);
            let id = memo.submit_failed(op, Error::MissingTool { tool: name });
            return memo.running(id);
        };
        if let (Some(path), Some(other)) = (stdout.path(), stderr.path())
            && path == other
            && stdout != stderr
        {
            let by = "the other output of the process".to_owned();
            let error = Error::WrittenBefore { path: path.to_owned(), by };
            let id = memo.submit_failed(op, error);
            return memo.running(id);
        }
        let env = (!env.is_empty())
            .then(|| Box::new(memo.env().for_tool(&tool.tool.relevant, &tool.tool.shielded, &env)));
        let request = Request::Spawn(Box::new(SpawnRequest { command, program, env, manner, reads, writes }));
        let id = memo.submit(NewOp { request: Some(request), ..op });
        memo.running(id)
    }
}

impl IntoFuture for Spawn {
    type Output = crate::Result<Exit>;
    type IntoFuture = Running<Exit>;

    fn into_future(self) -> Running<Exit> {
        self.start()
    }
}

/// Removes what was named before, and gives the numbers of the files, with room for those of a tool and of an input.
pub(crate) fn keep_first(files: &mut Vec<Named>) -> Vec<FileId> {
    let numbers = |files: &[Named]| {
        let mut numbers = Vec::with_capacity(files.len() + 2);
        numbers.extend(files.iter().map(|file| file.id));
        numbers
    };
    let mut found = numbers(files);
    if files.len() > 1 {
        found.sort_unstable();
        if found.array_windows().any(|[one, next]| one == next) {
            let mut seen = HashSet::with_capacity(files.len());
            files.retain(|file| seen.insert(file.id));
        }
        found = numbers(files);
    }
    found
}
