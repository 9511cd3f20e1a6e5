//! Work that is shared out among the processor's cores.

use std::num::NonZero;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Splits `count` items into ranges of `share` items, works on them on as many threads as there are cores, and
/// returns the results in the order of the items, whoever was done first.
///
/// It is meant for looking at many files. What changes the file system stays in one thread, where tests can count
/// and stop it; [`remove_trees`](crate::remove_trees) is the exception, and takes care of that. Where the system has
/// no more threads to give, those that there are do the work.
///
/// ```
/// let sums = buildbook_fsio::in_parallel(10, 4, |range| range.sum::<usize>());
/// assert_eq!(sums, [0 + 1 + 2 + 3, 4 + 5 + 6 + 7, 8 + 9]);
/// ```
///
/// # Panics
///
/// When `work` does.
pub fn in_parallel<R: Send>(count: usize, share: usize, work: impl Fn(Range<usize>) -> R + Sync) -> Vec<R> {
    let share = share.max(1);
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let threads = cores.min(count.div_ceil(share));
    let next = AtomicUsize::new(0);
    let take_shares = || {
        let mut results = Vec::new();
        loop {
            let start = next.fetch_add(share, Ordering::Relaxed);
            if start >= count {
                return results;
            }
            results.push((start, work(start..count.min(start.saturating_add(share)))));
        }
    };
    let mut results = thread::scope(|scope| {
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

/// Whether what the calling thread is about to do to the file system has to stay in it, because a test counts, fails
/// or stops it there. Whoever hands such work to other threads asks; without the feature `faults`, it is never so.
#[must_use]
pub fn must_stay_in_thread() -> bool {
    #[cfg(feature = "faults")]
    return crate::faults::are_planned();
    #[cfg(not(feature = "faults"))]
    false
}

/// As [`in_parallel`], for work that changes the items: each thread has its shares to itself.
///
/// ```
/// let mut numbers = [1, 2, 3, 4, 5];
/// let sums = buildbook_fsio::in_parallel_on(&mut numbers, 2, |share| {
///     share.iter_mut().for_each(|number| *number *= 10);
///     share.iter().sum::<i32>()
/// });
/// assert_eq!((numbers, sums.as_slice()), ([10, 20, 30, 40, 50], [30, 70, 50].as_slice()));
/// ```
///
/// # Panics
///
/// When `work` does.
pub fn in_parallel_on<T: Send, R: Send>(
    items: &mut [T],
    share: usize,
    work: impl Fn(&mut [T]) -> R + Sync,
) -> Vec<R> {
    let shares: Vec<Mutex<&mut [T]>> = items.chunks_mut(share.max(1)).map(Mutex::new).collect();
    let results = in_parallel(shares.len(), 1, |range| -> Vec<R> {
        // Nobody else asks for these shares, so no panic of another thread can have spoilt them.
        let mine = shares.get(range).unwrap_or_default().iter();
        mine.map(|share| work(&mut share.lock().unwrap_or_else(PoisonError::into_inner))).collect()
    });
    results.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_worked_on_once_and_in_order() {
        for count in [0, 1, 63, 64, 65, 10_000] {
            for share in [0, 1, 64, usize::MAX] {
                let items: Vec<usize> =
                    in_parallel(count, share, |range| range).into_iter().flatten().collect();
                assert_eq!(items, (0..count).collect::<Vec<_>>(), "{count} in shares of {share}");
            }
        }
    }
}
