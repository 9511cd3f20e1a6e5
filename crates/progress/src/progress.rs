//! A snapshot of a run in flight, and how it changes.

use std::time::Duration;

use buildbook_json::Kept;
use buildbook_layout::{RunId, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};

use crate::Phase;

/// A snapshot of a run in flight; the fields are the keys of `progress.json`, in their order.
///
/// The first ten are those of the original. The rest are additions that its readers pass over. Of what
/// is read, only `run_id` and `phase` must be there; a missing count is 0.
///
/// The functions that change a snapshot take it and return it changed, so that calls can be chained; the
/// fields are public for those that rather change it in place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The run.
    pub run_id: RunId,
    /// When the run began, as `YYYY-MM-DDTHH:MM:SS` in the writer's local time; for display.
    #[serde(default)]
    pub start_time: String,
    /// What the run is doing.
    pub phase: Phase,
    /// What was asked for, as `name.version`, in the order of the plan.
    #[serde(default)]
    pub targets: Vec<String>,
    /// How many targets have a solution.
    #[serde(default)]
    pub solutions_found: u64,
    /// How many targets have none.
    #[serde(default)]
    pub solutions_failed: u64,
    /// How many builds have ended, well or badly.
    #[serde(default)]
    pub build_completed: u64,
    /// How many builds there are.
    #[serde(default)]
    pub build_total: u64,
    /// How many documentation steps have ended, well or badly.
    #[serde(default)]
    pub doc_completed: u64,
    /// How many documentation steps there are.
    #[serde(default)]
    pub doc_total: u64,
    /// How many of the completed builds did not succeed, if the writer says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_failed: Option<u64>,
    /// When this snapshot was written, in UTC, to the second. [`write()`](crate::write()) sets it. The
    /// original does not say; neither does a text that is not a time.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "time_if_it_is_one")]
    pub heartbeat: Option<Timestamp>,
    /// The number of this snapshot: each [`write()`](crate::write()) adds one. 0 when the writer does not count.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub sequence: u64,
}

impl Progress {
    /// The first snapshot of a run: solving, with all counts at 0.
    ///
    /// `start_time` is for display, in local time like the other unmarked times of a run's files;
    /// `Timestamp::format_local` spells it.
    #[must_use]
    pub fn create(
        run_id: RunId,
        start_time: impl Into<String>,
        targets: impl IntoIterator<Item: Into<String>>,
    ) -> Self {
        Progress {
            run_id,
            start_time: start_time.into(),
            phase: Phase::Solving,
            targets: targets.into_iter().map(Into::into).collect(),
            solutions_found: 0,
            solutions_failed: 0,
            build_completed: 0,
            build_total: 0,
            doc_completed: 0,
            doc_total: 0,
            build_failed: None,
            heartbeat: None,
            sequence: 0,
        }
    }

    /// Enters a phase. Any phase may follow any other.
    #[must_use]
    pub fn set_phase(self, phase: Phase) -> Self {
        Progress { phase, ..self }
    }

    /// Says how many targets have a solution and how many have none.
    #[must_use]
    pub fn set_solutions(self, found: u64, failed: u64) -> Self {
        Progress { solutions_found: found, solutions_failed: failed, ..self }
    }

    /// Says how many builds there are. Documentation has a total of its own, [`Progress::set_doc_total`];
    /// the original sets both at once.
    #[must_use]
    pub fn set_build_total(self, total: u64) -> Self {
        Progress { build_total: total, ..self }
    }

    /// Says how many documentation steps there are.
    #[must_use]
    pub fn set_doc_total(self, total: u64) -> Self {
        Progress { doc_total: total, ..self }
    }

    /// Says how many builds and how many documentation steps have ended.
    #[must_use]
    pub fn set_completed(self, build: u64, doc: u64) -> Self {
        Progress { build_completed: build, doc_completed: doc, ..self }
    }

    /// Says how many of the completed builds did not succeed.
    #[must_use]
    pub fn set_build_failed(self, failed: u64) -> Self {
        Progress { build_failed: Some(failed), ..self }
    }

    /// Counts one more build that has ended.
    #[must_use]
    pub fn incr_build_completed(self) -> Self {
        Progress { build_completed: self.build_completed.saturating_add(1), ..self }
    }

    /// Counts one more documentation step that has ended.
    #[must_use]
    pub fn incr_doc_completed(self) -> Self {
        Progress { doc_completed: self.doc_completed.saturating_add(1), ..self }
    }

    /// The snapshot as it is in the file.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("words, numbers and lists of words have a JSON form")
    }

    /// All of it but the targets, which are the large part.
    pub(crate) fn without_targets(&self) -> Self {
        Progress {
            run_id: self.run_id.clone(),
            start_time: self.start_time.clone(),
            phase: self.phase.clone(),
            targets: Vec::new(),
            ..*self
        }
    }

    /// How long ago the snapshot was written: zero when it is from the future, as after the clock was set
    /// back, and `None` when the writer does not say, as the original.
    #[must_use]
    pub fn age(&self, now: Timestamp) -> Option<Duration> {
        self.heartbeat.map(|written| now.since(written))
    }

    /// The completed part of the builds, 0 to 1; `None` while there is nothing to complete.
    #[must_use]
    pub fn build_ratio(&self) -> Option<f64> {
        ratio(self.build_completed, self.build_total)
    }

    /// The completed part of the documentation steps, 0 to 1; `None` while there is nothing to complete.
    #[must_use]
    pub fn doc_ratio(&self) -> Option<f64> {
        ratio(self.doc_completed, self.doc_total)
    }

    /// [`Progress::build_ratio`] in whole percent, rounded down: 100 means all of them.
    #[must_use]
    pub fn build_percent(&self) -> Option<u8> {
        percent(self.build_completed, self.build_total)
    }

    /// [`Progress::doc_ratio`] in whole percent, rounded down: 100 means all of them.
    #[must_use]
    pub fn doc_percent(&self) -> Option<u8> {
        percent(self.doc_completed, self.doc_total)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a ratio for a bar on a screen")]
fn ratio(completed: u64, total: u64) -> Option<f64> {
    (total > 0).then(|| completed.min(total) as f64 / total as f64)
}

fn percent(completed: u64, total: u64) -> Option<u8> {
    let hundredfold = u128::from(completed.min(total)) * 100;
    hundredfold.checked_div(u128::from(total)).and_then(|percent| u8::try_from(percent).ok())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A heartbeat that cannot be read is one that nobody can judge by; the rest of the snapshot is still good.
fn time_if_it_is_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    Kept::deserialize(deserializer).map(|text: Kept<String>| Timestamp::parse(&text.value()?).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_part_of_nothing_is_not_a_number() {
        assert_eq!((ratio(0, 0), percent(0, 0)), (None, None));
        assert_eq!((ratio(5, 0), percent(5, 0)), (None, None));
    }

    #[test]
    fn a_hundred_percent_is_all_and_never_more() {
        let table = [(0, 3, 0), (1, 3, 33), (2, 3, 66), (3, 3, 100), (9, 3, 100), (199_999, 200_000, 99)];
        for (completed, total, expected) in table {
            assert_eq!(percent(completed, total), Some(expected), "{completed} of {total}");
        }
        assert_eq!(percent(u64::MAX, u64::MAX), Some(100));
    }

    proptest! {
        #[test]
        fn parts_stay_within_their_bounds(completed: u64, total in 1..=u64::MAX) {
            let (ratio, percent) = (ratio(completed, total).unwrap(), percent(completed, total).unwrap());
            prop_assert!((0.0..=1.0).contains(&ratio));
            prop_assert_eq!(percent == 100, completed >= total);
        }
    }
}
