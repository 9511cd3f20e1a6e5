//! What comes out of a guard.

use crate::FileId;

/// An operation about which everything it waited for is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "an operation comes out once; what is dropped here is never run and never reported"]
pub enum Allowed<Op> {
    /// Every file that it reads is ready: it can run.
    Ready(Op),
    /// A file that it reads will never be ready: it cannot run. The files that it would write are still
    /// undecided, and [`set_file_never`](crate::Guard::set_file_never) is to be called for each.
    Aborted {
        /// The operation.
        op: Op,
        /// The file that it lacks. Of several, it is the one about which the guard was told first after the
        /// operation was added; if some were known by then, the first of those among the operation's reads.
        never: FileId,
    },
}

impl<Op> Allowed<Op> {
    /// The operation, however it ended.
    pub fn into_op(self) -> Op {
        match self {
            Self::Ready(op) | Self::Aborted { op, .. } => op,
        }
    }
}
