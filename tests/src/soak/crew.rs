//! Worker processes, and a thread for each that listens to it.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use anyhow::{Context as _, Result};

use super::Start;
use super::ack::Ack;
use super::ledger::Ledger;
use super::task::Task;

const SIGKILL: i32 = 9;

/// The workers of one book.
pub(super) struct Crew<'a> {
    root: PathBuf,
    start: &'a Start<'a>,
    ledger: Arc<Mutex<Ledger>>,
}

/// A worker process. Dropped, it is killed.
pub(super) struct Worker {
    pub(super) task: Task,
    child: Child,
    listener: Option<JoinHandle<()>>,
    ledger: Arc<Mutex<Ledger>>,
}

impl<'a> Crew<'a> {
    pub(super) fn new(root: &Path, start: &'a Start<'a>) -> Crew<'a> {
        Crew { root: root.to_owned(), start, ledger: Arc::default() }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
    }

    /// Starts a process.
    pub(super) fn hire(&self, task: Task) -> Result<Worker> {
        let mut command = (self.start)(&self.root, &task);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        let stdout = child.stdout.take().context("its output is a pipe")?;
        let ledger = Arc::clone(&self.ledger);
        let listener = std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let Ok(line) = line else { break };
                match Ack::heard(&line) {
                    None => {}
                    Some(Ok(ack)) => lock(&ledger).enter(ack),
                    Some(Err(error)) => lock(&ledger).complain(format!("{error:#}")),
                }
            }
        });
        Ok(Worker { task, child, listener: Some(listener), ledger: Arc::clone(&self.ledger) })
    }
}

impl Worker {
    /// Kills it, and waits until everything that it said is entered. Tells whether it was alive until then.
    pub(super) fn kill(mut self) -> Result<bool> {
        self.child.kill()?;
        let status = self.end()?;
        Ok(status.signal() == Some(SIGKILL))
    }

    /// Waits until it ends by itself, as it should.
    pub(super) fn wait(mut self) -> Result<()> {
        let status = self.end()?;
        if !status.success() {
            lock(&self.ledger)
                .complain(format!("the worker {:?} ended with {status}", self.task.to_string()));
        }
        Ok(())
    }

    fn end(&mut self) -> Result<std::process::ExitStatus> {
        let status = self.child.wait()?;
        if let Some(listener) = self.listener.take() {
            listener.join().ok().context("a listener panicked")?;
        }
        Ok(status)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It has ended, unless the supervisor gives up early.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lock(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}
