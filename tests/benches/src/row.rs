//! What is measured: rows, their sides, and what is claimed of them.

use std::time::Duration;

use anyhow::Result;

use crate::data::Place;

/// One kind of work.
pub(crate) struct Row {
    /// The number of the row in the table of targets.
    pub(crate) number: u8,
    pub(crate) title: &'static str,
    /// Makes the data that the sides need, where they are not there yet.
    pub(crate) prepare: fn(&Place) -> Result<()>,
    /// Ways to do the work, in the order in which they take turns.
    pub(crate) sides: &'static [Side],
    pub(crate) claims: &'static [Claim],
    /// What processes do that sides start beside themselves.
    pub(crate) roles: &'static [crate::crew::Role],
    /// Whether the first time is not like the others, and is not counted.
    pub(crate) warm_up: bool,
    /// How the cost grows with the size: names of sides, and their sizes.
    pub(crate) growth: Option<&'static [(&'static str, usize)]>,
}

/// One way to do the work of a row.
pub(crate) struct Side {
    pub(crate) name: &'static str,
    /// Gets ready, then measures.
    pub(crate) run: fn(&Place) -> Result<Sample>,
}

/// One measurement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sample {
    pub(crate) took: Duration,
    /// How often the work was done in this time. Sides of a claim may differ in it.
    pub(crate) times: u64,
    /// The most memory that the process had at any moment of it.
    pub(crate) peak_kib: u64,
}

impl Sample {
    /// How long the work takes once, in seconds.
    pub(crate) fn seconds(&self) -> f64 {
        self.took.as_secs_f64() / self.times.max(1) as f64
    }
}

/// How a side compares with another.
pub(crate) struct Claim {
    /// Which part of the row it is about; empty where there is only one.
    pub(crate) about: &'static str,
    /// The side that is ours.
    pub(crate) ours: &'static str,
    /// The side that it is compared with.
    pub(crate) yardstick: &'static str,
    pub(crate) target: Target,
    /// How long the program took that ours is meant to succeed, on another machine and another day; empty where nobody
    /// measured it. It is shown, and judges nothing.
    pub(crate) original: &'static str,
}

/// What is to be reached.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Target {
    /// Our time is at most so many times the yardstick's.
    Time(f64),
    /// As `Time`, and our peak memory is at most so many MiB.
    TimeAndMemory(f64, u64),
    /// As `Time`, and it takes at most so many seconds.
    TimeAndSeconds(f64, f64),
    /// It takes at most so many seconds. The yardstick is shown, and judges nothing.
    Seconds(f64),
    /// Our rate is at least so many times the yardstick's.
    Rate(f64),
    /// It is shown, and nothing was promised.
    None,
}

impl Target {
    /// The ratio that the target is about, from both times.
    pub(crate) fn ratio(self, ours: f64, yardstick: f64) -> f64 {
        match self {
            Target::Rate(_) => yardstick / ours,
            _ => ours / yardstick,
        }
    }

    /// Whether it is reached; `None` where nothing was promised.
    pub(crate) fn is_reached(self, ratio: f64, ours_seconds: f64, ours_kib: u64) -> Option<bool> {
        match self {
            Target::Time(limit) => Some(ratio <= limit),
            Target::TimeAndMemory(limit, mib) => Some(ratio <= limit && ours_kib <= mib * 1024),
            Target::TimeAndSeconds(limit, seconds) => Some(ratio <= limit && ours_seconds <= seconds),
            Target::Seconds(seconds) => Some(ours_seconds <= seconds),
            Target::Rate(limit) => Some(ratio >= limit),
            Target::None => None,
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Target::Time(limit) => write!(f, "≤ {limit} × time"),
            Target::TimeAndMemory(limit, mib) => write!(f, "≤ {limit} × time, ≤ {mib} MiB"),
            Target::TimeAndSeconds(limit, seconds) => write!(f, "≤ {limit} × time, ≤ {seconds} s"),
            Target::Seconds(seconds) => write!(f, "≤ {seconds} s"),
            Target::Rate(limit) => write!(f, "≥ {limit} × rate"),
            Target::None => f.write_str("—"),
        }
    }
}

/// A claim about time.
pub(crate) const fn claim(
    about: &'static str,
    ours: &'static str,
    yardstick: &'static str,
    target: Target,
) -> Claim {
    Claim { about, ours, yardstick, target, original: "" }
}

impl Claim {
    /// The same claim, with what the original took.
    pub(crate) const fn original(self, original: &'static str) -> Claim {
        Claim { original, ..self }
    }
}
