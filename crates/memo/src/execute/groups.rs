//! The processes that run, and how to end them.

use std::collections::HashSet;
use std::io;
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;

use super::{Event, Mailbox};
use crate::contents::hold;
use crate::process_group;

/// How long processes have to clean up after themselves when a build is cancelled or their time is up.
const GRACE: Duration = Duration::from_secs(2);

/// The process groups that run. A group is listed until its leader's number is given back to the system, so that a
/// signal never reaches a process that got the number later.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    running: Mutex<HashSet<i32>>,
    ended: Condvar,
    is_cancelled: AtomicBool,
}

impl Groups {
    pub(crate) fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::SeqCst)
    }

    /// Lists a process that has just become the leader of a group.
    pub(crate) fn add(&self, leader: &Child) {
        let group = leader.id().cast_signed();
        hold(&self.running).insert(group);
        if self.is_cancelled() {
            // It was started while the others were asked to end, and has done nothing yet.
            process_group::kill(group);
        }
    }

    /// Waits until a leader has ended. What it leaves running is killed: nothing may write to files that are taken
    /// for finished. The leader stays a zombie up to the end, which keeps its number from being used again.
    pub(crate) fn wait(&self, mut leader: Child) -> io::Result<ExitStatus> {
        let group = leader.id().cast_signed();
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
        let waited = loop {
            match waitid(Id::Pid(Pid::from_raw(group)), flags) {
                Err(Errno::EINTR) => {}
                other => break other,
            }
        };
        let mut running = hold(&self.running);
        // If the system gave the leader away, as it does where SIGCHLD is ignored, its number may be a stranger's.
        if waited.is_ok() {
            process_group::kill(group);
        }
        running.remove(&group);
        drop(running);
        self.ended.notify_all();
        let status = leader.wait();
        waited?;
        status
    }

    /// As [`Groups::wait`], for a group that is ended when its time is up. Says whether it was.
    pub(crate) fn wait_within(&self, leader: Child, limit: Duration) -> io::Result<(ExitStatus, bool)> {
        let group = leader.id().cast_signed();
        let watch = || {
            let is_over = |running: &HashSet<i32>| !running.contains(&group);
            if is_over(&self.wait_until(limit, is_over)) {
                return false;
            }
            self.end(group, process_group::terminate);
            drop(self.wait_until(GRACE, is_over));
            self.end(group, process_group::kill);
            true
        };
        std::thread::scope(|scope| {
            let watch = std::thread::Builder::new().name("memo-time".to_owned()).spawn_scoped(scope, watch);
            if watch.is_err() {
                self.end(group, process_group::kill);
            }
            let status = self.wait(leader)?;
            let is_late = watch?.join().unwrap_or(true);
            Ok((status, is_late))
        })
    }

    /// Ends a group that is still running.
    fn end(&self, group: i32, how: fn(i32)) {
        let running = hold(&self.running);
        if running.contains(&group) {
            how(group);
        }
    }

    /// Asks all groups to end, and any that starts later.
    fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::SeqCst);
        for group in &*hold(&self.running) {
            process_group::terminate(*group);
        }
    }

    /// Kills all groups.
    pub(crate) fn kill(&self) {
        self.is_cancelled.store(true, Ordering::SeqCst);
        for group in &*hold(&self.running) {
            process_group::kill(*group);
        }
    }

    /// Kills those groups that do not end in time.
    fn kill_after(&self, grace: Duration) {
        for group in &*self.wait_until(grace, HashSet::is_empty) {
            process_group::kill(*group);
        }
    }

    /// Waits until something is true of the groups that run, or until the time is up.
    fn wait_until(
        &self,
        limit: Duration,
        is_over: impl Fn(&HashSet<i32>) -> bool,
    ) -> MutexGuard<'_, HashSet<i32>> {
        let running = hold(&self.running);
        let waited = self.ended.wait_timeout_while(running, limit, |running| !is_over(running));
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Cancels a build, from any thread: from one that waits for signals, for example.
#[derive(Debug, Clone)]
pub struct CancelHandle {
    pub(crate) groups: Arc<Groups>,
    pub(crate) mailbox: Arc<Mailbox>,
}

impl CancelHandle {
    /// Cancels the build: no operation starts any more, and every process group that runs is asked to end (SIGTERM)
    /// and killed two seconds later if it did not. [`finish`](crate::Memo::finish) returns as soon as they are gone,
    /// and its report says that the build was cancelled. Calling it again changes nothing.
    pub fn cancel(&self) {
        if self.groups.is_cancelled() {
            return;
        }
        self.groups.cancel();
        self.mailbox.post(Event::Cancelled);
        let groups = Arc::clone(&self.groups);
        let killer = std::thread::Builder::new().name("memo-cancel".to_owned());
        if killer.spawn(move || groups.kill_after(GRACE)).is_err() {
            self.groups.kill();
        }
    }

    /// Whether the build was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.groups.is_cancelled()
    }
}
