//! Values that one task promises and others wait for.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};

use crate::{Error, Result};

/// A value that is going to be set. Every clone gives it to who awaits it; if it is never set, that is an
/// [`Error::Abandoned`].
pub struct Fut<T> {
    promise: Rc<Promise<T>>,
}

/// Sets a value, once. Dropping it without doing so abandons the value: who waits for it is told, and the build
/// fails.
#[must_use = "dropping it tells all who wait that the value will never come"]
pub struct FutSetter<T> {
    promise: Rc<Promise<T>>,
}

struct Promise<T> {
    state: RefCell<PromiseState<T>>,
    created: &'static Location<'static>,
    all: Rc<Promises>,
}

enum PromiseState<T> {
    Open(Vec<Waker>),
    Set(T),
    Abandoned,
}

/// A promise of whatever type.
trait AnyPromise {
    fn abandon(&self);
}

/// The promises of a memo.
#[derive(Default)]
pub(crate) struct Promises {
    made: RefCell<Vec<Weak<dyn AnyPromise>>>,
    abandoned: RefCell<Vec<&'static Location<'static>>>,
}

impl Promises {
    /// Makes a promise.
    pub(crate) fn make<T: 'static>(
        self: &Rc<Self>,
        created: &'static Location<'static>,
    ) -> (FutSetter<T>, Fut<T>) {
        let state = RefCell::new(PromiseState::Open(Vec::new()));
        let promise = Rc::new(Promise { state, created, all: Rc::clone(self) });
        let any: Rc<dyn AnyPromise> = Rc::<Promise<T>>::clone(&promise);
        let mut made = self.made.borrow_mut();
        if made.len() == made.capacity() {
            // As often as the list would grow, those are taken out of it that are gone.
            made.retain(|promise| promise.strong_count() > 0);
        }
        made.push(Rc::downgrade(&any));
        (FutSetter { promise: Rc::clone(&promise) }, Fut { promise })
    }

    /// Abandons all that are open, and says whether there were any.
    pub(crate) fn abandon_open(&self) -> bool {
        let before = self.abandoned.borrow().len();
        let made = std::mem::take(&mut *self.made.borrow_mut());
        made.iter().filter_map(Weak::upgrade).for_each(|promise| promise.abandon());
        self.abandoned.borrow().len() > before
    }

    /// Where those were made that were never set, sorted.
    pub(crate) fn abandoned(&self) -> Vec<String> {
        let mut places: Vec<String> = self.abandoned.borrow().iter().map(ToString::to_string).collect();
        places.sort();
        places
    }
}

impl<T> AnyPromise for Promise<T> {
    fn abandon(&self) {
        let mut state = self.state.borrow_mut();
        if let PromiseState::Open(waiting) = &mut *state {
            let waiting = std::mem::take(waiting);
            *state = PromiseState::Abandoned;
            drop(state);
            self.all.abandoned.borrow_mut().push(self.created);
            waiting.into_iter().for_each(Waker::wake);
        }
    }
}

impl<T> FutSetter<T> {
    /// Sets the value.
    pub fn set(self, value: T) {
        let mut state = self.promise.state.borrow_mut();
        if let PromiseState::Open(waiting) = &mut *state {
            let waiting = std::mem::take(waiting);
            *state = PromiseState::Set(value);
            drop(state);
            waiting.into_iter().for_each(Waker::wake);
        }
    }
}

impl<T> Drop for FutSetter<T> {
    fn drop(&mut self) {
        self.promise.abandon();
    }
}

impl<T: Clone> Fut<T> {
    /// The value, if it is set.
    #[must_use]
    pub fn value(&self) -> Option<T> {
        if let PromiseState::Set(value) = &*self.promise.state.borrow() { Some(value.clone()) } else { None }
    }
}

impl<T> Clone for Fut<T> {
    fn clone(&self) -> Fut<T> {
        Fut { promise: Rc::clone(&self.promise) }
    }
}

impl<T: Clone> Future for Fut<T> {
    type Output = Result<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        match &mut *self.promise.state.borrow_mut() {
            PromiseState::Set(value) => Poll::Ready(Ok(value.clone())),
            PromiseState::Abandoned => {
                Poll::Ready(Err(Error::Abandoned { created: self.promise.created.to_string() }))
            }
            PromiseState::Open(waiting) => {
                if !waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                    waiting.push(context.waker().clone());
                }
                Poll::Pending
            }
        }
    }
}

impl<T> fmt::Debug for Fut<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fut").field("created", &self.promise.created).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for FutSetter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FutSetter").field("created", &self.promise.created).finish_non_exhaustive()
    }
}
