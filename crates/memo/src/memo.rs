//! A memo: its thread's loop.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::error::panic_message;
use crate::execute::{Event, Mailbox, Shared};
use crate::handle::{Handle, Inner};
use crate::promise::Promises;
use crate::settings::Settings;
use crate::shared_cache::SharedCache;
use crate::tasks::TaskId;
use crate::{Error, Feedback};

/// Whether to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Until nothing moves any more: no operation is at work and no task can go on.
    Block,
    /// For nothing.
    Not,
}

/// A memo: it owns the tasks and the threads of a build. What can be asked of it is in [`Handle`], to which it
/// dereferences.
///
/// Dropping it drops its tasks, kills the processes that run, and waits for its threads.
pub struct Memo {
    handle: Handle,
    /// Events that were taken from the mailbox, and not looked at yet.
    events: VecDeque<Event>,
    listener: Option<Listener>,
}

type Listener = Box<dyn FnMut(&Feedback)>;

impl Memo {
    /// Makes a memo. Nothing is touched and no thread is started before there is something to do.
    #[must_use]
    pub fn new(settings: Settings) -> Memo {
        let cache = SharedCache::new(&settings);
        Memo::with(settings, cache, false)
    }

    /// As [`Memo::new`], with a cache that other memos use as well. What the settings say of the cache and of its
    /// durability counts for nothing: that was said when it was made, and by the clock of then it notes when entries are
    /// used. By the clock of these settings, this memo tells which files are too young for their digests to be
    /// remembered. It is [`SharedCache::finish`] that leaves what was learned to later builds, and not the end of this
    /// one.
    #[must_use]
    pub fn sharing(settings: Settings, cache: &SharedCache) -> Memo {
        Memo::with(settings, cache.clone(), true)
    }

    fn with(settings: Settings, cache: SharedCache, is_cache_shared: bool) -> Memo {
        let settings = Settings { cwd: settings.cwd.components().collect(), ..settings };
        let mailbox = Arc::new(Mailbox::default());
        let inner = Inner {
            state: RefCell::default(),
            promises: Rc::new(Promises::default()),
            shared: Arc::new(Shared::new(&settings, cache, is_cache_shared, &mailbox)),
            settings,
            mailbox: Arc::clone(&mailbox),
            is_closed: Cell::new(false),
        };
        Memo { handle: Handle { inner: Rc::new(inner) }, events: VecDeque::new(), listener: None }
    }

    /// Sets a function that is told what happens. It is called by [`Memo::stir`] and [`Memo::finish`], and may ask the
    /// memo for more.
    pub fn on_feedback(&mut self, listener: impl FnMut(&Feedback) + 'static) {
        self.listener = Some(Box::new(listener));
        self.inner().state.borrow_mut().is_listened_to = true;
    }

    /// What tasks ask the memo for.
    #[must_use]
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Lets the build go on: gives every task its turn that can go on, and takes note of what threads have done.
    pub fn stir(&mut self, wait: Wait) {
        loop {
            self.inner().dispatch();
            self.tell();
            if self.events.is_empty() {
                let mailbox = &self.handle.inner.mailbox;
                self.events = mailbox.take();
                if self.events.is_empty() && wait == Wait::Block && self.inner().state.borrow().in_flight > 0
                {
                    self.inner().shared.files.hurry();
                    self.events = self.handle.inner.mailbox.wait();
                }
            }
            let Some(event) = self.events.pop_front() else { return };
            match event {
                Event::Wake(task) => self.turn(task),
                Event::Done(op, finished) => self.inner().change(|state| {
                    state.in_flight -= 1;
                    state.finish(op, *finished);
                }),
                // What is at work ends now, and what starts is refused.
                Event::Cancelled => {}
            }
        }
    }

    /// Gives a task its turn.
    fn turn(&self, id: TaskId) {
        let taken = self.inner().state.borrow_mut().tasks.take(id);
        let Some((mut future, waker)) = taken else { return };
        let mut context = Context::from_waker(&waker);
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut context)));
        let result = match polled {
            Ok(Poll::Pending) => {
                self.inner().state.borrow_mut().tasks.put_back(id, future);
                return;
            }
            Ok(Poll::Ready(result)) => result,
            Err(payload) => Err(Error::Panicked { message: panic_message(&*payload) }),
        };
        // What it held may call back when it goes.
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(future)));
        let result =
            result.and(dropped.map_err(|payload| Error::Panicked { message: panic_message(&*payload) }));
        let mut state = self.inner().state.borrow_mut();
        let created = state.tasks.remove(id);
        if let (Err(error), Some(created)) = (result, created) {
            let created = created.to_string();
            state.failed_tasks.push((created.clone(), error.clone()));
            state.tell(|| Feedback::TaskFailed { created, error });
        }
    }

    /// Tells what has happened, with nothing borrowed.
    fn tell(&mut self) {
        let Some(listener) = &mut self.listener else { return };
        loop {
            let next = self.handle.inner.state.borrow_mut().feedback.pop_front();
            let Some(feedback) = next else { return };
            listener(&feedback);
        }
    }

    pub(crate) fn inner(&self) -> &Rc<Inner> {
        &self.handle.inner
    }
}

impl Deref for Memo {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.fmt(f)
    }
}

impl Drop for Memo {
    fn drop(&mut self) {
        self.inner().is_closed.set(true);
        // Tasks hold handles, which would keep everything alive.
        let tasks = self.inner().state.borrow_mut().tasks.take_all();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(tasks)));
        let shared = &self.inner().shared;
        shared.groups.kill();
        shared.files.close();
        shared.processes.close();
        if !shared.is_cache_shared {
            // What stays of the staging area is removed by the next build.
            let _ = shared.cache.end_session();
        }
    }
}
