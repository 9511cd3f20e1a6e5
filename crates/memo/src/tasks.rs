//! Tasks, and how they are woken.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

use crate::Result;
use crate::execute::{Event, Mailbox};

/// The number of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TaskId(usize);

/// What a task does.
pub(crate) type TaskFuture = Pin<Box<dyn Future<Output = Result<()>>>>;

/// A task that has not ended.
pub(crate) struct Task {
    /// `None` while it is at work.
    pub(crate) future: Option<TaskFuture>,
    pub(crate) waker: Arc<TaskWaker>,
    pub(crate) created: &'static Location<'static>,
}

/// Tells the memo that a task can go on. Where it is woken from makes no difference to the stack, because the task
/// goes on when its turn comes.
pub(crate) struct TaskWaker {
    id: TaskId,
    is_woken: AtomicBool,
    mailbox: Arc<Mailbox>,
}

impl TaskWaker {
    /// Says that the task is about to go on, and has to be woken again after that.
    pub(crate) fn arm(self: &Arc<Self>) -> Waker {
        self.is_woken.store(false, Ordering::SeqCst);
        Waker::from(Arc::clone(self))
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.is_woken.swap(true, Ordering::SeqCst) {
            self.mailbox.post(Event::Wake(self.id));
        }
    }
}

/// The tasks of a memo.
#[derive(Default)]
pub(crate) struct Tasks {
    slots: Vec<Option<Task>>,
    free: Vec<usize>,
}

impl Tasks {
    /// Adds a task, which has its first turn soon.
    pub(crate) fn add(
        &mut self,
        future: TaskFuture,
        created: &'static Location<'static>,
        mailbox: Arc<Mailbox>,
    ) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        let waker = Arc::new(TaskWaker { id: TaskId(slot), is_woken: AtomicBool::new(false), mailbox });
        if let Some(place) = self.slots.get_mut(slot) {
            *place = Some(Task { future: Some(future), waker: Arc::clone(&waker), created });
        }
        waker.wake_by_ref();
    }

    /// Takes out what a task does, for its turn. `None` when it has ended: what woke it came late.
    pub(crate) fn take(&mut self, id: TaskId) -> Option<(TaskFuture, Waker)> {
        let task = self.slots.get_mut(id.0)?.as_mut()?;
        Some((task.future.take()?, task.waker.arm()))
    }

    /// Puts back what a task does after a turn.
    pub(crate) fn put_back(&mut self, id: TaskId, future: TaskFuture) {
        if let Some(Some(task)) = self.slots.get_mut(id.0) {
            task.future = Some(future);
        }
    }

    /// Removes a task that has ended.
    pub(crate) fn remove(&mut self, id: TaskId) -> Option<&'static Location<'static>> {
        let task = self.slots.get_mut(id.0)?.take()?;
        self.free.push(id.0);
        Some(task.created)
    }

    /// Takes out all tasks. The caller drops them, which may call back.
    pub(crate) fn take_all(&mut self) -> Vec<Task> {
        self.free.clear();
        std::mem::take(&mut self.slots).into_iter().flatten().collect()
    }
}
