//! Threads that wait for work.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;

use buildbook_fsio::must_stay_in_thread;

use super::Mailbox;
use crate::contents::hold;

/// A piece of work. It is told which of the threads does it.
pub(crate) type Job = Box<dyn FnOnce(usize) + Send>;

/// Threads of one purpose, started when there is work for them, at most so many. Work is taken up in the order in
/// which it was given.
pub(crate) struct Pool {
    queue: Arc<Queue>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    limit: usize,
    name: &'static str,
}

struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    /// Where the work leaves its results. Its reader is woken when the last piece of work is taken up, and when a
    /// thread has none: before that, more results are about to come.
    mailbox: Arc<Mailbox>,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    idle: usize,
    started: usize,
    is_closed: bool,
}

impl Pool {
    pub(crate) fn new(name: &'static str, limit: usize, mailbox: Arc<Mailbox>) -> Pool {
        let queue = Arc::new(Queue { state: Mutex::default(), changed: Condvar::new(), mailbox });
        Pool { queue, threads: Mutex::default(), limit, name }
    }

    /// Hands in work. After [`Pool::close`] it is dropped. While a test counts or stops what the calling thread does to
    /// files, it is done here and now.
    pub(crate) fn submit(&self, job: Job) -> std::io::Result<()> {
        let mut state = hold(&self.queue.state);
        if state.is_closed {
            return Ok(());
        }
        if must_stay_in_thread() {
            drop(state);
            job(0);
            return Ok(());
        }
        if state.jobs.len() >= state.idle && state.started < self.limit {
            let slot = state.started;
            let queue = Arc::clone(&self.queue);
            let name = format!("{}-{slot}", self.name);
            match std::thread::Builder::new().name(name).spawn(move || queue.serve(slot)) {
                Ok(thread) => {
                    state.started += 1;
                    hold(&self.threads).push(thread);
                }
                // The threads that there are do it.
                Err(_) if state.started > 0 => {}
                Err(error) => return Err(error),
            }
        }
        state.jobs.push_back(job);
        let is_awaited = state.idle > 0;
        drop(state);
        if is_awaited {
            self.queue.changed.notify_one();
        }
        Ok(())
    }

    /// Drops what is waiting, lets what is at work come to its end, and waits for that.
    pub(crate) fn close(&self) {
        let dropped = {
            let mut state = hold(&self.queue.state);
            state.is_closed = true;
            std::mem::take(&mut state.jobs)
        };
        drop(dropped);
        self.queue.changed.notify_all();
        let threads = std::mem::take(&mut *hold(&self.threads));
        for thread in threads {
            // Jobs catch their panics.
            let _ = thread.join();
        }
    }
}

impl Queue {
    fn serve(&self, slot: usize) {
        while let Some(job) = self.next() {
            job(slot);
        }
    }

    fn next(&self) -> Option<Job> {
        let mut state = hold(&self.state);
        loop {
            if let Some(job) = state.jobs.pop_front() {
                let is_last = state.jobs.is_empty();
                drop(state);
                if is_last {
                    self.mailbox.wake();
                }
                return Some(job);
            }
            if state.is_closed {
                return None;
            }
            self.mailbox.wake();
            state.idle += 1;
            state = self.changed.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner);
            state.idle -= 1;
        }
    }
}
