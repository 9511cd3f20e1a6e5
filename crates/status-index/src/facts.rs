//! What the index needs to know of one entry of a history.

use std::cmp::Ordering;

use buildbook_history::{Ascii, Entry, EntryRef};
use buildbook_layout::{Category, Kind, RunId};

use crate::names::Names;
use crate::window::{Place, Window};

/// One entry. Texts that repeat are numbers.
#[derive(Debug, Clone)]
pub(crate) struct Fact {
    pub(crate) run: u32,
    /// That of its run.
    pub(crate) place: Place,
    pub(crate) hash: u32,
    pub(crate) category: u32,
    pub(crate) failed_dep: Option<u32>,
    pub(crate) kind: Kind,
    pub(crate) blessed: bool,
    pub(crate) succeeded: bool,
    pub(crate) ts: Short,
}

/// The texts that the numbers stand for. It is used for one package after another.
#[derive(Debug)]
pub(crate) struct Texts<'a> {
    window: &'a Window,
    runs: Names<Run>,
    categories: Names<Meaning>,
    hashes: Names<()>,
    failed_deps: Names<()>,
}

/// What the text of a run says.
#[derive(Debug)]
struct Run {
    /// The order of runs, but for those that began in the same second. Without an id, it is before all others.
    started: i64,
    id: Option<RunId>,
    place: Place,
}

/// What a category says.
#[derive(Debug, Clone, Copy)]
struct Meaning {
    kind: Kind,
    /// The machine or the network failed.
    is_infra: bool,
    /// Something else has to be mended first.
    is_blocked: bool,
}

impl<'a> Texts<'a> {
    pub(crate) fn new(window: &'a Window) -> Texts<'a> {
        Texts {
            window,
            runs: Names::default(),
            categories: Names::default(),
            hashes: Names::default(),
            failed_deps: Names::default(),
        }
    }

    /// Forgets what is of one package alone. The names of runs and categories are likely to come again.
    pub(crate) fn next_package(&mut self) {
        self.hashes.clear();
        self.failed_deps.clear();
    }

    pub(crate) fn fact(&mut self, entry: &EntryRef<'_>) -> Fact {
        let category = self.category_number(&entry.category);
        let run = self.run_number(&entry.run);
        Fact {
            run,
            place: self.place(run),
            hash: self.hash_number(&entry.build_hash),
            category,
            failed_dep: entry.failed_dep.as_deref().map(|text| self.failed_dep_number(text)),
            kind: self.kind(category),
            blessed: entry.blessed,
            succeeded: entry.status == Entry::SUCCESS,
            ts: Short::new(&entry.ts),
        }
    }

    /// The number of a run that is likely to be the one after the last.
    #[inline]
    pub(crate) fn next_run(&mut self, text: Ascii<'_>) -> u32 {
        self.runs.expected(text.as_bytes()).unwrap_or_else(|| self.run_number(text.as_str()))
    }

    pub(crate) fn run_number(&mut self, text: &str) -> u32 {
        let window = self.window;
        self.runs.number(text, |text| {
            let id: Option<RunId> = text.parse().ok();
            let started = id.as_ref().map_or(i64::MIN, |id| id.started().as_unix());
            Run { started, place: window.place(id.as_ref()), id }
        })
    }

    pub(crate) fn hash_number(&mut self, text: &str) -> u32 {
        self.hashes.number(text, |_| ())
    }

    pub(crate) fn failed_dep_number(&mut self, text: &str) -> u32 {
        self.failed_deps.number(text, |_| ())
    }

    pub(crate) fn category_number(&mut self, text: &str) -> u32 {
        self.categories.number(text, |word| Meaning {
            kind: Category::from(word).kind(),
            is_infra: word == Category::TRANSIENT_FAILURE,
            // Later versions of the original have a word of their own for documentation.
            is_blocked: matches!(word, Category::DEPENDENCY_FAILURE | "doc_dependency_failure"),
        })
    }

    pub(crate) fn run(&self, run: u32) -> &str {
        self.runs.text(run)
    }

    pub(crate) fn run_id(&self, run: u32) -> Option<&RunId> {
        self.runs.meaning(run).and_then(|run| run.id.as_ref())
    }

    pub(crate) fn place(&self, run: u32) -> Place {
        self.runs.meaning(run).map_or(Place::Before, |run| run.place)
    }

    pub(crate) fn hash(&self, hash: u32) -> &str {
        self.hashes.text(hash)
    }

    pub(crate) fn failed_dep(&self, failed_dep: u32) -> &str {
        self.failed_deps.text(failed_dep)
    }

    pub(crate) fn category_text(&self, category: u32) -> &str {
        self.categories.text(category)
    }

    pub(crate) fn category(&self, category: u32) -> Category {
        Category::from(self.category_text(category))
    }

    pub(crate) fn kind(&self, category: u32) -> Kind {
        self.categories.meaning(category).map_or(Kind::Build, |meaning| meaning.kind)
    }

    pub(crate) fn is_infra(&self, category: u32) -> bool {
        self.categories.meaning(category).is_some_and(|meaning| meaning.is_infra)
    }

    pub(crate) fn is_blocked(&self, category: u32) -> bool {
        self.categories.meaning(category).is_some_and(|meaning| meaning.is_blocked)
    }

    /// The order of two runs. Texts that are no run ids have none among them, and come before all that are.
    pub(crate) fn order(&self, one: u32, other: u32) -> Ordering {
        if one == other {
            return Ordering::Equal;
        }
        let started = |run| self.runs.meaning(run).map(|run| run.started);
        started(one).cmp(&started(other)).then_with(|| self.run_id(one).cmp(&self.run_id(other)))
    }

    /// Whether two entries are of the same run. Nothing is known of the end of a run without a proper id: each
    /// of its entries is one by itself.
    pub(crate) fn are_of_one_run(&self, one: &Fact, other: &Fact) -> bool {
        one.run == other.run && self.run_id(one.run).is_some()
    }
}

/// A text that is nearly always short, such as a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Short {
    Inline { length: u8, bytes: [u8; 22] },
    Long(Box<str>),
}

impl Short {
    pub(crate) fn new(text: &str) -> Short {
        Short::inline(text.as_bytes()).unwrap_or_else(|| Short::Long(text.into()))
    }

    pub(crate) fn ascii(text: Ascii<'_>) -> Short {
        Short::inline(text.as_bytes()).unwrap_or_else(|| Short::Long(text.as_str().into()))
    }

    fn inline(text: &[u8]) -> Option<Short> {
        let mut bytes = [0; 22];
        // A time in the usual form is copied without asking how long it is.
        match (bytes.first_chunk_mut(), <&[u8; 20]>::try_from(text)) {
            (Some(start), Ok(time)) => *start = *time,
            _ => bytes.get_mut(..text.len())?.copy_from_slice(text),
        }
        Some(Short::Inline { length: u8::try_from(text.len()).ok()?, bytes })
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            Short::Inline { length, bytes } => {
                let text = bytes.get(..usize::from(*length)).unwrap_or_default();
                str::from_utf8(text).unwrap_or_default()
            }
            Short::Long(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_text_is_what_it_was_made_from() {
        for text in ["", "2026-03-09T12:54:44Z", "1234567890123456789012", "12345678901234567890123", "é"] {
            assert_eq!(Short::new(text).as_str(), text);
        }
    }

    #[test]
    fn numbers_of_runs_have_the_order_of_runs_and_other_texts_come_before() {
        let runs =
            ["odd", "2025-12-31-235959", "2026-01-01-000001", "2026-01-01-000001-2", "2026-01-01-000001-10"];
        let window = Window::new(&runs[1].parse().unwrap(), None);
        let mut texts = Texts::new(&window);
        let numbers: Vec<u32> = runs.iter().rev().map(|run| texts.run_number(run)).rev().collect();
        for (one, number) in numbers.iter().enumerate() {
            for (other, other_number) in numbers.iter().enumerate() {
                assert_eq!(
                    texts.order(*number, *other_number),
                    one.cmp(&other),
                    "{} {}",
                    runs[one],
                    runs[other]
                );
            }
        }
        let odder = texts.run_number("odder");
        assert_eq!(texts.order(numbers[0], odder), Ordering::Equal, "nothing is known of these");
    }
}
