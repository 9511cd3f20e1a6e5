//! Who was built upon whom, among the entries of a survey.

use std::ffi::OsStr;

use buildbook_layout::Timestamp;

use crate::policy::{Digits, digits};
use crate::survey::{Entry, Kind, Parents};

/// Positions of parents and children, for each entry.
pub(crate) struct Family {
    pub(crate) parents: Vec<Vec<usize>>,
    children: Vec<Vec<usize>>,
}

impl Family {
    pub(crate) fn of(entries: &[Entry]) -> Self {
        // Sorted, which takes less memory than a map of as many.
        let mut by_digits: Vec<(Digits, usize)> = Vec::new();
        for (position, entry) in entries.iter().enumerate() {
            if let (Kind::Layer { .. }, Some(digits)) =
                (&entry.kind, entry.file_name.to_str().and_then(digits))
            {
                by_digits.push((digits, position));
            }
        }
        by_digits.sort_unstable();
        let named_by = |reference: &str| -> Vec<usize> {
            let Some(digits) = digits(reference) else { return Vec::new() };
            let first = by_digits.partition_point(|(other, _)| *other < digits);
            let candidates = by_digits.get(first..).unwrap_or_default().iter();
            let named = |position: &usize| {
                let layer = entries.get(*position).and_then(Entry::layer);
                layer.is_some_and(|layer| layer.is_named_by(reference))
            };
            let alike = candidates.take_while(|(other, _)| *other == digits);
            alike.map(|(_, position)| *position).filter(named).collect()
        };
        let mut family =
            Family { parents: vec![Vec::new(); entries.len()], children: vec![Vec::new(); entries.len()] };
        for (child, entry) in entries.iter().enumerate() {
            let (Kind::Layer { parents: Parents::Known(references), .. }
            | Kind::NotAFolder { parents: Parents::Known(references) }
            | Kind::Leftover { parents: Parents::Known(references), .. }) = &entry.kind
            else {
                continue;
            };
            let mut parents: Vec<usize> = references.iter().flat_map(|text| named_by(text)).collect();
            parents.sort_unstable();
            parents.dedup();
            parents.retain(|parent| *parent != child);
            for parent in &parents {
                family.children[*parent].push(child);
            }
            family.parents[child] = parents;
        }
        family
    }

    /// The parents of each entry; what is known of children takes as much memory, and is given up.
    pub(crate) fn into_parents(self) -> Vec<Vec<usize>> {
        self.parents
    }

    /// Puts entries into an order in which children come before their parents. As far as that allows, those come
    /// first that could be children of any other, then the longest unused. Layers that claim to be each other's
    /// parents come in any order.
    pub(crate) fn children_first(&self, entries: &[Entry], chosen: &[bool]) -> Vec<usize> {
        let age = |position: &usize| -> (bool, Option<Timestamp>, &OsStr) {
            entries.get(*position).map_or((true, None, OsStr::new("")), |entry| {
                (!entry.is_secretive(), entry.last_used, &entry.file_name)
            })
        };
        let sorted = |positions: &mut dyn Iterator<Item = usize>| -> Vec<usize> {
            let mut positions: Vec<usize> = positions.filter(|position| chosen[*position]).collect();
            positions.sort_by(|one, other| age(one).cmp(&age(other)));
            positions
        };
        let mut visited = vec![false; entries.len()];
        let mut order = Vec::new();
        // A chain of layers can be longer than the stack of a thread is deep.
        let mut stack: Vec<(usize, std::vec::IntoIter<usize>)> = Vec::new();
        for start in sorted(&mut (0..entries.len())) {
            if std::mem::replace(&mut visited[start], true) {
                continue;
            }
            stack.push((start, sorted(&mut self.children[start].iter().copied()).into_iter()));
            while let Some((position, children)) = stack.last_mut() {
                let position = *position;
                match children.next() {
                    Some(child) if !std::mem::replace(&mut visited[child], true) => {
                        stack.push((child, sorted(&mut self.children[child].iter().copied()).into_iter()));
                    }
                    Some(_) => {}
                    None => {
                        order.push(position);
                        stack.pop();
                    }
                }
            }
        }
        order
    }
}
