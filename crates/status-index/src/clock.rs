//! What time it is at least, as file systems tell it.

use buildbook_history::Stamp;

/// For each device, the latest time at which something is known to have changed there.
///
/// A file that was changed before that will show another time when it is changed again; one that was changed within
/// the same tick of the device's clock may not. The program's own clock is no help: it may be another machine's.
#[derive(Debug, Default)]
pub(crate) struct Clock(Vec<(u64, (i64, u32))>);

impl Clock {
    /// Takes note of something that was looked at.
    pub(crate) fn note(&mut self, stamp: &Stamp) {
        match self.0.iter_mut().find(|(device, _)| *device == stamp.device) {
            Some((_, latest)) => *latest = stamp.changed.max(*latest),
            None => self.0.push((stamp.device, stamp.changed)),
        }
    }

    /// Whether the device's clock has moved on since a file was changed.
    pub(crate) fn is_past(&self, stamp: &Stamp) -> bool {
        self.0.iter().any(|(device, latest)| *device == stamp.device && stamp.changed < *latest)
    }
}
