//! Waiting a moment for others, so that they share what costs as much for many as for one.

use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

/// How long what has ended may wait for others that are about to end.
const GATHERING: Duration = Duration::from_millis(50);

/// How often it is looked meanwhile whether it may still wait.
const GLANCE: Duration = Duration::from_millis(5);

/// Adds what comes to what is there, until there is a crowd, or it may not wait any longer.
pub(super) fn gather<T>(
    coming: &Receiver<T>,
    there: &mut Vec<T>,
    crowd: usize,
    may_wait: impl Fn(&[T]) -> bool,
) {
    let end = Instant::now() + GATHERING;
    while there.len() < crowd && Instant::now() < end && may_wait(there) {
        // Not woken by each that comes, which would take a core from those who send them.
        std::thread::sleep(GLANCE);
        there.extend(coming.try_iter().take(crowd - there.len()));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn whoever_comes_joins_until_there_is_a_crowd() {
        let (sender, coming) = channel();
        (2..9).for_each(|number| sender.send(number).unwrap());
        let mut there = vec![1];
        gather(&coming, &mut there, 4, |_| true);
        assert_eq!(there, [1, 2, 3, 4]);
        assert_eq!(coming.try_iter().collect::<Vec<_>>(), [5, 6, 7, 8], "the others make the next round");
    }

    #[test]
    fn a_crowd_waits_for_nobody() {
        let (_sender, coming) = channel();
        let is_quick = || {
            let start = Instant::now();
            gather(&coming, &mut vec![1, 2], 2, |_| true);
            start.elapsed() < GATHERING
        };
        // A busy machine may take as long for nothing, but not each time.
        assert!((0..100).any(|_| is_quick()));
    }

    #[test]
    fn nobody_is_waited_for_when_somebody_waits() {
        let (sender, coming) = channel();
        sender.send(2).unwrap();
        let mut there = vec![1];
        gather(&coming, &mut there, 4, |_| false);
        assert_eq!(there, [1]);
        // The second is one that somebody waits for.
        gather(&coming, &mut there, 4, |there| !there.contains(&2));
        assert_eq!(there, [1, 2]);
        sender.send(3).unwrap();
        gather(&coming, &mut there, 4, |there| !there.contains(&2));
        assert_eq!(there, [1, 2]);
    }

    #[test]
    fn it_ends_although_nobody_comes() {
        let (_sender, coming) = channel();
        let mut there = vec![1];
        gather(&coming, &mut there, 4, |_| true);
        assert_eq!(there, [1]);
    }
}
