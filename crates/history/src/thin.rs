//! Which entries of a history say something that the others do not. A pure function over all of them.
//!
//! Entries are taken in the order of their runs, and within a run in that of the file. What is kept:
//!
//! 1. every entry that is not old;
//! 2. of one build hash and kind, the first and the last of every streak: entries in a row with the same
//!    status, category and blessing. So every change is kept, and with it when a result began;
//! 3. of what was blessed of one kind, whatever its hash, the same for the last entry of each run, which is
//!    how the package stood after it;
//! 4. with any blessed entry that is kept, the last one of its kind and run, so that what is left of a run
//!    does not tell another end than the run had;
//! 5. the newest entry in the file, the newest of every hash, and the newest blessed one.
//!
//! Hence the answers of the readers stay the same, and so does where a package stands, and since when; if it was
//! ever blessed, also where it stood after any run before. A limit on the number of entries gives up old changes, never the present: see [`choose`].

use std::collections::HashMap;

use buildbook_layout::{Category, Kind, RunId};

use crate::EntryRef;

/// All that compaction needs to know of one entry. Names are numbered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fact {
    run: u32,
    hash: u32,
    status: u32,
    category: u32,
    kind: Kind,
    blessed: bool,
    /// Whether it is so old that it may go.
    pub(crate) old: bool,
    /// Whether it must stay, because it is not alone on its line.
    pub(crate) pinned: bool,
}

impl Fact {
    /// Both as one number, below twice the number of hashes.
    fn hash_and_kind(&self) -> usize {
        self.hash as usize * 2 + usize::from(self.kind == Kind::Doc)
    }
}

/// The facts of a history, in the order of the file.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) all: Vec<Fact>,
    runs: Names,
    hashes: Names,
    statuses: Names,
    categories: Names,
    /// What each run's number stands for; `None` for a text that is no run id, which counts as older than
    /// all that are.
    run_ids: Vec<Option<RunId>>,
}

impl Facts {
    pub(crate) fn add(&mut self, entry: &EntryRef<'_>, old: bool) {
        let run = self.runs.number(&entry.run);
        if run as usize == self.run_ids.len() {
            self.run_ids.push(entry.run.parse().ok());
        }
        let fact = Fact {
            run,
            hash: self.hashes.number(&entry.build_hash),
            status: self.statuses.number(&entry.status),
            category: self.categories.number(&entry.category),
            kind: Category::new(entry.category.as_ref()).kind(),
            blessed: entry.blessed,
            old,
            pinned: false,
        };
        self.all.push(fact);
    }

    fn run(&self, fact: &Fact) -> Option<&RunId> {
        self.run_ids.get(fact.run as usize).and_then(Option::as_ref)
    }

    /// Indices in the order of runs.
    fn by_run(&self) -> Vec<usize> {
        let mut ids: Vec<(&Option<RunId>, usize)> = self.run_ids.iter().zip(0..).collect();
        // In most files they are in order already.
        ids.sort();
        let mut places = vec![0; ids.len()];
        for (place, same) in ids.chunk_by(|(one, _), (next, _)| one == next).enumerate() {
            same.iter().for_each(|(_, run)| places[*run] = place);
        }
        let mut order: Vec<usize> = (0..self.all.len()).collect();
        order.sort_by_key(|index| places[self.all[*index].run as usize]);
        order
    }
}

/// Texts of one kind, numbered from 0 as they come.
#[derive(Debug, Default)]
struct Names {
    numbers: HashMap<String, u32>,
    /// The text before: neighbours often have the same.
    last: Option<(String, u32)>,
}

impl Names {
    fn number(&mut self, text: &str) -> u32 {
        if let Some((last, number)) = &self.last
            && last == text
        {
            return *number;
        }
        let number = match self.numbers.get(text) {
            Some(number) => *number,
            None => {
                let number = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
                self.numbers.insert(text.to_owned(), number);
                number
            }
        };
        let (last, of_last) = self.last.get_or_insert_default();
        text.clone_into(last);
        *of_last = number;
        number
    }

    fn len(&self) -> usize {
        self.numbers.len()
    }
}

/// Decides for every fact whether its entry stays.
///
/// With a limit, if more stay than that, only the newest so many in the file do, and besides: those of rule
/// 5, the newest of every hash and kind in the order of runs, and, of each kind, how the package stands, the
/// entry since which it does, and the one before. So a limited history has at most that many entries and a few
/// for every build hash.
pub(crate) fn choose(facts: &Facts, max_entries: Option<usize>) -> Vec<bool> {
    let order = facts.by_run();
    let mut kept = vec![true; facts.all.len()];
    // What goes can put an end to a streak that kept something else; the second round usually finds nothing.
    loop {
        let alive: Vec<usize> = order.iter().copied().filter(|index| kept[*index]).collect();
        let view = View::new(facts, &alive);
        let mut next = view.thin();
        if let Some(max) = max_entries {
            view.limit(&mut next, max);
        }
        if next == kept {
            return kept;
        }
        kept = next;
    }
}

/// The entries that are still there in some round, in the order of runs.
struct View<'a> {
    facts: &'a Facts,
    alive: &'a [usize],
    /// Each blessed entry with the last one of its kind and run.
    last_of_run: Vec<(usize, usize)>,
    /// Of each kind, the last blessed entries of the runs.
    standings: HashMap<Kind, Vec<usize>>,
}

impl<'a> View<'a> {
    fn new(facts: &'a Facts, alive: &'a [usize]) -> Self {
        let mut view = View { facts, alive, last_of_run: Vec::new(), standings: HashMap::new() };
        for &index in alive.iter().rev() {
            let fact = &facts.all[index];
            if !fact.blessed {
                continue;
            }
            let standings = view.standings.entry(fact.kind).or_default();
            // Texts that are no run ids have no order among them, so each entry of theirs is by itself.
            let of_run = standings
                .last()
                .filter(|last| facts.all[**last].run == fact.run && facts.run(fact).is_some())
                .copied();
            if of_run.is_none() {
                standings.push(index);
            }
            view.last_of_run.push((index, of_run.unwrap_or(index)));
        }
        for standings in view.standings.values_mut() {
            standings.reverse();
        }
        view
    }

    fn fact(&self, index: usize) -> &Fact {
        &self.facts.all[index]
    }

    /// Applies rules 1 to 5.
    fn thin(&self) -> Vec<bool> {
        let mut keep = vec![false; self.facts.all.len()];
        for &index in self.alive {
            keep[index] = !self.fact(index).old || self.fact(index).pinned;
        }
        let by_hash = self.alive.iter().map(|index| (self.fact(*index).hash_and_kind(), *index));
        keep_ends(&mut keep, self.facts.hashes.len() * 2, by_hash, |index| {
            let fact = self.fact(index);
            (fact.status, fact.category, fact.blessed, fact.old)
        });
        for standings in self.standings.values() {
            keep_ends(&mut keep, 1, standings.iter().map(|index| (0, *index)), |index| {
                let fact = self.fact(index);
                (fact.status, fact.category, fact.old)
            });
        }
        self.keep_newest_in_file(&mut keep);
        self.keep_ends_of_runs(&mut keep);
        keep
    }

    fn keep_newest_in_file(&self, keep: &mut [bool]) {
        let mut in_file = self.alive.to_vec();
        in_file.sort_unstable();
        let mut of_hash = vec![None; self.facts.hashes.len()];
        for &index in &in_file {
            of_hash[self.fact(index).hash as usize] = Some(index);
        }
        let blessed = in_file.iter().rev().find(|index| self.fact(**index).blessed);
        for &index in of_hash.iter().flatten().chain(blessed).chain(in_file.last()) {
            keep[index] = true;
        }
    }

    fn keep_ends_of_runs(&self, keep: &mut [bool]) {
        for &(index, last) in &self.last_of_run {
            if keep[index] {
                keep[last] = true;
            }
        }
    }

    fn limit(&self, keep: &mut Vec<bool>, max: usize) {
        let mut in_file: Vec<usize> = self.alive.iter().copied().filter(|index| keep[*index]).collect();
        if in_file.len() <= max {
            return;
        }
        in_file.sort_unstable();
        let mut must = vec![false; keep.len()];
        for &index in in_file.iter().rev().take(max) {
            must[index] = true;
        }
        let mut newest = vec![None; self.facts.hashes.len() * 2];
        for &index in self.alive {
            must[index] |= self.fact(index).pinned;
            newest[self.fact(index).hash_and_kind()] = Some(index);
        }
        newest.iter().flatten().for_each(|index| must[*index] = true);
        for kind in [Kind::Build, Kind::Doc] {
            self.keep_present(&mut must, kind);
        }
        self.keep_newest_in_file(&mut must);
        self.keep_ends_of_runs(&mut must);
        *keep = must;
    }

    /// Keeps how the package stands, the entry since which it does, and the one before.
    fn keep_present(&self, must: &mut [bool], kind: Kind) {
        let of_newest_hash;
        let standings = match self.standings.get(&kind) {
            Some(standings) => standings,
            // Nothing was ever blessed: the newest build stands for the package, compared with its own past.
            None => {
                let mut of_kind = self.alive.iter().copied().filter(|index| self.fact(*index).kind == kind);
                let Some(newest) = of_kind.clone().next_back() else { return };
                let hash = self.fact(newest).hash;
                of_newest_hash = of_kind.by_ref().filter(|index| self.fact(*index).hash == hash).collect();
                &of_newest_hash
            }
        };
        let Some(&last) = standings.last() else { return };
        let category = self.fact(last).category;
        let in_streak = standings.iter().rev().take_while(|index| self.fact(**index).category == category);
        let first = standings.len() - in_streak.count();
        for index in first.saturating_sub(1)..=first {
            must[standings[index]] = true;
        }
        must[last] = true;
    }
}

/// Of each key, marks the first and the last of every streak: items in a row that look the same. Keys are numbers
/// below `keys`.
fn keep_ends<L: PartialEq>(
    keep: &mut [bool],
    keys: usize,
    items: impl Iterator<Item = (usize, usize)>,
    look: impl Fn(usize) -> L,
) {
    let mut last_of = vec![None; keys];
    for (key, index) in items {
        match last_of[key].replace(index) {
            None => keep[index] = true,
            Some(last) => {
                if look(last) != look(index) {
                    keep[last] = true;
                    keep[index] = true;
                }
            }
        }
    }
    last_of.iter().flatten().for_each(|index| keep[*index] = true);
}
