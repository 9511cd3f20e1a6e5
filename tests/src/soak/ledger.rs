//! What the workers said.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use buildbook::layout::RunId;

use super::ack::Ack;

/// How often each thing was done, as far as it was said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it, and the text for people says the rest")]
pub struct Figures {
    pub kills: u64,
    pub rounds: u64,
    pub entries: u64,
    pub synced: u64,
    pub old_entries: u64,
    pub torn: u64,
    pub compactions: u64,
    pub compacted: u64,
    pub published: u64,
    pub runs_started: u64,
    pub runs_finished: u64,
    pub events: u64,
    pub progress: u64,
    pub statuses: u64,
    pub built: u64,
    pub used: u64,
    pub too_late: u64,
    pub orphans: u64,
    pub collected: u64,
    pub locked: u64,
    pub mended: u64,
    pub set_aside: u64,
    pub reads: u64,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = [
            ("kills", self.kills),
            ("rounds", self.rounds),
            ("entries acknowledged", self.entries),
            ("  appends synced", self.synced),
            ("old entries acknowledged", self.old_entries),
            ("torn lines at the ends of rounds", self.torn),
            ("compactions", self.compactions),
            ("  lines removed by them", self.compacted),
            ("folders published", self.published),
            ("runs started", self.runs_started),
            ("runs finished", self.runs_finished),
            ("events of runs", self.events),
            ("progress written", self.progress),
            ("indexes written", self.statuses),
            ("layers built", self.built),
            ("layers used", self.used),
            ("  too slowly to judge", self.too_late),
            ("  made too slowly to keep what they need", self.orphans),
            ("layers collected", self.collected),
            ("locks held", self.locked),
            ("leftovers recovered beside the others", self.mended),
            ("torn lines set aside beside the others", self.set_aside),
            ("whole reads beside the others", self.reads),
        ];
        let mut done = lines.iter().filter(|(_, count)| *count > 0);
        done.try_for_each(|(what, count)| writeln!(f, "{what:<40} {count:>9}"))
    }
}

/// What was said of a run.
#[derive(Debug, Clone, Default)]
pub(super) struct RunFacts {
    pub(super) events: u64,
    pub(super) finished: bool,
}

/// What was said about one book, and what was found wrong with it.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// How many entries of each package and writer were acknowledged.
    pub(super) entries: HashMap<(usize, u64), u64>,
    /// The newest entry that compaction may take, by package and slot.
    pub(super) chaff: HashMap<(usize, usize), (u64, u64)>,
    /// The newest version of each slot's folder.
    pub(super) sites: HashMap<usize, (u64, u64)>,
    pub(super) shared_site: bool,
    pub(super) runs: BTreeMap<RunId, RunFacts>,
    /// The runs whose progress was written last, the newest last.
    pub(super) in_progress: Vec<RunId>,
    pub(super) status: Option<(u64, u64)>,
    counted: HashSet<(usize, u64)>,
    pub(super) figures: Figures,
    pub(super) bad: Vec<String>,
}

impl Ledger {
    pub(super) fn complain(&mut self, text: impl Into<String>) {
        if self.bad.len() < 50 {
            self.bad.push(text.into());
        }
    }

    pub(super) fn enter(&mut self, ack: Ack) {
        match ack {
            Ack::Entry { package, writer, number, synced } => {
                let count = self.entries.entry((package, writer)).or_default();
                self.figures.entries += number + 1 - *count;
                self.figures.synced += u64::from(synced);
                *count = number + 1;
            }
            Ack::Chaff { package, slot, writer, number } => {
                self.figures.old_entries += 1;
                self.chaff.insert((package, slot), (writer, number));
            }
            Ack::Compacted { removed } => {
                self.figures.compactions += 1;
                self.figures.compacted += removed;
            }
            Ack::Published { slot, writer, number } => {
                self.figures.published += 1;
                self.sites.insert(slot, (writer, number));
            }
            Ack::PublishedShared => {
                self.figures.published += 1;
                self.shared_site = true;
            }
            Ack::RunStarted(id) => {
                self.figures.runs_started += 1;
                if self.runs.insert(id.clone(), RunFacts::default()).is_some() {
                    self.complain(format!("run {id} was started twice"));
                }
            }
            Ack::Event(id, number) => {
                self.figures.events += 1;
                self.runs.entry(id).or_default().events = number;
            }
            Ack::Progress(id) => {
                self.figures.progress += 1;
                self.in_progress.push(id);
                if self.in_progress.len() > 4 {
                    self.in_progress.remove(0);
                }
            }
            Ack::RunFinished(id) => {
                self.figures.runs_finished += 1;
                self.runs.entry(id).or_default().finished = true;
            }
            Ack::Status { writer, number } => {
                self.figures.statuses += 1;
                self.status = Some((writer, number));
            }
            Ack::Built => self.figures.built += 1,
            Ack::Used { in_time } => {
                self.figures.used += 1;
                self.figures.too_late += u64::from(!in_time);
            }
            Ack::Collected(count) => self.figures.collected += count,
            Ack::Counted { lock, number } => {
                self.figures.locked += 1;
                if !self.counted.insert((lock, number)) {
                    self.complain(format!("two held lock {lock} at the same time, at {number}"));
                }
            }
            Ack::Mended { leftovers, lines } => {
                self.figures.mended += leftovers;
                self.figures.set_aside += lines;
            }
            Ack::Bad(text) => self.complain(text),
        }
    }

    /// The acknowledged entries of a package, by writer.
    pub(super) fn entries_of(&self, package: usize) -> HashMap<u64, u64> {
        let of_package = self.entries.iter().filter(|((other, _), _)| *other == package);
        of_package.map(|((_, writer), count)| (*writer, *count)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_holders_of_a_lock_are_told_by_the_number_that_both_write() {
        let mut ledger = Ledger::default();
        for (lock, number) in [(0, 1), (1, 1), (0, 2)] {
            ledger.enter(Ack::Counted { lock, number });
        }
        assert_eq!(ledger.bad, Vec::<String>::new());
        ledger.enter(Ack::Counted { lock: 0, number: 2 });
        assert_eq!(ledger.bad.len(), 1);
    }

    #[test]
    fn an_append_of_several_entries_counts_each() {
        let mut ledger = Ledger::default();
        for number in [0, 3, 4] {
            ledger.enter(Ack::Entry { package: 1, writer: 7, number, synced: false });
        }
        assert_eq!(ledger.figures.entries, 5);
        assert_eq!(ledger.entries_of(1), HashMap::from([(7, 5)]));
        assert!(ledger.entries_of(0).is_empty());
    }
}
