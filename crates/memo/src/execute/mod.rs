//! What happens on threads: files, processes, the cache.

mod copy;
mod files;
mod groups;
mod mailbox;
mod pool;
mod process;
mod spawn;
mod write;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cache::{Blob, Cache, Entry, Found, Restored, is_there};
use crate::contents::{Content, Contents, KnownFiles};
use crate::error::panic_message;
use crate::key::{Key, KeyBuilder, Names};
use crate::op::{Activity, OpId, Span, Spans};
use crate::settings::Settings;
use crate::shared_cache::SharedCache;
use crate::tasks::TaskId;
use crate::used::Named;
use crate::{Error, Result};

pub(crate) use copy::CopyRequest;
pub use groups::CancelHandle;
pub(crate) use groups::Groups;
pub(crate) use mailbox::Mailbox;
pub(crate) use pool::{Haste, Pool};
pub(crate) use spawn::{Manner, SpawnRequest, Success};
pub(crate) use write::{WriteRequest, WriteSource};

/// Work with files that took so long is told of at once: what the thread does next may take as long.
const LONG: Duration = Duration::from_millis(4);

/// What the thread of a memo is told.
#[derive(Debug)]
pub(crate) enum Event {
    /// A task can go on.
    Wake(TaskId),
    /// An operation has come to its end.
    Done(OpId, Box<Finished>),
    /// The build was cancelled.
    Cancelled,
}

/// What an operation is to do.
#[derive(Debug)]
pub(crate) enum Request {
    Spawn(Box<SpawnRequest>),
    Write(Box<WriteRequest>),
    Copy(Box<CopyRequest>),
    Read(Named),
    Mkdir { folder: PathBuf },
}

/// What became of an operation.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) result: Result<Output>,
    /// Nothing ran: the result was in the cache, or in place.
    pub(crate) is_revived: bool,
    pub(crate) spans: Spans,
    /// What went wrong with the cache. The result stands all the same.
    pub(crate) problems: Vec<Error>,
    /// What it was asked for. Memory is given back most quickly by the thread that took it.
    pub(crate) spent: Option<Box<SpawnRequest>>,
}

/// What an operation gives to who waits for it.
#[derive(Debug, Clone)]
pub(crate) enum Output {
    Nothing,
    Bytes(Vec<u8>),
    Exit { code: i32, output: Arc<[u8]> },
}

/// What all threads share.
pub(crate) struct Shared {
    pub(crate) cwd: PathBuf,
    pub(crate) names: Names,
    pub(crate) cache: Arc<Cache>,
    pub(crate) known: Arc<KnownFiles>,
    /// Whether other memos use them as well. Who owns them sees to their end then.
    pub(crate) is_cache_shared: bool,
    pub(crate) contents: Contents,
    pub(crate) groups: Arc<Groups>,
    pub(crate) files: Pool,
    pub(crate) processes: Pool,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) start: Instant,
}

/// An operation at work.
struct Work {
    shared: Arc<Shared>,
    op: OpId,
    spans: Spans,
    problems: Vec<Error>,
    spent: Option<Box<SpawnRequest>>,
}

impl Shared {
    pub(crate) fn new(
        settings: &Settings,
        cache: SharedCache,
        is_cache_shared: bool,
        mailbox: &Arc<Mailbox>,
    ) -> Shared {
        let SharedCache { cache, known } = cache;
        Shared {
            cwd: settings.cwd.clone(),
            names: Names { home: settings.cwd.clone(), relocatable: settings.relocatable },
            cache,
            contents: Contents::new(settings.clock, settings.cwd.clone(), Arc::clone(&known)),
            known,
            is_cache_shared,
            groups: Arc::default(),
            files: Pool::new("memo-files", settings.file_threads.get(), Haste::Soon, Arc::clone(mailbox)),
            processes: Pool::new("memo-process", settings.max_spawn.get(), Haste::Now, Arc::clone(mailbox)),
            mailbox: Arc::clone(mailbox),
            start: Instant::now(),
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}

/// Starts an operation whose reads are ready. Its end is told as an [`Event::Done`], exactly once.
pub(crate) fn start(shared: &Arc<Shared>, op: OpId, request: Request) {
    let spans = Spans::default();
    let work = Work { shared: Arc::clone(shared), op, spans, problems: Vec::new(), spent: None };
    work.submit(shared, Activity::Files, Task::Start(request));
}

/// What an operation is going to do on a thread.
enum Task {
    Start(Request),
    Run(Box<spawn::Prepared>),
}

impl Task {
    fn work(self, work: &mut Work) -> Step {
        match self {
            Task::Start(Request::Spawn(request)) => spawn::prepare(work, request),
            Task::Start(Request::Write(request)) => Step::Done(write::write(work, *request)),
            Task::Start(Request::Copy(request)) => Step::Done(copy::copy(work, &request)),
            Task::Start(Request::Read(file)) => Step::Done(files::read(work, &file)),
            Task::Start(Request::Mkdir { folder }) => Step::Done(files::make_folder(&folder)),
            Task::Run(prepared) => Step::Done(spawn::run(work, &prepared)),
        }
    }
}

/// What comes next for an operation.
enum Step {
    Done(Result<(Output, bool)>),
    /// A process is to run.
    Run(Box<spawn::Prepared>),
}

impl Work {
    /// Has something done on another thread. Whatever happens there, the operation comes to an end. The caller has hold
    /// of what all share, which all threads count at the same time: once for each operation is enough.
    fn submit(mut self, shared: &Shared, activity: Activity, task: Task) {
        let op = self.op;
        let pool = match activity {
            Activity::Files => &shared.files,
            Activity::Process => &shared.processes,
        };
        let submitted = pool.submit(Box::new(move |slot| {
            let start = self.shared.elapsed();
            self.shared.known.start_with(|| {
                // If this fails, every operation that needs a staging area says why.
                let _ = self.shared.cache.clean();
                self.shared.cache.recall()
            });
            let step = if self.shared.groups.is_cancelled() {
                Step::Done(Err(Error::Cancelled))
            } else {
                catch_unwind(AssertUnwindSafe(|| task.work(&mut self))).unwrap_or_else(|payload| {
                    Step::Done(Err(Error::Panicked { message: panic_message(&*payload) }))
                })
            };
            let end = self.shared.elapsed();
            self.spans.push(Span { activity, slot, start, end });
            match step {
                Step::Done(done) => {
                    let is_urgent = activity == Activity::Process || end.saturating_sub(start) >= LONG;
                    self.finish(done, is_urgent);
                }
                Step::Run(prepared) => {
                    let shared = Arc::clone(&self.shared);
                    self.submit(&shared, Activity::Process, Task::Run(prepared));
                }
            }
        }));
        if let Err(error) = submitted {
            let error = Error::io("start a thread for", &shared.cwd)(error);
            let finished = Finished {
                result: Err(error),
                is_revived: false,
                spans: Spans::default(),
                problems: Vec::new(),
                spent: None,
            };
            shared.mailbox.post(Event::Done(op, Box::new(finished)));
        }
    }

    fn finish(self, done: Result<(Output, bool)>, is_urgent: bool) {
        let (result, is_revived) = match done {
            Ok((output, is_revived)) => (Ok(output), is_revived),
            Err(error) => (Err(error), false),
        };
        let Work { shared, op, spans, problems, spent } = self;
        let finished = Finished { result, is_revived, spans, problems, spent };
        let event = Event::Done(op, Box::new(finished));
        if is_urgent {
            shared.mailbox.post(event);
        } else {
            // The thread has more to do, or tells that it has not.
            shared.mailbox.post_quietly(event);
        }
    }

    /// What the reads of an operation contain. All that are missing are named.
    fn contents_of(&self, reads: &[Named]) -> Result<Vec<Content>> {
        let mut contents = Vec::with_capacity(reads.len());
        let mut missing = Vec::new();
        for (read, content) in reads.iter().zip(self.shared.contents.uses_of(reads)) {
            match content {
                Ok(content) => contents.push(content),
                Err(error) if error.is_not_found() => missing.push(read.path.clone()),
                Err(error) => return Err(error),
            }
        }
        if missing.is_empty() { Ok(contents) } else { Err(Error::ReadsMissing { paths: missing }) }
    }

    /// Fails if a read is not any more what it was.
    fn check_reads<'a>(&self, reads: impl IntoIterator<Item = (&'a Named, &'a Content)>) -> Result<()> {
        let changed = reads.into_iter().filter(|(read, before)| !self.shared.contents.is_still(read, before));
        let paths: Vec<PathBuf> = changed.map(|(read, _)| read.path.clone()).collect();
        if paths.is_empty() { Ok(()) } else { Err(Error::ReadsChanged { paths }) }
    }

    /// What the cache has for a key, if every file that it should write could be put into its place. Anything else is
    /// as if the cache had nothing.
    fn revive(&mut self, key: &Key, writes: &[Named]) -> Option<(Entry, Option<Vec<u8>>)> {
        self.try_revive(key, writes).unwrap_or_else(|error| {
            self.problems.push(error);
            None
        })
    }

    fn try_revive(&mut self, key: &Key, writes: &[Named]) -> Result<Option<(Entry, Option<Vec<u8>>)>> {
        if let Some(entry) = self.look_around(key, writes)? {
            return Ok(Some((entry, None)));
        }
        let cache = &self.shared.cache;
        let entry = match cache.find(key)? {
            Found::Nothing => return Ok(None),
            Found::Damaged(path) => return Err(Error::Damaged { path }),
            Found::Entry(entry) => entry,
        };
        let output = match &entry.output {
            None => None,
            Some(blob) => match cache.load(blob)? {
                Some(output) => Some(output),
                None => return self.drop_damaged(key, PathBuf::from(blob.digest.to_string())),
            },
        };
        if entry.writes.len() != writes.len() {
            return self.drop_damaged(key, PathBuf::from(key.to_string()));
        }
        let mut placed = Vec::with_capacity(writes.len());
        for (blob, file) in entry.writes.iter().zip(writes) {
            match cache.restore(blob, &file.path, &self.shared.contents)? {
                Restored::Placed(content) | Restored::WasThere(content) => placed.push((file, content)),
                Restored::Damaged(object) => return self.drop_damaged(key, object),
            }
        }
        // Not before all are in their places: else the operation runs, and may write something else.
        for (file, content) in placed {
            self.shared.contents.note_sight(file, content)?;
        }
        Ok(Some((entry, output)))
    }

    /// What an operation gave, if that was found lately and all of it is in its place: nothing has to be taken out of the
    /// cache then, and nothing in there is looked at. An operation that wrote no file has left nothing to look at.
    fn look_around(&self, key: &Key, writes: &[Named]) -> Result<Option<Entry>> {
        let contents = &self.shared.contents;
        let is_enough = |entry: &Entry| {
            entry.output.is_none() && !writes.is_empty() && entry.writes.len() == writes.len()
        };
        let Some(entry) = self.shared.cache.recollect(key).filter(is_enough) else { return Ok(None) };
        let looks = entry.writes.iter().zip(writes).map(|(blob, file)| is_there(blob, &file.path, contents));
        let Some(seen) = looks.collect::<Option<Vec<Content>>>() else { return Ok(None) };
        for (file, content) in writes.iter().zip(seen) {
            contents.note_sight(file, content)?;
        }
        Ok(Some(entry))
    }

    fn drop_damaged<T>(&self, key: &Key, path: PathBuf) -> Result<T> {
        self.shared.cache.drop_entry(key)?;
        Err(Error::Damaged { path })
    }

    /// Puts what an operation gave into the cache. If that fails, the operation runs again next time.
    fn record(&mut self, key: &Key, entry: &Entry) {
        if let Err(error) = self.shared.cache.enter(key, entry) {
            self.problems.push(error);
        }
    }
}

/// Adds the contents of reads to a key, with their names and rights.
fn add_reads(key: &mut KeyBuilder, names: &Names, reads: &[Named], contents: &[Content]) {
    key.count("reads", reads.len());
    for (read, content) in reads.iter().zip(contents) {
        names.add(key, "read", &read.path);
        key.digest("content", &content.digest);
        key.number("mode", u64::from(content.mode));
    }
}

/// What a file that was written is, as a payload.
fn blob_of(content: &Content) -> Blob {
    Blob { digest: content.digest, bytes: content.identity.size, mode: content.mode }
}

/// Removes a file that is to be written anew.
fn remove_old(path: &Path) -> Result<()> {
    match buildbook_fsio::op::unlink(path) {
        Err(error) if error.is_not_found() => Ok(()),
        other => Ok(other?),
    }
}
