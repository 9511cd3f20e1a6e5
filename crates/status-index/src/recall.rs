//! Saying of a package what was said before, or reading what was added to its history, or all of it.

use buildbook_history::{Position, Stamp};
use buildbook_layout::PackageId;

use crate::Problem;
use crate::bounds::{Bounds, Fit};
use crate::clock::Clock;
use crate::facts::Fact;
use crate::memory::{self, Known, Memory, put_verdict, take_verdict};
use crate::part::Part;
use crate::passing::Passing;
use crate::scan::Scan;
use crate::state::take_state;

/// If more was added than this, the history is read from its start, in memory that does not depend on how much.
const MOST_ADDED: u64 = 1 << 20;

/// Shorter histories are read from their start when they have changed.
const SHORT: u64 = 4096;

/// The state of a history takes at most one part in so many of it, and at most so much.
const SHARE_OF_STATE: u64 = 8;
const MOST_STATE: u64 = 16 << 10;

/// What there is to go on for one package.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Visit<'v> {
    pub(crate) package: &'v PackageId,
    /// What the history is like now; `None` when there is none, or it could not be looked at.
    pub(crate) stamp: Option<Stamp>,
    pub(crate) memory: Option<Memory<'v>>,
    /// The time before anything is read.
    pub(crate) clock: &'v Clock,
}

impl Scan<'_> {
    /// Adds what is to be said of a package to `part`, and what is to be remembered of it to `fresh`. If that is what
    /// is remembered already, nothing is added to `fresh`, and the answer is `true`.
    pub(crate) fn visit(&mut self, visit: &Visit<'_>, part: &mut Part, fresh: &mut Vec<u8>) -> bool {
        if let Some(known) = visit.memory.and_then(|memory| memory.history)
            && self.recall(visit, &known)
        {
            self.add_verdict(visit.package, part);
            return true;
        }
        let start = fresh.len();
        let known = visit.memory.and_then(|memory| memory.history);
        let went_on = known.and_then(|known| self.go_on(visit, &known));
        let read = match went_on {
            Some(position) => Ok((Some(position), Vec::new())),
            None => self.read_anew(visit),
        };
        match read {
            Ok((position, problems)) => {
                self.judge(visit.package);
                self.remember(visit, position.as_ref(), fresh);
                self.add_verdict(visit.package, part);
                part.note_lines(visit.package, problems);
            }
            Err(source) => {
                let at = memory::begin(fresh, visit.package, None);
                memory::end(fresh, at);
                part.problems.push(Problem::Package { package: visit.package.clone(), source });
            }
        }
        let is_as_remembered = visit.memory.map(|memory| memory.bytes) == fresh.get(start..);
        if is_as_remembered {
            fresh.truncate(start);
        }
        is_as_remembered
    }

    /// Takes the verdict that is remembered, if the history has not changed and the verdict holds for this index.
    fn recall(&mut self, visit: &Visit<'_>, known: &Known<'_>) -> bool {
        if !known.is_settled || visit.stamp != Some(known.position.stamp) {
            return false;
        }
        let mut rest = known.rest;
        let Some(bounds) = Bounds::take(&mut rest, &mut self.texts) else { return false };
        let fit = bounds.fit(&self.texts);
        if fit == Fit::Not
            || take_verdict(&mut rest, &mut self.texts, visit.package, &mut self.verdict).is_none()
        {
            return false;
        }
        if fit == Fit::Settled {
            self.verdict.is_new = false;
            self.verdict.changes.clear();
        }
        true
    }

    /// Goes on from the state that is remembered, with what was added to the history.
    fn go_on(&mut self, visit: &Visit<'_>, known: &Known<'_>) -> Option<Position> {
        let (stamp, old) = (visit.stamp?, known.position.stamp);
        let is_unchanged = known.is_settled && stamp == old;
        let has_grown = (stamp.device, stamp.inode) == (old.device, old.inode)
            && (1..=MOST_ADDED).contains(&stamp.length.checked_sub(old.length)?);
        if !is_unchanged && !has_grown {
            return None;
        }
        let mut rest = known.rest;
        let bounds = Bounds::take(&mut rest, &mut self.texts)?;
        take_verdict(&mut rest, &mut self.texts, visit.package, &mut self.verdict)?;
        if rest.0.is_empty() || !bounds.keeps_before(&self.texts) {
            return None;
        }
        let Scan { follower, texts, folding, .. } = self;
        texts.next_package();
        folding.clear(true);
        let mut recent: Vec<Fact> = Vec::new();
        take_state(rest.0, texts, &mut folding.fold, &mut recent)?;
        let position = if is_unchanged {
            known.position
        } else {
            // An error will come again, and will be told, when it is read from its start.
            follower
                .read_on(visit.package, &known.position, |entry| recent.push(texts.fact(&entry)))
                .ok()??
        };
        recent.sort_by(|one, other| texts.order(one.run, other.run));
        if recent.first().is_some_and(|first| !folding.fold.is_followed_by(texts, first.run)) {
            return None;
        }
        if let Some(run) = folding.fold.last_run {
            folding.bounds.note(texts, run);
        }
        recent.iter().for_each(|fact| folding.take(texts, fact));
        Some(position)
    }

    fn read_anew(
        &mut self,
        visit: &Visit<'_>,
    ) -> buildbook_history::Result<(Option<Position>, Vec<buildbook_history::Problem>)> {
        let Scan { follower, repeats, texts, folding, .. } = self;
        let wants_state = visit.stamp.is_some_and(|stamp| stamp.length > SHORT);
        let mut passing = Passing::new(texts, folding, wants_state);
        let mut followed = follower.read_visiting(visit.package, repeats, &mut passing)?;
        if !passing.is_in_order {
            followed = self.read_out_of_order(visit.package, wants_state)?;
        }
        Ok((followed.position, followed.problems))
    }

    fn remember(&mut self, visit: &Visit<'_>, position: Option<&Position>, fresh: &mut Vec<u8>) {
        let history = position.map(|position| (position, visit.clock.is_past(&position.stamp)));
        let start = memory::begin(fresh, visit.package, history);
        if let Some(position) = position {
            let Scan { texts, folding, verdict, .. } = self;
            put_verdict(fresh, texts, &folding.bounds, verdict);
            let limit = (position.stamp.length / SHARE_OF_STATE).min(MOST_STATE);
            folding.state.put(fresh, texts, &folding.fold, usize::try_from(limit).unwrap_or(0));
        }
        memory::end(fresh, start);
    }
}
