//! How long the rest will take.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use buildbook::runlog::RunLog;

use crate::plan::Plan;

/// How many earlier runs are asked how long a build took.
const RUNS: usize = 5;

/// What is known about the time that targets take, and which of them are still to come.
pub(super) struct Estimate {
    jobs: usize,
    /// Seconds that each target took in an earlier run; 0 for one that is taken from its layer.
    expected: Vec<Option<f64>>,
    /// Each target's dependents.
    dependents: Vec<Vec<usize>>,
    /// Positions, every target after its dependencies.
    order: Vec<usize>,
    ended: Vec<bool>,
    running: HashMap<usize, Instant>,
    /// Seconds of what was built in this run, for targets that nobody has built before.
    seen: Vec<f64>,
}

impl Estimate {
    /// Earlier runs are read only where there is something to build and the result is `shown`.
    pub(super) fn new(plan: &Plan, good: &[bool], jobs: usize, run_log: &RunLog, shown: bool) -> Estimate {
        let is_needed = shown && !good.iter().all(|good| *good);
        let known = if is_needed { earlier_durations(run_log) } else { HashMap::new() };
        let expected = plan
            .targets
            .iter()
            .zip(good)
            .map(|(target, good)| if *good { Some(0.0) } else { known.get(target.package.as_str()).copied() })
            .collect();
        Estimate {
            jobs: jobs.max(1),
            expected,
            dependents: plan.dependents(),
            order: plan.order.clone(),
            ended: vec![false; plan.targets.len()],
            running: HashMap::new(),
            seen: Vec::new(),
        }
    }

    /// How long a target took before.
    pub(super) fn expected(&self, position: usize) -> Option<Duration> {
        self.expected
            .get(position)
            .copied()
            .flatten()
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    }

    pub(super) fn started(&mut self, position: usize) {
        self.running.insert(position, Instant::now());
    }

    /// Takes note of an end, and of how long it took if it was a real build.
    pub(super) fn ended(&mut self, position: usize, built_in: Option<Duration>) {
        self.running.remove(&position);
        if let Some(ended) = self.ended.get_mut(position) {
            *ended = true;
        }
        self.seen.extend(built_in.map(|span| span.as_secs_f64()));
    }

    /// How long the rest takes if builds take as long as before, and those without a past as long as the
    /// average: the work that is left, shared among the jobs, but no less than the longest chain of targets
    /// that wait for each other. `None` as long as nothing is known of a target that is left.
    pub(super) fn remaining(&self) -> Option<Duration> {
        let is_known = |(ended, expected): (&bool, &Option<f64>)| *ended || expected.is_some();
        let all_known = self.ended.iter().zip(&self.expected).all(is_known);
        let average = if all_known { 0.0 } else { self.average()? };
        let left = |position: usize| -> f64 {
            if self.ended[position] {
                return 0.0;
            }
            let whole = self.expected[position].unwrap_or(average);
            let done = self.running.get(&position).map_or(0.0, |start| start.elapsed().as_secs_f64());
            (whole - done).max(0.0)
        };
        let mut work = 0.0;
        let mut chains = vec![0.0_f64; self.order.len()];
        for position in self.order.iter().rev() {
            let own = left(*position);
            let after = self.dependents[*position].iter().map(|other| chains[*other]).fold(0.0, f64::max);
            work += own;
            chains[*position] = own + after;
        }
        let longest = chains.into_iter().fold(0.0, f64::max);
        #[expect(clippy::cast_precision_loss, reason = "at most a thousand jobs")]
        let shared = work / self.jobs as f64;
        Duration::try_from_secs_f64(shared.max(longest)).ok()
    }

    fn average(&self) -> Option<f64> {
        let known: Vec<f64> = self
            .expected
            .iter()
            .flatten()
            .filter(|seconds| **seconds > 0.0)
            .chain(&self.seen)
            .copied()
            .collect();
        #[expect(clippy::cast_precision_loss, reason = "an average of a few thousand numbers")]
        let count = known.len() as f64;
        (count > 0.0).then(|| known.iter().sum::<f64>() / count)
    }
}

/// How long each package took when it was last built. Runs that cannot be read are passed over: this is an
/// estimate.
fn earlier_durations(run_log: &RunLog) -> HashMap<String, f64> {
    let mut durations = HashMap::new();
    let runs = run_log.runs().map(|runs| runs.runs).unwrap_or_default();
    let newest = runs.len().saturating_sub(RUNS);
    for run in runs.iter().skip(newest) {
        let Ok(events) = run_log.events(&run.id) else { continue };
        for event in events.events {
            let event = event.event;
            if let Some(seconds) = event.seconds.filter(|seconds| seconds.is_finite() && *seconds >= 0.0) {
                durations.insert(event.pkg.to_string(), seconds);
            }
        }
    }
    durations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(expected: &[Option<f64>], deps: &[(usize, usize)], jobs: usize) -> Estimate {
        let mut dependents = vec![Vec::new(); expected.len()];
        for (dependent, dep) in deps {
            dependents[*dep].push(*dependent);
        }
        Estimate {
            jobs,
            expected: expected.to_vec(),
            dependents,
            order: (0..expected.len()).collect(),
            ended: vec![false; expected.len()],
            running: HashMap::new(),
            seen: Vec::new(),
        }
    }

    fn seconds(estimate: &Estimate) -> Option<f64> {
        estimate.remaining().map(|rest| rest.as_secs_f64())
    }

    #[test]
    fn the_rest_is_the_shared_work_but_no_less_than_the_longest_chain() {
        let known = [Some(4.0), Some(4.0), Some(4.0), Some(4.0)];
        assert_eq!(seconds(&estimate(&known, &[], 2)), Some(8.0));
        assert_eq!(seconds(&estimate(&known, &[], 100)), Some(4.0));
        assert_eq!(seconds(&estimate(&known, &[(1, 0), (2, 1), (3, 2)], 2)), Some(16.0));
    }

    #[test]
    fn a_target_without_a_past_takes_the_average() {
        assert_eq!(seconds(&estimate(&[Some(2.0), Some(4.0), None], &[], 1)), Some(9.0));
        let mut first = estimate(&[None, None], &[], 1);
        assert_eq!(seconds(&first), None);
        first.ended(0, Some(Duration::from_secs(5)));
        assert_eq!(seconds(&first), Some(5.0));
    }

    #[test]
    fn nothing_but_layers_takes_no_time() {
        assert_eq!(seconds(&estimate(&[Some(0.0), Some(0.0)], &[], 2)), Some(0.0));
    }
}
