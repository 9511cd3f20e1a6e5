//! How the runs of a history lie to those that an index is of.

use crate::bytes::{Rest, put_optional_text};
use crate::facts::Texts;
use crate::window::Place;

/// The runs at the ends of what is before, now and later. What is no run id is before everything, and is not here.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    last_before: Option<u32>,
    first_now: Option<u32>,
    last_now: Option<u32>,
    first_later: Option<u32>,
    /// The run that was noted last.
    last: Option<u32>,
}

/// What an earlier judgement says about another index, if nothing was added to the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// Each entry is where it was: the same.
    Same,
    /// Every entry is of a run before: as it was, but nothing is new and nothing has changed.
    Settled,
    /// It has to be judged anew.
    Not,
}

impl Bounds {
    pub(crate) fn note(&mut self, texts: &Texts<'_>, run: u32) {
        if self.last == Some(run) {
            return;
        }
        self.last = Some(run);
        if texts.run_id(run).is_none() {
            return;
        }
        let is_later = |than: Option<u32>| than.is_none_or(|than| texts.order(run, than).is_gt());
        let is_earlier = |than: Option<u32>| than.is_none_or(|than| texts.order(run, than).is_lt());
        match texts.place(run) {
            Place::Before if is_later(self.last_before) => self.last_before = Some(run),
            Place::Now => {
                if is_earlier(self.first_now) {
                    self.first_now = Some(run);
                }
                if is_later(self.last_now) {
                    self.last_now = Some(run);
                }
            }
            Place::Later if is_earlier(self.first_later) => self.first_later = Some(run),
            Place::Before | Place::Later => {}
        }
    }

    /// Notes a run before the others, which comes after all that were noted.
    #[inline]
    pub(crate) fn note_next_before(&mut self, texts: &Texts<'_>, run: u32) {
        if texts.run_id(run).is_some() {
            self.last_before = Some(run);
        }
        self.last = Some(run);
    }

    pub(crate) fn fit(&self, texts: &Texts<'_>) -> Fit {
        let all_are =
            |runs: &[Option<u32>], place| runs.iter().flatten().all(|run| texts.place(*run) == place);
        let is_same = all_are(&[self.last_before], Place::Before)
            && all_are(&[self.first_now, self.last_now], Place::Now)
            && all_are(&[self.first_later], Place::Later);
        if is_same {
            Fit::Same
        } else if self.first_later.is_none() && all_are(&[self.last_before, self.last_now], Place::Before) {
            Fit::Settled
        } else {
            Fit::Not
        }
    }

    /// Whether all that was before still is.
    pub(crate) fn keeps_before(&self, texts: &Texts<'_>) -> bool {
        self.last_before.is_none_or(|run| texts.place(run) == Place::Before)
    }

    pub(crate) fn put(&self, bytes: &mut Vec<u8>, texts: &Texts<'_>) {
        for run in [self.last_before, self.first_now, self.last_now, self.first_later] {
            put_optional_text(bytes, run.map(|run| texts.run(run)));
        }
    }

    pub(crate) fn take(rest: &mut Rest<'_>, texts: &mut Texts<'_>) -> Option<Bounds> {
        let mut run = || Some(rest.optional_text()?.map(|run| texts.run_number(run)));
        Some(Bounds {
            last_before: run()?,
            first_now: run()?,
            last_now: run()?,
            first_later: run()?,
            last: None,
        })
    }
}
