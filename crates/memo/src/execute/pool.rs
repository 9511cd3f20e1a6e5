//! Threads that wait for work.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use buildbook_fsio::must_stay_in_thread;

use super::Mailbox;
use crate::contents::hold;

/// How long a thread of a pool with [`Haste::Soon`] that has nothing to do waits for somebody to hand in enough work to
/// be woken for, before it goes to sleep and is woken for any.
const NAP: Duration = Duration::from_micros(300);
/// How much work is enough.
const ENOUGH: usize = 32;
/// A thread that was woken for less goes to sleep without a nap: where each piece of work waits for the one before, a
/// nap would only cost the timer that ends it.
const BUSY: usize = 8;

/// A piece of work. It is told which of the threads does it.
pub(crate) type Job = Box<dyn FnOnce(usize) + Send>;

/// When work is taken up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Haste {
    /// At once.
    Now,
    /// At the latest when a nap is over, or when somebody asks with [`Pool::hurry`]: waking a thread costs more than
    /// most work of this pool does, and whoever hands in one piece of work is about to hand in more.
    Soon,
}

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
    /// thread has none: before that, more results are about to come. Work that takes long wakes the reader itself.
    mailbox: Arc<Mailbox>,
    haste: Haste,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    /// How many threads sleep until they are woken.
    idle: usize,
    /// How many take a nap.
    napping: usize,
    started: usize,
    is_closed: bool,
}

impl Pool {
    pub(crate) fn new(name: &'static str, limit: usize, haste: Haste, mailbox: Arc<Mailbox>) -> Pool {
        let queue = Arc::new(Queue { state: Mutex::default(), changed: Condvar::new(), mailbox, haste });
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
        if state.jobs.len() >= state.idle + state.napping && state.started < self.limit {
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
        let is_awaited = state.idle > 0 || state.napping > 0 && state.jobs.len() >= ENOUGH;
        drop(state);
        if is_awaited {
            self.queue.changed.notify_one();
        }
        Ok(())
    }

    /// Has everything taken up that was handed in, because nothing more is for now.
    pub(crate) fn hurry(&self) {
        let state = hold(&self.queue.state);
        if state.napping > 0 && !state.jobs.is_empty() {
            drop(state);
            self.queue.changed.notify_all();
        }
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
        // Since it last had nothing to do.
        let mut done = 0;
        while let Some(job) = self.next(&mut done) {
            job(slot);
            done += 1;
        }
    }

    fn next(&self, done: &mut usize) -> Option<Job> {
        let mut state = hold(&self.state);
        let mut may_nap = self.haste == Haste::Soon && *done >= BUSY;
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
            *done = 0;
            if may_nap {
                state.napping += 1;
                let waited = self.changed.wait_timeout(state, NAP).unwrap_or_else(PoisonError::into_inner);
                may_nap = !waited.1.timed_out();
                state = waited.0;
                state.napping -= 1;
            } else {
                state.idle += 1;
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.idle -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Where nobody hurries, a pool takes up its work all the same; where threads sleep, they are woken for each piece.
    #[test]
    fn work_is_taken_up_whether_anybody_hurries_or_not() {
        for (haste, hurries) in [(Haste::Now, false), (Haste::Soon, false), (Haste::Soon, true)] {
            let pool = Pool::new("test", 2, haste, Arc::default());
            let (sender, done) = mpsc::channel();
            for round in 0..200 {
                // Few at a time, fewer than are enough, and all are done before there are more. They make threads busy.
                let pieces = if round % 2 == 0 { 3 } else { 3 * i32::try_from(BUSY).unwrap() };
                for piece in 0..pieces {
                    let sender = sender.clone();
                    pool.submit(Box::new(move |_| sender.send(piece).unwrap())).unwrap();
                }
                if hurries {
                    pool.hurry();
                }
                let mut got: Vec<i32> =
                    (0..pieces).map(|_| done.recv_timeout(Duration::from_secs(60)).unwrap()).collect();
                got.sort_unstable();
                assert!(got.into_iter().eq(0..pieces), "{haste:?}");
                if round % 20 == 0 {
                    // Longer than a nap: the threads are asleep when the next round begins.
                    std::thread::sleep(NAP * 4);
                }
            }
            pool.close();
        }
    }
}
