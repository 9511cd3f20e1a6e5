//! Texts that come again and again, each with a number.

use std::hash::{BuildHasher as _, RandomState};

/// Texts, each kept once, with a number and with what it means. Numbers begin at 0, without gaps.
///
/// Histories repeat themselves, so what followed a text the last time is looked at before anything is searched.
#[derive(Debug)]
pub(crate) struct Names<T> {
    names: Vec<Name<T>>,
    /// All texts, one behind the other.
    texts: String,
    /// Numbers by the hashes of their texts, at least half of them [`FREE`]; a power of two of them, or none as long as
    /// there are so [`FEW`] that looking at each is quicker.
    slots: Vec<u32>,
    hashing: RandomState,
    /// The number that was asked for last.
    last: u32,
}

#[derive(Debug)]
struct Name<T> {
    start: usize,
    end: usize,
    /// The last of its bytes; `None` if it has not so many.
    end_bytes: Option<[u8; 8]>,
    /// What else came after it the last time.
    next: u32,
    meaning: T,
}

const FREE: u32 = u32::MAX;

/// Most of these are told from a text by their last bytes alone, which takes less time than hashing it.
const FEW: usize = 64;

/// The slots of a new table, and how many a cleared one may keep the memory of.
const SLOTS: std::ops::RangeInclusive<usize> = 256..=4096;

impl<T> Default for Names<T> {
    fn default() -> Self {
        Names {
            names: Vec::new(),
            texts: String::new(),
            slots: Vec::new(),
            hashing: RandomState::new(),
            last: 0,
        }
    }
}

impl<T> Names<T> {
    /// The number of a text, which gets one if it is new.
    pub(crate) fn number(&mut self, text: &str, meaning: impl FnOnce(&str) -> T) -> u32 {
        if let Some(number) = self.expected(text.as_bytes()) {
            return number;
        }
        let number = self.search(text, meaning);
        self.follow(number);
        number
    }

    /// The number of a text if it is that of last time, or what followed that the last time.
    #[inline]
    pub(crate) fn expected(&mut self, text: &[u8]) -> Option<u32> {
        if self.is(self.last, text) {
            return Some(self.last);
        }
        let next = self.names.get(self.last as usize)?.next;
        if !self.is(next, text) {
            return None;
        }
        self.last = next;
        Some(next)
    }

    fn follow(&mut self, number: u32) {
        if let Some(last) = self.names.get_mut(self.last as usize) {
            last.next = number;
        }
        self.last = number;
    }

    #[inline]
    fn is(&self, number: u32, text: &[u8]) -> bool {
        let Some(name) = self.names.get(number as usize) else { return false };
        // Names that are alike differ at their ends, as a rule, and most questions are answered there.
        name.end_bytes == text.last_chunk().copied()
            && self.texts.as_bytes().get(name.start..name.end) == Some(text)
    }

    fn search(&mut self, text: &str, meaning: impl FnOnce(&str) -> T) -> u32 {
        if self.names.len() <= FEW {
            let mut numbers = 0..u32::try_from(self.names.len()).unwrap_or(FREE);
            return match numbers.find(|number| self.is(*number, text.as_bytes())) {
                Some(number) => number,
                None => self.add(text, meaning),
            };
        }
        if self.names.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let at = self.slot_of(text);
        match self.slots.get(at) {
            Some(&number) if number != FREE => number,
            _ => {
                let number = self.add(text, meaning);
                if let Some(slot) = self.slots.get_mut(at) {
                    *slot = number;
                }
                number
            }
        }
    }

    fn add(&mut self, text: &str, meaning: impl FnOnce(&str) -> T) -> u32 {
        let number = u32::try_from(self.names.len()).unwrap_or(FREE);
        let start = self.texts.len();
        self.texts.push_str(text);
        let (end, end_bytes) = (self.texts.len(), text.as_bytes().last_chunk().copied());
        self.names.push(Name { start, end, end_bytes, next: FREE, meaning: meaning(text) });
        number
    }

    /// Where the number of a text is, or is to be.
    fn slot_of(&self, text: &str) -> usize {
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = usize::try_from(self.hashing.hash_one(text) & 0xffff_ffff).unwrap_or(0) & mask;
        while self.slots.get(at).is_some_and(|number| *number != FREE && !self.is(*number, text.as_bytes())) {
            at = (at + 1) & mask;
        }
        at
    }

    fn grow(&mut self) {
        let slots = (self.slots.len() * 2).max(*SLOTS.start());
        self.slots.clear();
        self.slots.resize(slots, FREE);
        for number in 0..self.names.len() {
            let number = u32::try_from(number).unwrap_or(FREE);
            let at = self.slot_of(self.text(number));
            if let Some(slot) = self.slots.get_mut(at) {
                *slot = number;
            }
        }
    }

    pub(crate) fn text(&self, number: u32) -> &str {
        let name = self.names.get(number as usize);
        name.and_then(|name| self.texts.get(name.start..name.end)).unwrap_or_default()
    }

    pub(crate) fn meaning(&self, number: u32) -> Option<&T> {
        self.names.get(number as usize).map(|name| &name.meaning)
    }

    /// Forgets all texts, and keeps the memory that a usual number of them takes.
    pub(crate) fn clear(&mut self) {
        if self.slots.capacity() > *SLOTS.end() {
            *self = Names::default();
        } else if !self.names.is_empty() {
            self.names.clear();
            self.texts.clear();
            self.slots.clear();
            self.last = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_number_however_many_there_are() {
        let mut names = Names::default();
        for count in [5000, 5, FEW, FEW + 1, FEW + 2, 500, 40, 1] {
            let texts: Vec<String> = (0..2 * count).map(|number| format!("{}", number % count)).collect();
            for (at, text) in texts.iter().enumerate() {
                assert_eq!(names.number(text, str::len) as usize, at % count, "of {count}");
            }
            for (number, text) in (0..).zip(texts.iter().take(count).rev()) {
                let number = u32::try_from(count).unwrap() - 1 - number;
                assert_eq!(names.number(text, |_| unreachable!("it is known")), number);
                assert_eq!((names.text(number), names.meaning(number)), (text.as_str(), Some(&text.len())));
            }
            names.clear();
            assert_eq!((names.text(0), names.meaning(0)), ("", None));
        }
    }

    #[test]
    fn texts_that_begin_alike_are_told_apart_in_any_order() {
        let mut names = Names::default();
        let texts = ["", "a", "ab", "a", "", "ab", "ab", "b", "a"];
        let numbers: Vec<u32> = texts.iter().map(|text| names.number(text, |_| ())).collect();
        assert_eq!(numbers, [0, 1, 2, 1, 0, 2, 2, 3, 1]);
    }
}
