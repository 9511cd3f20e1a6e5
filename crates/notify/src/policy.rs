//! How long to try, and how often.

use std::time::Duration;

/// How long to wait for a server, how often to try again, and when to give up.
///
/// | field | default | what it bounds |
/// |---|---|---|
/// | `connect_timeout` | 10 s | reaching the server, part of `attempt_timeout` |
/// | `attempt_timeout` | 30 s | one attempt, from the look-up of the name to the end of the reply |
/// | `max_attempts` | 4 | attempts for one part of a message; 0 counts as 1 |
/// | `first_backoff` | 1 s | the wait after the first failure; doubled after each further one |
/// | `max_wait` | 60 s | every wait; a server that asks for more ends the delivery |
/// | `budget` | 150 s | the whole delivery: all parts, attempts and waits |
///
/// Nothing waits beyond `budget`: an attempt that starts near the end of it is given the rest, and
/// a wait that would reach the end of it is not begun. `Duration::MAX` stands for no limit, except
/// that no attempt takes more than a day, and `Duration::ZERO` for a millisecond where an attempt is
/// bounded.
///
/// A mail server is reached when it has greeted and has answered the greeting in return: a server
/// that makes clients wait for its first line, as a measure against spam, needs a `connect_timeout`
/// that is longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// The time to reach the server; of a mail server, each step up to its answer to `EHLO`.
    pub connect_timeout: Duration,
    /// The time for one whole attempt.
    pub attempt_timeout: Duration,
    /// How often one part of a message is tried.
    pub max_attempts: u32,
    /// The wait after the first failed attempt.
    pub first_backoff: Duration,
    /// The longest wait between two attempts.
    pub max_wait: Duration,
    /// The time for the whole delivery.
    pub budget: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            attempt_timeout: Duration::from_secs(30),
            max_attempts: 4,
            first_backoff: Duration::from_secs(1),
            max_wait: Duration::from_secs(60),
            budget: Duration::from_secs(150),
        }
    }
}
