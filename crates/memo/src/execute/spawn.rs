//! Spawns: looking for what a process gave before, or running it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use buildbook_fsio::create_folders;
use buildbook_guard::FileId;

use super::process::Process;
use super::{Output, Step, Work, add_reads, remove_old};
use crate::cache::{Capture, Entry};
use crate::contents::Content;
use crate::env::ToolEnv;
use crate::error::Ended;
use crate::key::{Key, KeyBuilder};
use crate::tool::{Argument, Cmd};
use crate::used::Named;
use crate::{Error, Redirect, Result};

/// A process to be run, unless what it gives is known.
#[derive(Debug)]
pub(crate) struct SpawnRequest {
    pub(crate) command: Arc<Cmd>,
    /// The number of its program.
    pub(crate) program: FileId,
    /// `None`: what processes of its tool see.
    pub(crate) env: Option<Box<ToolEnv>>,
    /// `None`: as usual.
    pub(crate) manner: Option<Box<Manner>>,
    pub(crate) reads: Vec<Named>,
    pub(crate) writes: Vec<Named>,
}

impl SpawnRequest {
    fn program(&self) -> &Path {
        self.command.tool.found.as_deref().expect("a spawn without its tool has failed when it was asked for")
    }

    fn env(&self) -> &ToolEnv {
        self.env.as_deref().unwrap_or(&self.command.tool.env)
    }

    fn manner(&self) -> &Manner {
        Manner::or_usual(self.manner.as_deref())
    }
}

/// How a process runs.
#[derive(Debug)]
pub(crate) struct Manner {
    /// `None`: that of the memo.
    pub(crate) cwd: Option<PathBuf>,
    pub(crate) stdin: Option<Named>,
    pub(crate) stdout: Redirect,
    pub(crate) stderr: Redirect,
    pub(crate) success: Success,
    pub(crate) stamp: Vec<u8>,
    /// Not in the key: a result is the same however long it may take.
    pub(crate) limit: Option<Duration>,
}

/// That of nearly all.
static USUAL: Manner = Manner::usual();

impl Manner {
    pub(crate) const fn usual() -> Manner {
        Manner {
            cwd: None,
            stdin: None,
            stdout: Redirect::Ui,
            stderr: Redirect::Ui,
            success: Success::Zero,
            stamp: Vec::new(),
            limit: None,
        }
    }

    /// The manner of a process of which this much is said.
    pub(crate) fn or_usual(said: Option<&Manner>) -> &Manner {
        said.unwrap_or(&USUAL)
    }
}

/// The exit codes that mean success.
#[derive(Debug)]
pub(crate) enum Success {
    /// The usual one.
    Zero,
    /// These.
    Codes(BTreeSet<i32>),
    /// All.
    Any,
}

impl Success {
    fn has(&self, code: i32) -> bool {
        match self {
            Success::Zero => code == 0,
            Success::Codes(codes) => codes.contains(&code),
            Success::Any => true,
        }
    }

    fn add_to(&self, key: &mut KeyBuilder) {
        match self {
            Success::Zero => {
                key.count("success exits", 1);
                key.field("exit", &0_i32.to_le_bytes());
            }
            Success::Codes(codes) => {
                key.count("success exits", codes.len());
                codes.iter().for_each(|code| key.field("exit", &code.to_le_bytes()));
            }
            Success::Any => key.field("any exit", b""),
        }
    }
}

/// A process that has to run, and what its reads contained when that was found out.
pub(super) struct Prepared {
    request: Box<SpawnRequest>,
    key: Key,
    used: Vec<(Named, Content)>,
}

/// Looks for what a process gave before.
pub(super) fn prepare(work: &mut Work, request: Box<SpawnRequest>) -> Step {
    match look_up(work, request) {
        Ok(step) => step,
        Err(error) => Step::Done(Err(error)),
    }
}

fn look_up(work: &mut Work, request: Box<SpawnRequest>) -> Result<Step> {
    let contents = &work.shared.contents;
    let tool = contents.use_of(request.program, request.program())?;
    let stdin =
        request.manner().stdin.as_ref().map(|file| contents.use_of(file.id, &file.path)).transpose()?;
    let reads = work.contents_of(&request.reads)?;
    let key = key(work, &request, &tool, stdin.as_ref(), &reads);
    if let Some((entry, output)) = work.revive(&key, &request.writes)
        && let Some(code) = entry.exit
    {
        let output = output.map_or_else(Arc::default, Arc::from);
        work.spent = Some(request);
        return Ok(Step::Done(Ok((Output::Exit { code, output }, true))));
    }
    let program = Named { id: request.program, path: request.program().to_owned() };
    let mut used = vec![(program, tool)];
    used.extend(request.manner().stdin.clone().zip(stdin));
    used.extend(request.reads.iter().cloned().zip(reads));
    Ok(Step::Run(Box::new(Prepared { request, key, used })))
}

/// The key of a spawn.
fn key(
    work: &Work,
    request: &SpawnRequest,
    tool: &Content,
    stdin: Option<&Content>,
    reads: &[Content],
) -> Key {
    let (names, manner) = (&work.shared.names, request.manner());
    let mut key = KeyBuilder::new("spawn 1");
    names.add(&mut key, "tool", request.program());
    key.digest("tool content", &tool.digest);
    let arguments = &request.command.arguments;
    key.count("arguments", arguments.len());
    for argument in arguments {
        match argument {
            Argument::Stamped(value) => key.text("argument", value),
            Argument::Shielded(_) => key.field("shielded argument", b""),
        }
    }
    key.count("environment", request.env().relevant.len());
    for (name, value) in &request.env().relevant {
        key.text("variable", name);
        key.text("value", value);
    }
    names.add(&mut key, "cwd", cwd(work, request));
    match stdin {
        None => key.field("no stdin", b""),
        Some(content) => key.digest("stdin", &content.digest),
    }
    for (name, redirect) in [("stdout", &manner.stdout), ("stderr", &manner.stderr)] {
        key.field(name, redirect.word().as_bytes());
        if let Some(path) = redirect.path() {
            names.add(&mut key, "redirection", path);
        }
    }
    manner.success.add_to(&mut key);
    key.field("stamp", &manner.stamp);
    add_reads(&mut key, names, &request.reads, reads);
    key.count("writes", request.writes.len());
    request.writes.iter().for_each(|file| names.add(&mut key, "write", &file.path));
    key.finish()
}

/// The folder that a process runs in.
fn cwd<'a>(work: &'a Work, request: &'a SpawnRequest) -> &'a Path {
    request.manner().cwd.as_deref().unwrap_or(&work.shared.cwd)
}

/// Runs a process, checks what it did, and records it.
pub(super) fn run(work: &mut Work, prepared: &Prepared) -> Result<(Output, bool)> {
    let Prepared { request, key, used } = prepared;
    let manner = request.manner();
    // What an earlier build left there must not be taken for what this process writes.
    for Named { path, .. } in &request.writes {
        remove_old(path)?;
        create_folders(path.parent().unwrap_or(Path::new("/")))?;
    }
    let stdout = work.shared.cache.capture()?;
    let is_one = manner.stdout == manner.stderr;
    let stderr = if is_one { None } else { Some(work.shared.cache.capture()?) };
    let arguments = request.command.arguments.iter();
    let process = Process {
        program: request.program(),
        arguments: arguments.map(|argument| OsString::from(argument.value())).collect(),
        env: request.env(),
        cwd: cwd(work, request),
        stdin: manner.stdin.as_ref().map(|file| &file.path),
        limit: manner.limit,
    };
    let (for_stdout, for_stderr) = (stdout.for_process()?, stderr.as_ref().unwrap_or(&stdout).for_process()?);
    let ended = process.run(&for_stdout, &for_stderr, &work.shared.groups)?;
    drop((for_stdout, for_stderr));

    let mut output = deliver(work, &manner.stdout, &stdout)?;
    if let Some(stderr) = &stderr {
        output.extend(deliver(work, &manner.stderr, stderr)?);
    }
    if work.shared.groups.is_cancelled() {
        return Err(Error::Cancelled);
    }
    let output: Arc<[u8]> = output.into();
    let code = match ended {
        Ended::Code(code) if manner.success.has(code) => code,
        ended => return Err(Error::Exit { command: request.command.to_string(), ended, output }),
    };
    let paths = request.writes.iter().map(|file| &file.path);
    let missing: Vec<PathBuf> = paths.filter(|path| !is_file(path)).cloned().collect();
    if !missing.is_empty() {
        return Err(Error::DidNotWrite { paths: missing });
    }
    let blobs = keep_writes(work, &request.writes)?;
    work.check_reads(used.iter().map(|(file, content)| (file, content)))?;
    if let Some(writes) = blobs {
        match keep_output(work, &output) {
            Ok(kept) => work.record(key, &Entry { exit: Some(code), output: kept, writes }),
            Err(error) => work.problems.push(error),
        }
    }
    Ok((Output::Exit { code, output }, false))
}

/// Puts what was written into the cache, and notes what it is. `None` when the cache cannot take it, which is no
/// reason for the operation to fail.
fn keep_writes(work: &mut Work, writes: &[Named]) -> Result<Option<Vec<crate::cache::Blob>>> {
    let mut blobs = Vec::with_capacity(writes.len());
    for file in writes {
        let kept = match work.shared.cache.keep_file(&file.path, &work.shared.contents) {
            Ok(kept) => kept,
            Err(error) => {
                work.problems.push(error);
                None
            }
        };
        match kept {
            Some((blob, content)) => {
                work.shared.contents.note_use(file, content)?;
                blobs.push(blob);
            }
            None => drop(work.shared.contents.use_of(file.id, &file.path)?),
        }
    }
    Ok((blobs.len() == writes.len()).then_some(blobs))
}

fn keep_output(work: &Work, output: &[u8]) -> Result<Option<crate::cache::Blob>> {
    if output.is_empty() { Ok(None) } else { work.shared.cache.keep_bytes(output, 0o644).map(Some) }
}

/// Sends what was printed where it should go, and returns what of it the build shows.
fn deliver(work: &Work, redirect: &Redirect, capture: &Capture) -> Result<Vec<u8>> {
    let bytes = match redirect {
        Redirect::Discard => return Ok(Vec::new()),
        Redirect::Ui | Redirect::File(_) | Redirect::Tee(_) => capture.read()?,
    };
    if let Some(path) = redirect.path() {
        work.shared.cache.write(&bytes, None, path, &work.shared.contents)?;
    }
    Ok(if matches!(redirect, Redirect::File(_)) { Vec::new() } else { bytes })
}

fn is_file(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
}
