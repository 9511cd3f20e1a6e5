//! What the process itself asks and says.

use std::path::PathBuf;

pub(crate) const ROLE: &str = "BUILDBOOK_OTHER_ROLE";
pub(crate) const PATH: &str = "BUILDBOOK_OTHER_PATH";
pub(crate) const READY: &str = "other: ready";

/// The role that this process plays, and where; `None` in an ordinary run of the tests.
#[must_use]
pub fn part() -> Option<(String, PathBuf)> {
    Some((std::env::var(ROLE).ok()?, std::env::var_os(PATH)?.into()))
}

/// Tells the test something; see [`Other::says_first`](crate::Other::says_first).
pub fn say(words: &str) {
    println!("{words}");
}

/// Says that all is prepared, and waits until the test tells it to go on.
pub fn ready_until_told() {
    say(READY);
    std::io::stdin().read_line(&mut String::new()).unwrap();
}
