//! What a collection is going to do.

use std::path::Path;

use crate::item::{Decision, Item};
use crate::survey::Entry;
use crate::usage::Freed;
use crate::{Error, KeepReason, RemoveReason};

/// A decision about every item of a tree. It can be printed, and it can be executed.
#[derive(Debug, serde::Serialize)]
#[non_exhaustive]
pub struct Plan<Tree> {
    /// What goes, in the order in which it goes, then what stays, by name.
    pub items: Vec<Item>,
    /// What could not be looked at. It stays.
    pub problems: Vec<Error>,
    #[serde(skip)]
    pub(crate) tree: Tree,
}

impl<Tree> Plan<Tree> {
    /// What goes, in the order in which it goes.
    pub fn removals(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| item.goes())
    }

    /// What stays, by name.
    pub fn kept(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| !item.goes())
    }

    /// The bytes of disk that the plan frees.
    #[must_use]
    pub fn bytes_to_free(&self) -> u64 {
        self.removals().map(|item| item.bytes).sum()
    }
}

/// Makes the items of a plan. `order` has the positions of what goes; as soon as the limit is reached, the rest
/// of it stays. Nothing that stays for this reason lacks a parent, because parents come later in the order.
pub(crate) fn items(
    entries: Vec<Entry>,
    mut decisions: Vec<Decision>,
    order: &[usize],
    limit: Option<u64>,
    needs: impl Fn(usize) -> Vec<usize>,
) -> Vec<Item> {
    let mut freed = Freed::default();
    let mut sum = 0_u64;
    let mut bytes: Vec<u64> =
        entries.iter().map(|entry| entry.usage.as_ref().map_or(0, |usage| usage.taken)).collect();
    for position in order {
        let is_trash = decisions[*position] == Decision::Remove(RemoveReason::Interrupted);
        if !is_trash && limit.is_some_and(|limit| sum >= limit) {
            decisions[*position] = Decision::Keep(KeepReason::EnoughFreed);
            continue;
        }
        bytes[*position] = entries[*position].usage.as_ref().map_or(0, |usage| freed.by_removing(usage));
        sum = sum.saturating_add(bytes[*position]);
    }
    let names: Vec<String> = entries.iter().map(|entry| entry.name.clone()).collect();
    let mut rank = vec![usize::MAX; entries.len()];
    for (turn, position) in order.iter().enumerate() {
        if matches!(decisions[*position], Decision::Remove(_)) {
            rank[*position] = turn;
        }
    }
    let mut items: Vec<(usize, Item)> = entries
        .into_iter()
        .zip(decisions)
        .enumerate()
        .map(|(position, (entry, decision))| {
            let goes = rank[position] != usize::MAX;
            let needs = if goes { needs(position) } else { Vec::new() };
            let needs = needs.into_iter().filter(|other| rank[*other] != usize::MAX);
            let item = Item {
                incomplete: entry.is_incomplete(),
                secretive: entry.is_secretive(),
                path: entry.path,
                name: entry.name,
                bytes: bytes[position],
                last_used: entry.last_used,
                decision,
                identity: entry.identity,
                needs: needs.map(|other| names[other].clone()).collect(),
            };
            (rank[position], item)
        })
        .collect();
    items.sort_by(|(rank, item), (other_rank, other)| (rank, &item.name).cmp(&(other_rank, &other.name)));
    items.into_iter().map(|(_, item)| item).collect()
}

/// The folder that a path is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}
