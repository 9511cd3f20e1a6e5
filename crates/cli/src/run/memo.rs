//! Taking what a command makes from a cache, where it was put when the command ran in this or another book.
//!
//! A target that declares its outputs is a function of what is in its [`Question`]: its hash (platform, name, command,
//! environment, dependencies, declared inputs with their contents, outputs), the program and the search path, and the
//! contents of the layers below it. It sees no variable beyond these, but for the places of the plan and of its
//! dependencies. The answer is a list of what was in its folder and of what it printed; that and each file are
//! operations of `buildbook-memo`, which verifies what it takes out of the cache. The command itself is run by the
//! batch, as every other.
//!
//! A file's operation is named by the file's contents, and only the list by the question: two batches that ask the same at
//! the same time each put down a whole answer, and files of one are never mixed with files of the other.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::num::NonZero;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use buildbook::fsio;
use buildbook::layout::{LayerTree, PlatformTree};
use buildbook::memo::{Digest, Durability, Error, Feedback, Memo, Settings, SharedCache, Status, fail};
use serde::{Deserialize, Serialize};

use super::listing::{self, Item};
use crate::digest::Fields;
use crate::plan::{Plan, Target};

/// Changes when the meaning of a question or the form of an answer does.
const VERSION: &str = "buildbook run 1";

/// The name that an answer has while it is read or written, in the folder of the layer.
const ANSWER: &str = "memo.json";

/// The longest answer that is read, in bytes.
const LIMIT: u64 = 1 << 30;

/// How many answers of one question are tried. There is a second one if the first could not be taken out and is not at
/// fault itself; one that is at fault is dropped, and its place is free.
const ANSWERS: u64 = 8;

/// A cache of what commands made.
pub(super) struct Memos {
    /// For all targets, so that what earlier batches remembered is read once.
    cache: SharedCache,
    /// Where programs are looked for, unless a target has a path of its own.
    path: Option<OsString>,
    /// What is in the layers that were asked for; an error is why that cannot be told.
    layers: Mutex<HashMap<usize, Result<[u8; 32], String>>>,
}

/// All that the result of a target depends on.
pub(super) struct Question<'a> {
    memos: &'a Memos,
    digest: [u8; 32],
    /// The program; its contents are part of the question.
    program: PathBuf,
    /// Which answer is to be put down, if one is.
    free: Option<u64>,
}

/// Why nothing was taken out of the cache.
enum Fault {
    /// The answer is no good, and is not going to be.
    Answer(String),
    /// Something else, which may be over the next time.
    Other(String),
}

/// What a command made.
#[derive(Serialize, Deserialize)]
struct Answer {
    log: Log,
    files: Vec<Item>,
}

#[derive(Serialize, Deserialize)]
struct Log {
    mode: u32,
    sha256: String,
}

impl Memos {
    pub(super) fn new(cache: PathBuf, path: Option<OsString>) -> Memos {
        let cache = SharedCache::new(&settings(&cache).cache(&cache));
        Memos { cache, path, layers: Mutex::default() }
    }

    /// What a target's result depends on. An error says why it cannot be told. `None` if the target declares no
    /// outputs, or has no program, which is not a question of this kind.
    pub(super) fn question(
        &self,
        plan: &Plan,
        tree: &PlatformTree,
        target: &Target,
    ) -> Result<Option<Question<'_>>, String> {
        if target.outputs.is_empty() {
            return Ok(None);
        }
        let path = target.env.get("PATH").map(OsStr::new).or(self.path.as_deref());
        let Some(program) = target.command.first().and_then(|name| look_up(name, path)) else {
            return Ok(None);
        };
        let mut fields = Fields::new(VERSION);
        fields.field(target.hash.as_str());
        match path {
            None => fields.list([""; 0]),
            Some(path) => fields.list([path.as_encoded_bytes()]),
        }
        for position in all_below(plan, target) {
            let Some(dep) = plan.targets.get(position) else { continue };
            fields.field(dep.hash.as_str());
            let contents = self.layer(tree, position, dep);
            fields.field(contents.map_err(|reason| format!("of {} below it, {reason}", dep.package))?);
        }
        Ok(Some(Question { memos: self, digest: fields.finish(), program, free: None }))
    }

    /// What is in a layer. It has its name, and nobody changes it any more.
    fn layer(&self, tree: &PlatformTree, position: usize, target: &Target) -> Result<[u8; 32], String> {
        let known = self.layers.lock().unwrap_or_else(PoisonError::into_inner).get(&position).cloned();
        known.unwrap_or_else(|| {
            let digest = listing::of(&tree.layer(&target.hash.layer()).files()).map(|items| {
                *Digest::of(&serde_json::to_vec(&items).expect("words and numbers have a JSON form"))
                    .as_bytes()
            });
            self.layers.lock().unwrap_or_else(PoisonError::into_inner).insert(position, digest.clone());
            digest
        })
    }
}

impl Drop for Memos {
    /// Leaves what was learned to later batches. This is the last thing that a batch does, however it ended: others may
    /// be in the way, and its run is not to wait for them.
    fn drop(&mut self) {
        if let Err(error) = self.cache.finish() {
            crate::output::say(&format!("buildbook: memo: {}", fsio::explained(&error)));
        }
    }
}

impl Question<'_> {
    /// Puts into an empty layer what the command made before. `false` if that is not known; the layer is empty then.
    /// What is wrong with the cache is told.
    pub(super) fn revive(&mut self, staging: &LayerTree, tell: &dyn Fn(&str)) -> fsio::Result<bool> {
        for number in 0..ANSWERS {
            let mut session = Session::start(self, staging);
            let result = session.look_up(number).and_then(|found| match found {
                Some(answer) => session.make(&answer).map(|()| true),
                None => Ok(false),
            });
            session.end(tell);
            match result {
                Ok(true) => return Ok(true),
                Ok(false) => {
                    self.free = Some(number);
                    return Ok(false);
                }
                Err(Fault::Other(reason)) => {
                    tell(&format!("not taken from the memo: {reason}"));
                    empty(staging)?;
                }
                Err(Fault::Answer(reason)) => {
                    tell(&format!("not taken from the memo: {reason}"));
                    empty(staging)?;
                    if self.forget(number, staging, tell) {
                        self.free = Some(number);
                        return Ok(false);
                    }
                }
            }
        }
        Ok(false)
    }

    /// Keeps what the command has made. If that fails, it is told, and the command runs again the next time.
    pub(super) fn keep(&self, staging: &LayerTree, tell: &dyn Fn(&str)) {
        let Some(number) = self.free else { return };
        let mut session = Session::start(self, staging);
        let result = session.keep(number);
        session.end(tell);
        if let Err(reason) = result {
            tell(&format!("not kept for the memo: {reason}"));
        }
    }

    /// Drops an answer. `false` if it could not be dropped.
    fn forget(&self, number: u64, staging: &LayerTree, tell: &dyn Fn(&str)) -> bool {
        let mut session = Session::start(self, staging);
        session.memo.file_ready(&self.program);
        drop(session.memo.forget(ANSWER, self.salt(number)).reads([&self.program]).start());
        let settled = session.settle();
        session.end(tell);
        settled.is_ok()
    }

    fn salt(&self, number: u64) -> Vec<u8> {
        let mut fields = Fields::new("answer");
        fields.field(self.digest);
        fields.field(number.to_le_bytes());
        fields.finish().to_vec()
    }
}

/// One dealing with the cache. Paths in it start at the layer, wherever that is.
struct Session<'a> {
    question: &'a Question<'a>,
    staging: &'a LayerTree,
    memo: Memo,
    problems: Rc<RefCell<BTreeSet<String>>>,
}

impl<'a> Session<'a> {
    fn start(question: &'a Question<'a>, staging: &'a LayerTree) -> Session<'a> {
        let settings = settings(staging.path()).file_threads(NonZero::<usize>::MIN).relocatable(true);
        let mut memo = Memo::sharing(settings, &question.memos.cache);
        let problems = Rc::new(RefCell::new(BTreeSet::new()));
        let listener = Rc::clone(&problems);
        memo.on_feedback(move |feedback| {
            if let Feedback::OpCacheProblem { error, .. } = feedback {
                listener.borrow_mut().insert(fsio::explained(error));
            }
        });
        Session { question, staging, memo, problems }
    }

    /// Looks for an answer.
    fn look_up(&mut self, number: u64) -> Result<Option<Answer>, Fault> {
        self.ask(number, || Err(fail("nothing is known")));
        match self.settle() {
            Ok(()) => {}
            // One that was damaged is gone now, and its place is free.
            Err(Error::Failed { .. }) => return Ok(None),
            Err(error) => {
                self.problems.borrow_mut().insert(fsio::explained(&error));
                return Ok(None);
            }
        }
        let path = self.staging.path().join(ANSWER);
        let bytes = fsio::read_file(&path, LIMIT).map_err(|error| Fault::Other(fsio::explained(&error)))?;
        fsio::op::unlink(&path).map_err(|error| Fault::Other(fsio::explained(&error)))?;
        let answer: Answer = serde_json::from_slice(&bytes.unwrap_or_default())
            .map_err(|error| Fault::Answer(format!("an answer cannot be read: {error}")))?;
        if listing::is_sound(&answer.files) {
            Ok(Some(answer))
        } else {
            Err(Fault::Answer("an answer leads outside".to_owned()))
        }
    }

    /// Makes everything that is in an answer.
    fn make(&mut self, answer: &Answer) -> Result<(), Fault> {
        let files = self.staging.files();
        listing::make_folders(&answer.files, &files)
            .map_err(|error| Fault::Other(fsio::explained(&error)))?;
        for (path, mode, sha256) in self.files_of(answer) {
            let lost = format!("{} is not in the cache", path.display());
            drop(self.memo.write_with(&path, salt_of(&sha256), move || Err(fail(lost))).mode(mode).start());
        }
        self.settle().map_err(|error| match error {
            Error::Failed { message } => Fault::Answer(message),
            error => Fault::Other(fsio::explained(&error)),
        })?;
        listing::finish(&answer.files, &files).map_err(Fault::Other)
    }

    /// Puts down what the command has made: first the files, then the answer.
    fn keep(&mut self, number: u64) -> Result<(), String> {
        let log = self.staging.log();
        let metadata = std::fs::symlink_metadata(&log).map_err(|error| format!("its log: {error}"))?;
        let mode = listing::rights(&metadata).ok_or("its log has rights of a special kind")?;
        let sha256 = listing::file_digest(&log).map_err(|error| format!("its log: {error}"))?;
        let answer = Answer { log: Log { mode, sha256 }, files: listing::of(&self.staging.files())? };
        for (path, mode, sha256) in self.files_of(&answer) {
            let content = sha256.parse().map_err(|error| format!("{}: {error}", path.display()))?;
            drop(self.memo.keep(&path, salt_of(&sha256), content).mode(mode).start());
        }
        self.settle().map_err(|error| fsio::explained(&error))?;
        if !self.problems.borrow().is_empty() {
            return Err("some files are not in the cache".to_owned());
        }
        let bytes = serde_json::to_vec(&answer).expect("words and numbers have a JSON form");
        self.ask(number, move || Ok(bytes));
        let settled = self.settle();
        let path = self.staging.path().join(ANSWER);
        match fsio::op::unlink(&path) {
            Err(error) if !error.is_not_found() => Err(fsio::explained(&error)),
            _ => settled.map_err(|error| fsio::explained(&error)),
        }
    }

    fn ask(&self, number: u64, make: impl FnOnce() -> Result<Vec<u8>, Error> + Send + 'static) {
        self.memo.file_ready(&self.question.program);
        let salt = self.question.salt(number);
        drop(self.memo.write_with(ANSWER, salt, make).reads([&self.question.program]).start());
    }

    /// Every file of an answer, with its rights and its digest.
    fn files_of(&self, answer: &Answer) -> Vec<(PathBuf, u32, String)> {
        let folder = self.staging.files();
        let files = answer.files.iter().filter_map(|item| match item {
            Item::File { path, mode, sha256 } => Some((folder.join(path), *mode, sha256.clone())),
            Item::Folder { .. } | Item::Link { .. } => None,
        });
        let Log { mode, sha256 } = &answer.log;
        files.chain([(self.staging.log(), *mode, sha256.clone())]).collect()
    }

    /// Waits for all that was asked for. An error is why some of it is not there.
    fn settle(&mut self) -> Result<(), Error> {
        self.memo.stir(buildbook::memo::Wait::Block);
        let failed = self.memo.ops().into_iter().find_map(|op| match op.status {
            Status::Executed | Status::Revived => None,
            Status::Failed(error) | Status::Aborted(error) => Some(error),
            _ => Some(Error::Cancelled),
        });
        failed.map_or(Ok(()), Err)
    }

    /// Tells what was wrong with the cache.
    fn end(mut self, tell: &dyn Fn(&str)) {
        // How each operation ended is known.
        let _ = self.memo.finish();
        for problem in self.problems.borrow().iter() {
            tell(&format!("memo: {problem}"));
        }
    }
}

/// What all dealings with the cache have in common.
#[expect(clippy::disallowed_methods, reason = "the memo compares it with the times of files")]
fn settings(cwd: &Path) -> Settings {
    // Nothing is taken out unverified, and what a power cut loses is made again.
    Settings::new(cwd, SystemTime::now).durability(Durability::Cached)
}

/// What a file is known by, beside its name and rights.
fn salt_of(sha256: &str) -> String {
    format!("contents {sha256}")
}

/// Removes what was put into a layer.
fn empty(staging: &LayerTree) -> fsio::Result<()> {
    let answer = staging.path().join(ANSWER);
    for path in [staging.files(), staging.log(), answer] {
        fsio::remove_tree(&path)?;
    }
    fsio::op::create_folder(&staging.files())
}

/// The targets that a target needs, directly or not, by their layers' names.
fn all_below(plan: &Plan, target: &Target) -> Vec<usize> {
    let mut found = BTreeMap::new();
    let mut open = target.deps.clone();
    while let Some(position) = open.pop() {
        let Some(dep) = plan.targets.get(position) else { continue };
        if found.insert(dep.hash.as_str(), position).is_none() {
            open.extend(&dep.deps);
        }
    }
    found.into_values().collect()
}

/// The program that a command's first word stands for. It is looked for from an empty folder, so that nothing is
/// found but by an absolute path.
fn look_up(name: &str, path: Option<&OsStr>) -> Option<PathBuf> {
    let is_program = |path: &PathBuf| {
        let metadata = std::fs::metadata(path);
        metadata.is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    };
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(|path| path.is_absolute()).filter(is_program);
    }
    let folders = std::env::split_paths(path?).filter(|folder| folder.is_absolute());
    folders.map(|folder| folder.join(name)).find(is_program)
}
