//! What a piece of work cost.

use std::fmt;
use std::fs;
use std::str::FromStr;

use stats_alloc::Region;

/// What the work did while it was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cost {
    /// Bytes that read calls gave.
    pub(crate) bytes_read: u64,
    pub(crate) read_calls: u64,
    pub(crate) bytes_written: u64,
    pub(crate) write_calls: u64,
    /// How often memory was asked for, anew or more of it.
    pub(crate) allocations: u64,
    pub(crate) bytes_allocated: u64,
}

/// Does some work in this process, in which nothing else goes on, and counts. Programs that it starts and waits for count
/// as well, but for their memory.
pub(crate) fn cost<T>(work: impl FnOnce() -> T) -> Cost {
    // What asking costs is no part of the answer.
    let asking = since(&calls());
    let before = calls();
    let memory = Region::new(crate::MEMORY);
    let done = work();
    let change = memory.change();
    let mut cost = since(&before);
    drop(done);
    cost.bytes_read -= asking.bytes_read;
    cost.read_calls -= asking.read_calls;
    cost.allocations = (change.allocations + change.reallocations) as u64;
    cost.bytes_allocated =
        change.bytes_allocated as u64 + u64::try_from(change.bytes_reallocated).unwrap_or(0);
    cost
}

/// What the kernel has counted for this process so far.
fn calls() -> [u64; 4] {
    let text = fs::read_to_string("/proc/self/io").unwrap();
    ["rchar", "syscr", "wchar", "syscw"].map(|name| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.unwrap().parse().unwrap()
    })
}

fn since(before: &[u64; 4]) -> Cost {
    let [bytes_read, read_calls, bytes_written, write_calls] = calls();
    let [bytes_read_before, read_calls_before, bytes_written_before, write_calls_before] = before;
    Cost {
        bytes_read: bytes_read - bytes_read_before,
        read_calls: read_calls - read_calls_before,
        bytes_written: bytes_written - bytes_written_before,
        write_calls: write_calls - write_calls_before,
        allocations: 0,
        bytes_allocated: 0,
    }
}

/// As one line, on the way from one process to another.
impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cost { bytes_read, read_calls, bytes_written, write_calls, allocations, bytes_allocated } = self;
        write!(f, "{bytes_read} {read_calls} {bytes_written} {write_calls} {allocations} {bytes_allocated}")
    }
}

impl FromStr for Cost {
    type Err = std::num::ParseIntError;

    fn from_str(line: &str) -> Result<Cost, Self::Err> {
        let mut numbers = line.split(' ').map(str::parse);
        let mut next = || numbers.next().unwrap();
        Ok(Cost {
            bytes_read: next()?,
            read_calls: next()?,
            bytes_written: next()?,
            write_calls: next()?,
            allocations: next()?,
            bytes_allocated: next()?,
        })
    }
}
