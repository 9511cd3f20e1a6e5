//! All words of all rules in one automaton.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, MatchKind};

use crate::rule::Rule;
use crate::rules;

/// What an occurrence of some words is to a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// One of the rule's own patterns.
    First,
    /// One of the patterns that confirm it.
    Second,
}

/// The words found on a line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Occurrence {
    /// Index into [`Matcher::rules`].
    pub(crate) rule: usize,
    pub(crate) part: Part,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

pub(crate) struct Matcher {
    pub(crate) rules: Vec<&'static Rule>,
    words: AhoCorasick,
    /// For each pattern of `words`, whose it is. None for a pattern that only makes a line be
    /// looked at.
    owners: Vec<Option<(usize, Part)>>,
}

/// Words may be cut anywhere by a colour escape, so a line with an escape must be looked at: without
/// its escapes it may have the words.
const ESCAPE: &str = "\x1b";

static MATCHER: LazyLock<Matcher> = LazyLock::new(Matcher::new);

impl Matcher {
    pub(crate) fn get() -> &'static Matcher {
        &MATCHER
    }

    fn new() -> Self {
        let rules: Vec<&'static Rule> = rules::rules().collect();
        let mut patterns = vec![ESCAPE];
        let mut owners = vec![None];
        for (index, rule) in rules.iter().enumerate() {
            let second = rule.confirm.map_or(&[][..], |confirm| confirm.patterns);
            let parts = [(Part::First, rule.patterns), (Part::Second, second)];
            for (part, words) in parts {
                patterns.extend(words);
                owners.extend(words.iter().map(|_| Some((index, part))));
            }
        }
        let words = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(&patterns)
            .expect("a table of some hundred short patterns is within every limit of the automaton");
        Matcher { rules, words, owners }
    }

    /// Where, at or after `from`, the first words of any rule are found: their start and their end.
    pub(crate) fn first_words(&self, text: &[u8], from: usize) -> Option<(usize, usize)> {
        let found = self.words.find(Input::new(text).range(from..))?;
        Some((found.start(), found.end()))
    }

    /// Everything found on a line, overlapping or not, in the order in which the words end.
    pub(crate) fn occurrences<'a>(&'a self, line: &'a [u8]) -> impl Iterator<Item = Occurrence> + 'a {
        self.words.find_overlapping_iter(line).filter_map(|found| {
            let (rule, part) = self.owners.get(found.pattern().as_usize()).copied().flatten()?;
            Some(Occurrence { rule, part, start: found.start(), end: found.end() })
        })
    }
}
