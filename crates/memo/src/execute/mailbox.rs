//! What threads tell the thread of a memo.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};

use super::Event;
use crate::contents::hold;

/// How many events may lie there quietly.
const BATCH: usize = 512;

/// Events, in the order in which they came. The reader sleeps while there are none.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct State {
    events: VecDeque<Event>,
    is_awaited: bool,
}

impl Mailbox {
    /// Adds an event, and wakes the reader.
    pub(crate) fn post(&self, event: Event) {
        hold(&self.state).events.push_back(event);
        self.wake();
    }

    /// Adds an event. The reader is not woken for it, because the writer is going to add more, or to call
    /// [`Mailbox::wake`], soon: waking costs more than most events are worth.
    pub(crate) fn post_quietly(&self, event: Event) {
        let mut state = hold(&self.state);
        state.events.push_back(event);
        if state.events.len() >= BATCH {
            drop(state);
            self.wake();
        }
    }

    /// Wakes the reader if it sleeps and there is something.
    pub(crate) fn wake(&self) {
        let mut state = hold(&self.state);
        if state.is_awaited && !state.events.is_empty() {
            state.is_awaited = false;
            drop(state);
            self.arrived.notify_one();
        }
    }

    /// Takes all that is there.
    pub(crate) fn take(&self) -> VecDeque<Event> {
        std::mem::take(&mut hold(&self.state).events)
    }

    /// Waits until there is something, and takes it.
    pub(crate) fn wait(&self) -> VecDeque<Event> {
        let mut state = hold(&self.state);
        while state.events.is_empty() {
            state.is_awaited = true;
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.is_awaited = false;
        std::mem::take(&mut state.events)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_reader_that_sleeps_is_woken_by_a_call_or_by_many_quiet_events() {
        let mailbox = Arc::new(Mailbox::default());
        assert!(mailbox.take().is_empty());
        for quiet in [1, BATCH] {
            let reader = Arc::clone(&mailbox);
            let reader = std::thread::spawn(move || {
                let mut count = 0;
                while count < quiet {
                    count += reader.wait().len();
                }
                count
            });
            (0..quiet).for_each(|_| mailbox.post_quietly(Event::Cancelled));
            if quiet < BATCH {
                mailbox.wake();
            }
            assert_eq!(reader.join().unwrap(), quiet);
        }
        mailbox.post(Event::Cancelled);
        assert_eq!(mailbox.wait().len(), 1);
    }
}
