//! Waiting for an operation.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::execute::Output;
use crate::handle::Inner;
use crate::op::OpId;
use crate::{Error, Result};

/// An operation that was started. It comes to its end whether this is awaited or dropped; awaiting it tells how.
#[derive(Debug)]
pub struct Running<T> {
    memo: Weak<Inner>,
    id: OpId,
    result: PhantomData<fn() -> T>,
}

/// How a process ended that ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exit {
    /// Its exit code.
    pub code: i32,
    /// What it printed to where the build shows it.
    pub output: Arc<[u8]>,
    /// Whether it did not run now: all this came from the cache.
    pub is_revived: bool,
}

/// What an operation gives.
pub trait FromOutput: Sized + sealed::Sealed {}

mod sealed {
    use crate::execute::Output;

    pub trait Sealed: Sized {
        #[doc(hidden)]
        #[expect(private_interfaces, reason = "nobody else can call it, or implement it")]
        fn from_output(output: Output, is_revived: bool) -> Option<Self>;
    }
}

impl FromOutput for () {}
impl FromOutput for Vec<u8> {}
impl FromOutput for Exit {}

#[expect(private_interfaces, reason = "nobody else can call it")]
impl sealed::Sealed for () {
    fn from_output(_output: Output, _is_revived: bool) -> Option<()> {
        Some(())
    }
}

#[expect(private_interfaces, reason = "nobody else can call it")]
impl sealed::Sealed for Vec<u8> {
    fn from_output(output: Output, _is_revived: bool) -> Option<Vec<u8>> {
        if let Output::Bytes(bytes) = output { Some(bytes) } else { None }
    }
}

#[expect(private_interfaces, reason = "nobody else can call it")]
impl sealed::Sealed for Exit {
    fn from_output(output: Output, is_revived: bool) -> Option<Exit> {
        if let Output::Exit { code, output } = output {
            Some(Exit { code, output, is_revived })
        } else {
            None
        }
    }
}

impl<T> Running<T> {
    pub(crate) fn new(memo: &Rc<Inner>, id: OpId) -> Running<T> {
        Running { memo: Rc::downgrade(memo), id, result: PhantomData }
    }

    /// The operation's number.
    #[must_use]
    pub fn id(&self) -> OpId {
        self.id
    }
}

impl<T: FromOutput> Future for Running<T> {
    type Output = Result<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        let Some(memo) = self.memo.upgrade() else { return Poll::Ready(Err(Error::Cancelled)) };
        if memo.is_closed.get() {
            return Poll::Ready(Err(Error::Cancelled));
        }
        let fetched = memo.state.borrow_mut().fetch(self.id, context.waker());
        match fetched {
            None => Poll::Pending,
            Some((Err(error), _)) => Poll::Ready(Err(error)),
            Some((Ok(output), is_revived)) => {
                let output = T::from_output(output, is_revived);
                Poll::Ready(Ok(output.expect("each kind of operation has one kind of output")))
            }
        }
    }
}

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        if let Some(memo) = self.memo.upgrade() {
            let forgotten = memo.state.borrow_mut().forget(self.id);
            drop(forgotten);
        }
    }
}
