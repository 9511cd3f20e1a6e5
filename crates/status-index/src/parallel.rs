//! Work that is shared out among the processor's cores.

use std::num::NonZero;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// So many items at least are worth a thread.
const SHARE: usize = 64;

/// Splits `count` items into ranges, works on them on as many threads as there are cores, and returns the results in
/// the order of the items, whoever was done first. Each thread makes what it works with once.
pub(crate) fn in_parallel<W, R: Send>(
    count: usize,
    worker: impl Fn() -> W + Sync,
    work: impl Fn(&mut W, Range<usize>) -> R + Sync,
) -> Vec<R> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let threads = cores.min(count.div_ceil(SHARE)).max(1);
    // Small enough that nobody waits long for the last one to finish.
    let share = (count / (threads * 16)).clamp(SHARE, 1024);
    let next = AtomicUsize::new(0);
    let take_shares = || {
        let (mut worker, mut results) = (worker(), Vec::new());
        loop {
            let start = next.fetch_add(share, Ordering::Relaxed);
            if start >= count {
                return results;
            }
            results.push((start, work(&mut worker, start..count.min(start + share))));
        }
    };
    let mut results = thread::scope(|scope| {
        // Where the system has no more threads to give, those that there are do the work.
        let helpers: Vec<_> = (1..threads)
            .map_while(|_| thread::Builder::new().spawn_scoped(scope, take_shares).ok())
            .collect();
        let mut results = take_shares();
        for helper in helpers {
            match helper.join() {
                Ok(more) => results.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        results
    });
    results.sort_unstable_by_key(|(start, _)| *start);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_worked_on_once_and_in_order() {
        for count in [0, 1, SHARE, SHARE + 1, 10_000] {
            let ranges = in_parallel(count, || 0, |_, range| range);
            let items: Vec<usize> = ranges.into_iter().flatten().collect();
            assert_eq!(items, (0..count).collect::<Vec<_>>());
        }
    }
}
