//! Trying again, within limits.

use std::time::{Duration, Instant};

use crate::{Error, Policy};

/// No attempt is given less, whatever the policy says: for clients a limit of zero is no limit at all,
/// or one that cannot be set.
const SHORTEST_ATTEMPT: Duration = Duration::from_millis(1);

/// No attempt is given more, whatever the policy says: clients add the limit to the present, and
/// stop with a panic where the clock ends.
const LONGEST_ATTEMPT: Duration = Duration::from_secs(24 * 60 * 60);

/// How an attempt failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Trying again would fail in the same way.
    Final(Error),
    /// Trying again may help; the server may have said when.
    Temporary { error: Error, wait: Option<Duration> },
}

/// What an attempt is allowed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Try {
    /// Counted from 1.
    pub(crate) number: u32,
    /// The time it may take.
    pub(crate) limit: Duration,
    /// The part of it that it may take to reach the server.
    pub(crate) connect: Duration,
}

/// The passing of time, so that tests of long waits are short.
pub(crate) trait Clock {
    fn now(&self) -> Instant;
    fn sleep(&self, wait: Duration);
}

/// The clock of the system.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep(&self, wait: Duration) {
        std::thread::sleep(wait);
    }
}

/// The attempts of one delivery, which share one budget of time.
pub(crate) struct Retries<'a> {
    policy: &'a Policy,
    clock: &'a dyn Clock,
    started: Instant,
    /// All attempts so far, of all parts.
    pub(crate) attempts: u32,
}

impl<'a> Retries<'a> {
    /// The budget starts now.
    pub(crate) fn new(policy: &'a Policy, clock: &'a dyn Clock) -> Self {
        Self { policy, clock, started: clock.now(), attempts: 0 }
    }

    fn left(&self) -> Duration {
        self.policy.budget.saturating_sub(self.clock.now().saturating_duration_since(self.started))
    }

    /// Calls `attempt` until it succeeds, fails for good, or nothing of what the policy allows is
    /// left; the error is then that of the last attempt.
    pub(crate) fn run(&mut self, mut attempt: impl FnMut(Try) -> Result<(), Failure>) -> Result<(), Error> {
        let mut backoff = self.policy.first_backoff;
        let mut number = 0;
        loop {
            number += 1;
            self.attempts += 1;
            let allowed = self.policy.attempt_timeout.min(self.left());
            let limit = allowed.clamp(SHORTEST_ATTEMPT, LONGEST_ATTEMPT);
            let connect = self.policy.connect_timeout.clamp(SHORTEST_ATTEMPT, limit);
            let (error, asked) = match attempt(Try { number, limit, connect }) {
                Ok(()) => return Ok(()),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Temporary { error, wait }) => (error, wait),
            };
            // A server that asks for less than our own first step is asked again no faster.
            let wait = match asked {
                Some(asked) => asked.max(self.policy.first_backoff.min(self.policy.max_wait)),
                None => backoff.min(self.policy.max_wait),
            };
            let too_long = wait > self.policy.max_wait || wait >= self.left();
            if number >= self.policy.max_attempts || too_long {
                return Err(error);
            }
            self.clock.sleep(wait);
            backoff = backoff.saturating_mul(2);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::Channel;

    /// A clock on which only sleeping takes time; it remembers each sleep.
    struct Slept {
        start: Instant,
        waits: RefCell<Vec<u64>>,
    }

    impl Slept {
        fn new() -> Self {
            Self { start: Instant::now(), waits: RefCell::default() }
        }
    }

    impl Clock for Slept {
        fn now(&self) -> Instant {
            self.start + Duration::from_secs(self.waits.borrow().iter().sum())
        }

        fn sleep(&self, wait: Duration) {
            self.waits.borrow_mut().push(wait.as_secs());
        }
    }

    fn error() -> Error {
        Error::EmptyMessage { channel: Channel::Slack }
    }

    fn busy(seconds: Option<u64>) -> Result<(), Failure> {
        Err(Failure::Temporary { error: error(), wait: seconds.map(Duration::from_secs) })
    }

    fn policy() -> Policy {
        Policy { max_attempts: 6, budget: Duration::from_secs(1000), ..Policy::default() }
    }

    /// The sleeps and the number of attempts when every attempt ends with `outcome`.
    fn waits(policy: Policy, outcome: impl Fn(u32) -> Result<(), Failure>) -> (Vec<u64>, u32) {
        let clock = Slept::new();
        let mut retries = Retries::new(&policy, &clock);
        let _ = retries.run(|attempt| outcome(attempt.number));
        let attempts = retries.attempts;
        (clock.waits.into_inner(), attempts)
    }

    #[test]
    fn waits_double_up_to_the_longest_allowed() {
        let policy = Policy { max_wait: Duration::from_secs(5), ..policy() };
        assert_eq!(waits(policy, |_| busy(None)), (vec![1, 2, 4, 5, 5], 6));
    }

    #[test]
    fn the_server_s_wait_is_obeyed_but_never_hurried() {
        assert_eq!(
            waits(policy(), |number| if number < 3 { busy(Some(7)) } else { Ok(()) }),
            (vec![7, 7], 3)
        );
        assert_eq!(waits(policy(), |number| if number < 2 { busy(Some(0)) } else { Ok(()) }), (vec![1], 2));
    }

    #[test]
    fn an_absurd_wait_ends_the_delivery_at_once() {
        assert_eq!(waits(policy(), |_| busy(Some(61))), (vec![], 1));
        assert_eq!(waits(policy(), |_| busy(Some(u64::MAX))), (vec![], 1));
    }

    #[test]
    fn a_first_step_beyond_the_longest_wait_does_not_make_a_server_s_short_wait_too_long() {
        let policy =
            Policy { max_wait: Duration::from_secs(5), first_backoff: Duration::from_secs(9), ..policy() };
        let once = |asked| waits(policy, move |number| if number < 2 { busy(asked) } else { Ok(()) });
        assert_eq!(once(Some(0)), (vec![5], 2));
        assert_eq!(once(None), (vec![5], 2));
    }

    #[test]
    fn an_attempt_has_bounds_that_clients_can_keep_whatever_the_policy_says() {
        let (ms, s) = (Duration::from_millis, Duration::from_secs);
        let table = [
            // Connecting, attempt, budget; what is allowed in all, and to connect.
            (Duration::MAX, Duration::MAX, Duration::MAX, LONGEST_ATTEMPT, LONGEST_ATTEMPT),
            (Duration::ZERO, Duration::ZERO, Duration::ZERO, ms(1), ms(1)),
            (Duration::ZERO, s(30), s(100), s(30), ms(1)),
            (s(10), s(30), s(100), s(30), s(10)),
            (s(10), s(30), s(5), s(5), s(5)),
        ];
        for (connect_timeout, attempt_timeout, budget, limit, connect) in table {
            let policy = Policy { connect_timeout, attempt_timeout, budget, ..policy() };
            let mut given = None;
            let clock = Slept::new();
            let _ = Retries::new(&policy, &clock).run(|attempt| {
                given = Some((attempt.limit, attempt.connect));
                Ok(())
            });
            assert_eq!(given, Some((limit, connect)), "{policy:?}");
        }
    }

    #[test]
    fn a_final_failure_is_not_tried_again() {
        assert_eq!(waits(policy(), |_| Err(Failure::Final(error()))), (vec![], 1));
    }

    #[test]
    fn no_attempts_count_as_one() {
        assert_eq!(waits(Policy { max_attempts: 0, ..policy() }, |_| busy(None)), (vec![], 1));
    }

    #[test]
    fn the_budget_bounds_all_waits_together_and_the_last_attempt() {
        let policy = Policy { budget: Duration::from_secs(10), ..policy() };
        assert_eq!(waits(policy, |_| busy(None)), (vec![1, 2, 4], 4));
        let clock = Slept::new();
        let mut retries = Retries::new(&policy, &clock);
        let mut limits = Vec::new();
        let _ = retries.run(|attempt| {
            limits.push(attempt.limit.as_secs());
            busy(None)
        });
        assert_eq!(limits, [10, 9, 7, 3]);
    }
}
