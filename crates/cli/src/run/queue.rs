//! Which target is next.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::Verdict;
use crate::plan::Plan;

/// Hands out targets whose dependencies have ended, in the order of the plan.
pub(super) struct Queue<'p> {
    plan: &'p Plan,
    dependents: Vec<Vec<usize>>,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    ready: BTreeSet<usize>,
    /// For each target, how many of its dependencies have not ended.
    missing: Vec<usize>,
    verdicts: Vec<Option<Verdict>>,
    running: usize,
    stopped: bool,
}

/// A target to be seen through.
pub(super) struct Job {
    pub(super) position: usize,
    /// The failed target that it needs, if there is one: then there is nothing to build.
    pub(super) blocked_by: Option<usize>,
}

impl<'p> Queue<'p> {
    /// The targets that were taken have ended before, well; what they depend on as well.
    pub(super) fn new(plan: &'p Plan, taken: &[bool]) -> Queue<'p> {
        let to_come = |deps: &[usize]| deps.iter().filter(|dep| !taken[**dep]).count();
        let missing: Vec<usize> = plan.targets.iter().map(|target| to_come(&target.deps)).collect();
        let ready = (0..missing.len()).filter(|at| missing[*at] == 0 && !taken[*at]).collect();
        let verdicts = taken.iter().map(|taken| taken.then_some(Verdict::FromLayer)).collect();
        Queue {
            plan,
            dependents: plan.dependents(),
            state: Mutex::new(State { ready, missing, verdicts, running: 0, stopped: false }),
            changed: Condvar::new(),
        }
    }

    /// Waits for a target; `None` when there will be no more.
    pub(super) fn next(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if state.stopped {
                return None;
            }
            if let Some(position) = state.ready.pop_first() {
                state.running += 1;
                return Some(Job { position, blocked_by: self.root_of_failure(&state, position) });
            }
            if state.running == 0 {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The root of the first dependency, in the order of the plan, that did not come to a good end.
    fn root_of_failure(&self, state: &State, position: usize) -> Option<usize> {
        self.plan.targets[position].deps.iter().find_map(|dep| match &state.verdicts[*dep] {
            Some(Verdict::Failed(_)) => Some(*dep),
            Some(Verdict::Blocked { root }) => Some(*root),
            _ => None,
        })
    }

    /// Takes note of how a target ended, and makes those ready that waited for it.
    pub(super) fn end(&self, position: usize, verdict: Verdict) {
        let mut state = self.lock();
        // What depends on a target without an end never becomes ready.
        if !matches!(verdict, Verdict::Abandoned) {
            for dependent in &self.dependents[position] {
                state.missing[*dependent] -= 1;
                if state.missing[*dependent] == 0 {
                    state.ready.insert(*dependent);
                }
            }
        }
        state.verdicts[position] = Some(verdict);
        state.running -= 1;
        self.changed.notify_all();
    }

    /// Whether nobody waits for the ends of these targets: none of the plan's needs one of them, and there are others to
    /// begin, so that no worker is idle.
    pub(super) fn can_wait(&self, mut ended: impl Iterator<Item = usize>) -> bool {
        if ended.any(|position| !self.dependents[position].is_empty()) {
            return false;
        }
        let state = self.lock();
        !state.stopped && !state.ready.is_empty()
    }

    /// Hands out nothing more.
    pub(super) fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }

    /// How each target of the plan ended; those that were not reached are abandoned.
    pub(super) fn into_verdicts(self) -> Vec<Verdict> {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        state.verdicts.into_iter().map(|verdict| verdict.unwrap_or(Verdict::Abandoned)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use buildbook::layout::BuildHash;

    use super::*;
    use crate::plan::Target;

    /// A plan of targets with these dependencies.
    fn plan(deps: &[&[usize]]) -> Plan {
        let target = |(number, deps): (usize, &&[usize])| Target {
            package: format!("package-{number}.1").parse().unwrap(),
            command: vec!["true".to_owned()],
            deps: deps.to_vec(),
            env: BTreeMap::new(),
            blessed: true,
            timeout: None,
            inputs: Vec::new(),
            outputs: Vec::new(),
            hash: BuildHash::from_digest(&[0; 32]),
        };
        let targets: Vec<Target> = deps.iter().enumerate().map(target).collect();
        Plan { folder: "/nowhere".into(), order: (0..targets.len()).collect(), targets }
    }

    #[test]
    fn an_end_can_wait_if_nobody_needs_it_and_somebody_can_be_begun() {
        let plan = plan(&[&[], &[0], &[], &[]]);
        let queue = Queue::new(&plan, &[false; 4]);
        let can_wait = |ended: &[usize]| queue.can_wait(ended.iter().copied());
        assert!(can_wait(&[]) && can_wait(&[2]) && can_wait(&[1, 2]));
        assert!(!can_wait(&[0]) && !can_wait(&[2, 0]), "another one needs the first");
        assert_eq!([0, 2, 3].map(|_| queue.next().unwrap().position), [0, 2, 3]);
        assert!(!can_wait(&[2]), "only what waits for the first is left");
        queue.end(0, Verdict::Built);
        assert!(can_wait(&[2]));
        queue.stop();
        assert!(!can_wait(&[2]), "nothing is begun any more");
    }
}
