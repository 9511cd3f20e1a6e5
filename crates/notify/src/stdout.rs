//! Telling whoever reads our output.

use std::io::Write;

use crate::{Channel, Error, Receipt};

/// Writes `message` and a line feed to `out`, byte for byte, and flushes it.
///
/// The program hands in its own output here; [`Notifier::send`](crate::Notifier::send) uses the
/// standard output of the process.
///
/// # Errors
///
/// [`Error::EmptyMessage`], and [`Error::Output`] when writing fails, as it does once the reader of
/// a pipe has gone. Part of the message may have been written then.
pub fn write_message(out: &mut dyn Write, message: &str) -> Result<Receipt, Error> {
    const CHANNEL: Channel = Channel::Stdout;
    if message.trim().is_empty() {
        return Err(Error::EmptyMessage { channel: CHANNEL });
    }
    let written =
        out.write_all(message.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
    match written {
        Ok(()) => Ok(Receipt { channel: CHANNEL, parts: 1, attempts: 1, cut: 0 }),
        Err(source) => Err(Error::Output { source }),
    }
}
