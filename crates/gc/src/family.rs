//! Who was built upon whom, among the entries of a survey.

use std::collections::HashMap;

use buildbook_layout::Timestamp;

use crate::policy::digits;
use crate::survey::{Entry, Kind, Parents};

/// Positions of parents and children, for each entry.
pub(crate) struct Family {
    pub(crate) parents: Vec<Vec<usize>>,
    children: Vec<Vec<usize>>,
}

impl Family {
    pub(crate) fn of(entries: &[Entry]) -> Self {
        let mut by_digits: HashMap<&str, Vec<usize>> = HashMap::new();
        for (position, entry) in entries.iter().enumerate() {
            if let Kind::Layer { name, .. } = &entry.kind {
                by_digits.entry(name.digits()).or_default().push(position);
            }
        }
        let named_by = |reference: &str| -> Vec<usize> {
            let candidates = digits(reference).and_then(|digits| by_digits.get(digits));
            let named = |position: &&usize| {
                matches!(entries.get(**position).map(|entry| &entry.kind),
                    Some(Kind::Layer { name, .. }) if name.is_named_by(reference))
            };
            candidates.into_iter().flatten().filter(named).copied().collect()
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

    /// Puts entries into an order in which children come before their parents. As far as that allows, those come
    /// first that could be children of any other, then the longest unused. Layers that claim to be each other's
    /// parents come in any order.
    pub(crate) fn children_first(&self, entries: &[Entry], chosen: &[bool]) -> Vec<usize> {
        let age = |position: &usize| -> (bool, Option<Timestamp>, &str) {
            entries
                .get(*position)
                .map_or((true, None, ""), |entry| (!entry.is_secretive(), entry.last_used, &entry.name))
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
