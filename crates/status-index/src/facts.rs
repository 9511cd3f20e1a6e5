//! What the index needs to know of one package: a history, folded.
//!
//! Texts that repeat are kept once and numbered, so that passing over an entry that says nothing new takes
//! no memory of its own but one [`Fact`].

use std::collections::HashMap;
use std::ops::Range;

use buildbook_history::{Entry, EntryRef};
use buildbook_layout::{Category, Kind, RunId};

/// One entry.
#[derive(Debug, Clone)]
pub(crate) struct Fact {
    run: u32,
    pub(crate) hash: u32,
    pub(crate) category: u32,
    pub(crate) kind: Kind,
    pub(crate) blessed: bool,
    pub(crate) succeeded: bool,
    failed_dep: Option<u32>,
    ts: Range<usize>,
}

/// The entries of one package in the order of the file. It is used for one package after another.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) all: Vec<Fact>,
    runs: Numbered<Option<RunId>>,
    categories: Numbered<Category>,
    hashes: Numbered<()>,
    failed_deps: Numbered<()>,
    times: String,
}

impl Facts {
    /// Forgets the package. The names of runs and categories are likely to come again.
    pub(crate) fn clear(&mut self) {
        self.all.clear();
        self.hashes.clear();
        self.failed_deps.clear();
        self.times.clear();
    }

    pub(crate) fn add(&mut self, entry: &EntryRef<'_>) {
        let category = self.categories.number(&entry.category, |word| Category::from(word));
        let start = self.times.len();
        self.times.push_str(&entry.ts);
        let fact = Fact {
            run: self.runs.number(&entry.run, |text| text.parse().ok()),
            hash: self.hashes.number(&entry.build_hash, |_| ()),
            category,
            kind: self.categories.value(category).map_or(Kind::Build, Category::kind),
            blessed: entry.blessed,
            succeeded: entry.status == Entry::SUCCESS,
            failed_dep: entry.failed_dep.as_deref().map(|text| self.failed_deps.number(text, |_| ())),
            ts: start..self.times.len(),
        };
        self.all.push(fact);
    }

    pub(crate) fn run(&self, fact: &Fact) -> &str {
        self.runs.text(fact.run)
    }

    pub(crate) fn run_id(&self, fact: &Fact) -> Option<&RunId> {
        self.runs.value(fact.run).and_then(Option::as_ref)
    }

    /// Whether two entries are of the same run. Texts that are no run ids have no order among them, so
    /// nothing is known of the end of such a run: each entry is one by itself.
    pub(crate) fn are_of_one_run(&self, one: &Fact, other: &Fact) -> bool {
        one.run == other.run && self.run_id(one).is_some()
    }

    pub(crate) fn hash(&self, fact: &Fact) -> &str {
        self.hashes.text(fact.hash)
    }

    pub(crate) fn category(&self, fact: &Fact) -> Category {
        Category::from(self.category_text(fact))
    }

    pub(crate) fn category_text(&self, fact: &Fact) -> &str {
        self.categories.text(fact.category)
    }

    pub(crate) fn ts(&self, fact: &Fact) -> &str {
        self.times.get(fact.ts.clone()).unwrap_or_default()
    }

    pub(crate) fn failed_dep(&self, fact: &Fact) -> Option<&str> {
        fact.failed_dep.map(|number| self.failed_deps.text(number))
    }

    /// Indices in the order of runs, and of the file within a run. Files usually are in that order.
    pub(crate) fn by_run(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.all.len()).collect();
        order.sort_by(|one, other| {
            let (one, other) = (&self.all[*one], &self.all[*other]);
            if one.run == other.run {
                std::cmp::Ordering::Equal
            } else {
                self.run_id(one).cmp(&self.run_id(other))
            }
        });
        order
    }
}

/// Texts, each with a number and with what it means.
#[derive(Debug)]
struct Numbered<T> {
    numbers: HashMap<String, u32>,
    texts: Vec<(String, T)>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Numbered { numbers: HashMap::new(), texts: Vec::new() }
    }
}

impl<T> Numbered<T> {
    fn number(&mut self, text: &str, meaning: impl FnOnce(&str) -> T) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.numbers.insert(text.to_owned(), number);
        self.texts.push((text.to_owned(), meaning(text)));
        number
    }

    fn text(&self, number: u32) -> &str {
        self.texts.get(number as usize).map_or("", |(text, _)| text)
    }

    fn value(&self, number: u32) -> Option<&T> {
        self.texts.get(number as usize).map(|(_, value)| value)
    }

    fn clear(&mut self) {
        self.numbers.clear();
        self.texts.clear();
    }
}
