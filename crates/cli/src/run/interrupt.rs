//! Ctrl-C, and the signals by which a service manager ends a program.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

use super::execute::Supervisor;
use super::queue::Queue;

/// From here on a signal does not end the program, but waits to be passed on.
pub(super) fn listen() -> std::io::Result<Signals> {
    Signals::new([SIGINT, SIGTERM, SIGHUP])
}

/// Passes signals on until the handle is closed: the first asks the running builds to end, the second kills
/// them. The program itself goes on to its own end, so that the book is left in order.
pub(super) fn pass_on(mut signals: Signals, supervisor: &Supervisor, queue: &Queue<'_>) {
    for _ in signals.forever() {
        queue.stop();
        supervisor.interrupt();
    }
}

/// Ends [`pass_on`] when it goes out of scope, also by a panic: the thread would be waited for otherwise.
pub(super) struct CloseOnDrop(pub(super) Handle);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.close();
    }
}
