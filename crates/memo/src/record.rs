//! What a memo knows of its operations.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use buildbook_guard::{Allowed, FileId, Guard};

use crate::edges::{Edges, Place};
use crate::execute::{Finished, Output, Request};
use crate::mix::Table;
use crate::op::{Kind, Op, OpId, Spans, Status};
use crate::tasks::Tasks;
use crate::tool::Cmd;
use crate::{Error, Feedback, Result};

/// An operation.
pub(crate) struct Record {
    pub(crate) kind: Kind,
    /// The command of a spawn, which is spelled out when it is to be shown, or at its end if it is long.
    command: Option<Arc<Cmd>>,
    files: Place,
    created: Duration,
    request: Option<Request>,
    standing: Standing,
    /// Why it failed or was given up. Most records have none, and there may be millions.
    error: Option<Box<Error>>,
    spans: Spans,
    exit: Option<i32>,
    output: Option<Arc<[u8]>>,
    /// What it gave, until that is fetched.
    result: Option<Box<Result<Output>>>,
    /// Whether anybody is going to fetch it.
    is_wanted: bool,
    waker: Option<Waker>,
}

/// How far an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Waiting,
    Executed,
    Revived,
    Failed,
}

/// An operation that is asked for.
pub(crate) struct NewOp {
    pub(crate) kind: Kind,
    pub(crate) command: Option<Arc<Cmd>>,
    pub(crate) reads: Vec<FileId>,
    pub(crate) writes: Vec<FileId>,
    /// `None`: there is nothing to do but to wait.
    pub(crate) request: Option<Request>,
}

/// Who makes a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Maker {
    /// It was there before the build.
    Declared,
    Op(OpId),
}

/// The operations of a memo, and what stands between them.
#[derive(Default)]
pub(crate) struct State {
    guard: Guard<OpId>,
    records: Vec<Record>,
    edges: Edges,
    makers: Table<FileId, Maker>,
    /// Why files will never be ready.
    causes: Table<FileId, Arc<Error>>,
    pub(crate) tasks: Tasks,
    pub(crate) failed_tasks: Vec<(String, Error)>,
    pub(crate) missing_tools: Vec<String>,
    pub(crate) never_ready: Vec<PathBuf>,
    pub(crate) cycles: Vec<Vec<OpId>>,
    /// Who is to be woken when nothing is borrowed.
    pub(crate) woken: Vec<Waker>,
    /// What is to be told when nothing is borrowed.
    pub(crate) feedback: VecDeque<Feedback>,
    /// How many operations are on threads.
    pub(crate) in_flight: usize,
    /// Whether anybody listens.
    pub(crate) is_listened_to: bool,
}

impl State {
    /// Adds an operation. It starts when its reads are ready, whether anybody waits for it or not.
    pub(crate) fn add(&mut self, new: NewOp, now: Duration) -> OpId {
        self.add_or_fail(new, now, None)
    }

    /// Adds an operation that has failed already.
    pub(crate) fn add_failed(&mut self, new: NewOp, now: Duration, error: Error) -> OpId {
        self.add_or_fail(new, now, Some(error))
    }

    fn add_or_fail(&mut self, new: NewOp, now: Duration, error: Option<Error>) -> OpId {
        let id =
            OpId(u32::try_from(self.records.len()).expect("the records of so many operations fit no memory"));
        let NewOp { kind, command, reads, writes, request } = new;
        let taken = writes.iter().find_map(|file| Some((*file, *self.makers.get(file)?)));
        for file in &writes {
            self.makers.entry(*file).or_insert(Maker::Op(id));
        }
        if taken.is_none() && error.is_none() {
            self.guard.add(id, &reads, &writes);
        }
        let files = self.edges.add(&reads, &writes);
        self.records.push(Record {
            kind,
            command,
            files,
            created: now,
            request,
            standing: Standing::Waiting,
            error: None,
            spans: Spans::default(),
            exit: None,
            output: None,
            result: None,
            is_wanted: true,
            waker: None,
        });
        if let Some((file, maker)) = taken {
            let path = self.guard.path(file).to_owned();
            let by = match maker {
                Maker::Declared => "it was declared ready".to_owned(),
                Maker::Op(other) => self.label(other),
            };
            self.end(id, Err(Error::WrittenBefore { path, by }));
        } else if let Some(error) = error {
            self.end(id, Err(error));
        }
        id
    }

    /// The number of a file.
    pub(crate) fn file(&mut self, path: &Path) -> FileId {
        self.guard.file(path)
    }

    /// Declares a file ready that no operation makes.
    pub(crate) fn declare_ready(&mut self, path: &Path, is_again_fine: bool) {
        let file = self.guard.file(path);
        match self.makers.get(&file) {
            Some(Maker::Op(_)) => self.tell(|| Feedback::ReadyAndWritten { path: path.to_owned() }),
            Some(Maker::Declared) if is_again_fine => {}
            _ => {
                self.makers.insert(file, Maker::Declared);
                self.set_ready(file);
            }
        }
    }

    /// The operation that makes a file, if any does.
    pub(crate) fn maker_of(&self, path: &Path) -> Option<OpId> {
        match self.makers.get(&self.guard.find(path)?)? {
            Maker::Op(id) => Some(*id),
            Maker::Declared => None,
        }
    }

    /// The next operation that can start. Those that nothing has to be done for end here, and those that can never
    /// start as well.
    pub(crate) fn next(&mut self) -> Option<(OpId, Request)> {
        while let Some(allowed) = self.guard.allowed() {
            match allowed {
                Allowed::Ready(id) => {
                    if let Some(request) = self.record_mut(id).request.take() {
                        return Some((id, request));
                    } else {
                        self.end(id, Ok(Output::Nothing));
                    }
                }
                Allowed::Aborted { op, never } => {
                    let path = self.guard.path(never).to_owned();
                    let source = match self.causes.get(&never) {
                        Some(cause) => Arc::clone(cause),
                        None => Arc::new(Error::NeverReady { path: path.clone() }),
                    };
                    self.end(op, Err(Error::Aborted { path, source }));
                }
            }
        }
        None
    }

    /// Takes note of what became of an operation on a thread.
    pub(crate) fn finish(&mut self, id: OpId, finished: Finished) {
        drop(finished.spent);
        let record = self.record_mut(id);
        record.spans = finished.spans;
        for error in finished.problems {
            if self.is_listened_to {
                let op = self.op(id);
                self.feedback.push_back(Feedback::OpCacheProblem { op, error });
            }
        }
        self.end_as(id, finished.result, finished.is_revived);
    }

    fn end(&mut self, id: OpId, result: Result<Output>) {
        self.end_as(id, result, false);
    }

    /// Ends an operation: decides its files, tells about it, and wakes who waits for it.
    fn end_as(&mut self, id: OpId, result: Result<Output>, is_revived: bool) {
        let record = self.record_mut(id);
        record.request = None;
        if let Some(abridged) = record.command.as_deref().and_then(Cmd::abridged) {
            record.command = Some(Arc::new(abridged));
        }
        record.standing = match &result {
            Ok(_) if is_revived => Standing::Revived,
            Ok(_) => Standing::Executed,
            Err(_) => Standing::Failed,
        };
        record.error = result.as_ref().err().cloned().map(Box::new);
        match &result {
            Ok(Output::Exit { code, output }) => {
                record.exit = Some(*code);
                record.output = Some(Arc::clone(output));
            }
            Err(Error::Exit { output, .. }) => record.output = Some(Arc::clone(output)),
            _ => {}
        }
        let cause = result.as_ref().err().map(|error| Arc::new(error.root().clone()));
        if record.is_wanted {
            record.result = Some(Box::new(result));
        }
        let waker = record.waker.take();
        let files = record.files;
        let mut ended = 0;
        while let Some(file) = self.edges.writes(files).get(ended).copied() {
            ended += 1;
            if self.makers.get(&file) != Some(&Maker::Op(id)) {
                continue;
            }
            match &cause {
                None => self.set_ready(file),
                Some(cause) => self.set_never(file, Arc::clone(cause)),
            }
        }
        if self.is_listened_to {
            let op = self.op(id);
            self.feedback.push_back(Feedback::OpComplete { op });
        }
        self.woken.extend(waker);
    }

    fn set_ready(&mut self, file: FileId) {
        if let Err(problem) = self.guard.set_file_ready(file) {
            self.tell(|| Feedback::FileStatus { problem });
        }
    }

    fn set_never(&mut self, file: FileId, cause: Arc<Error>) {
        if self.causes.insert(file, cause).is_some() {
            // It was given up with the circle that it is in.
            return;
        }
        if let Err(problem) = self.guard.set_file_never(file) {
            self.tell(|| Feedback::FileStatus { problem });
        }
    }

    pub(crate) fn tell(&mut self, feedback: impl FnOnce() -> Feedback) {
        if self.is_listened_to {
            self.feedback.push_back(feedback());
        }
    }

    /// Fetches what an operation gave, if it has ended; otherwise it wakes the waker when it does.
    pub(crate) fn fetch(&mut self, id: OpId, waker: &Waker) -> Option<(Result<Output>, bool)> {
        let record = self.record_mut(id);
        match record.result.take() {
            Some(result) => {
                record.is_wanted = false;
                Some((*result, record.standing == Standing::Revived))
            }
            None => {
                record.waker = Some(waker.clone());
                None
            }
        }
    }

    /// Says that nobody is going to fetch what an operation gives.
    pub(crate) fn forget(&mut self, id: OpId) -> Option<Box<Result<Output>>> {
        let record = self.record_mut(id);
        record.is_wanted = false;
        record.waker = None;
        record.result.take()
    }

    /// The files that operations wait for and nobody makes, and the circles in which operations wait.
    pub(crate) fn stuck(&self) -> (Vec<FileId>, Vec<Vec<OpId>>) {
        if self.guard.guarded_ops().is_empty() {
            return (Vec::new(), Vec::new());
        }
        let circles = self.guard.cycles().into_iter().map(|circle| circle.into_iter().copied().collect());
        (self.guard.root_undecided_files(), circles.collect())
    }

    /// Gives up a file that nobody makes.
    pub(crate) fn give_up(&mut self, file: FileId, cause: Error) {
        self.set_never(file, Arc::new(cause));
    }

    /// Gives up the operations of a circle: the files by which they wait for each other will never be.
    pub(crate) fn break_circle(&mut self, members: &[OpId]) {
        let labels: Vec<String> = members.iter().map(|id| self.label(*id)).collect();
        let cause = Arc::new(Error::InCycle { members: labels });
        let files: Vec<FileId> = members.iter().flat_map(|id| self.writes(*id).to_vec()).collect();
        for file in files {
            self.set_never(file, Arc::clone(&cause));
        }
    }

    pub(crate) fn path(&self, file: FileId) -> &Path {
        self.guard.path(file)
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = OpId> + use<> {
        (0..u32::try_from(self.records.len()).unwrap_or(u32::MAX)).map(OpId)
    }

    pub(crate) fn status(&self, id: OpId) -> Status {
        let record = self.record(id);
        match (record.standing, record.error.as_deref()) {
            (Standing::Executed, _) => Status::Executed,
            (Standing::Revived, _) => Status::Revived,
            (Standing::Failed, Some(error @ Error::Aborted { .. })) => Status::Aborted(error.clone()),
            (Standing::Failed, Some(error)) => Status::Failed(error.clone()),
            (Standing::Waiting | Standing::Failed, _) => Status::Waiting,
        }
    }

    pub(crate) fn kind(&self, id: OpId) -> Kind {
        self.record(id).kind
    }

    pub(crate) fn label(&self, id: OpId) -> String {
        let record = self.record(id);
        if let Some(command) = &record.command {
            return command.to_string();
        }
        let file = self.writes(id).first().or(self.edges.reads(record.files).first());
        match file {
            Some(file) => format!("{} {}", record.kind, self.guard.path(*file).display()),
            None => record.kind.to_string(),
        }
    }

    /// An operation, as it is shown.
    pub(crate) fn op(&self, id: OpId) -> Op {
        let record = self.record(id);
        let paths = |files: &[FileId]| files.iter().map(|file| self.guard.path(*file).to_owned()).collect();
        Op {
            id,
            kind: record.kind,
            label: self.label(id),
            reads: paths(self.edges.reads(record.files)),
            writes: paths(self.edges.writes(record.files)),
            status: self.status(id),
            created: record.created,
            spans: record.spans.list(),
            exit: record.exit,
            output: record.output.clone().unwrap_or_else(|| Arc::from([])),
        }
    }

    fn writes(&self, id: OpId) -> &[FileId] {
        self.edges.writes(self.record(id).files)
    }

    fn record(&self, id: OpId) -> &Record {
        self.records.get(id.index()).expect("a number is given out with its record, and records stay")
    }

    fn record_mut(&mut self, id: OpId) -> &mut Record {
        self.records.get_mut(id.index()).expect("a number is given out with its record, and records stay")
    }
}
