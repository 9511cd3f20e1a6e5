//! The names of runs.

use std::cmp::Ordering;

use crate::Timestamp;
use crate::component::{Reason, name_type};

/// A run: `YYYY-MM-DD-HHMMSS`, the second in which it began, in UTC.
///
/// A run that begins in a second that is already taken has a suffix of three digits, `-002` to
/// `-999`, so that names sort by time as plain text too. Ids of the original, which are in local time,
/// and suffixes of other lengths are accepted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

name_type!(RunId, "run id");

/// The bytes of `YYYY-MM-DD-HHMMSS`.
const PREFIX: usize = 17;

impl RunId {
    /// The largest suffix that [`RunId::with_suffix`] gives.
    pub const MAX_SUFFIX: u32 = 999;

    fn check_shape(name: &str) -> Result<(), Reason> {
        const SHAPE: Reason = Reason::Shape("YYYY-MM-DD-HHMMSS with an optional -NNN");
        let (Some(prefix), Some(rest)) = (name.get(..PREFIX), name.get(PREFIX..)) else {
            return Err(SHAPE);
        };
        let suffix_is_good = match rest.strip_prefix('-') {
            None => rest.is_empty(),
            Some(digits) => (1..=9).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()),
        };
        if suffix_is_good && Timestamp::from_run_prefix(prefix).is_some() { Ok(()) } else { Err(SHAPE) }
    }

    /// The id of a run that begins at this time, before anybody knows whether it is taken. Parts of a
    /// second are dropped.
    #[must_use]
    pub fn starting_at(start: Timestamp) -> Self {
        RunId(start.to_run_prefix())
    }

    /// The id for the `n`-th run of the same second, counted from 1; `None` above [`RunId::MAX_SUFFIX`]
    /// and at 0.
    #[must_use]
    pub fn with_suffix(&self, n: u32) -> Option<Self> {
        match n {
            1 => Some(RunId(self.prefix().to_owned())),
            2..=Self::MAX_SUFFIX => Some(RunId(format!("{}-{n:03}", self.prefix()))),
            _ => None,
        }
    }

    /// The second in which the run began. Ids of the original are in a local time zone that the name
    /// does not tell; they are taken as UTC.
    #[must_use]
    pub fn started(&self) -> Timestamp {
        Timestamp::from_run_prefix(self.prefix()).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    fn prefix(&self) -> &str {
        self.0.get(..PREFIX).unwrap_or_default()
    }

    fn suffix(&self) -> u32 {
        self.0.get(PREFIX + 1..).and_then(|digits| digits.parse().ok()).unwrap_or(1)
    }
}

/// By time, then by the number of the suffix, then by spelling.
impl Ord for RunId {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.prefix(), self.suffix(), &self.0).cmp(&(other.prefix(), other.suffix(), &other.0))
    }
}

impl PartialOrd for RunId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_the_original_and_our_own_are_accepted() {
        for id in ["2026-03-09-125444", "2026-03-09-125444-2", "2026-03-09-125444-002"] {
            assert_eq!(id.parse::<RunId>().unwrap().as_str(), id);
        }
        for id in [
            "",
            "latest",
            "2026-03-09",
            "2026-13-09-125444",
            "2026-02-30-125444",
            "2026-03-09-126044",
            "2026-03-09-125444-",
            "2026-03-09-125444-x",
            "2026-03-09-1254442",
            "2026-03-09-12544é",
        ] {
            assert!(id.parse::<RunId>().is_err(), "{id:?}");
        }
    }

    #[test]
    fn order_is_time_then_suffix_both_as_values_and_as_text() {
        let first = RunId::starting_at(Timestamp::parse("2026-03-09T12:54:44Z").unwrap());
        let mut ids: Vec<RunId> = (1..=RunId::MAX_SUFFIX).filter_map(|n| first.with_suffix(n)).collect();
        ids.push(RunId::starting_at(Timestamp::parse("2026-03-09T12:54:45Z").unwrap()));
        assert!(ids.is_sorted());
        assert!(ids.iter().map(RunId::as_str).is_sorted());
        assert_eq!(first.with_suffix(0), None);
        assert_eq!(first.with_suffix(RunId::MAX_SUFFIX + 1), None);
        assert_eq!(ids[5].with_suffix(1), Some(first));

        let (two, ten): (RunId, RunId) =
            ("2026-03-09-125444-2".parse().unwrap(), "2026-03-09-125444-10".parse().unwrap());
        assert!(two < ten, "suffixes of the older form are numbers too");
    }

    #[test]
    fn an_id_tells_when_its_run_began() {
        let id: RunId = "2026-03-09-125444-007".parse().unwrap();
        assert_eq!(id.started().to_string(), "2026-03-09T12:54:44Z");
    }
}
