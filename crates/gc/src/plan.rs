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

/// How many entries are given up at once.
const ENTRIES_AT_ONCE: usize = 1 << 15;

/// Makes the items of a plan from the entries of a folder, which are sorted by name. `order` has the positions of
/// what goes; as soon as the limit is reached, the rest of it stays. Nothing that stays for this reason lacks a
/// parent, because parents come later in the order.
pub(crate) fn items(
    folder: &Path,
    mut entries: Vec<Entry>,
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
    let mut rank = vec![usize::MAX; entries.len()];
    for (turn, position) in order.iter().filter(|at| goes(&decisions[**at])).enumerate() {
        rank[*position] = turn;
    }
    let needs: Vec<Vec<String>> = (0..entries.len())
        .map(|position| if goes(&decisions[position]) { needs(position) } else { Vec::new() })
        .map(|others| others.into_iter().filter(|other| goes(&decisions[*other])))
        .map(|others| others.map(|other| entries[other].name()).collect())
        .collect();
    // There can be a million of them, so what has become an item is given up on the way.
    let count = decisions.iter().filter(|decision| goes(decision)).count();
    let (mut going, mut staying) = (Vec::with_capacity(count), Vec::with_capacity(entries.len() - count));
    for (needs, decision) in needs.into_iter().zip(decisions).rev() {
        let Some(entry) = entries.pop() else { break };
        let position = entries.len();
        if position.is_multiple_of(ENTRIES_AT_ONCE) {
            entries.shrink_to_fit();
        }
        let item = Item {
            incomplete: entry.is_incomplete(),
            secretive: entry.is_secretive(),
            path: folder.join(&entry.file_name),
            name: entry.name(),
            bytes: bytes[position],
            last_used: entry.last_used,
            decision,
            identity: entry.identity,
            needs,
        };
        if item.goes() { going.push((rank[position], item)) } else { staying.push(item) }
    }
    going.sort_unstable_by_key(|(rank, _)| *rank);
    // A survey is sorted by name.
    staying.reverse();
    let mut items: Vec<Item> = going.into_iter().map(|(_, item)| item).collect();
    items.append(&mut staying);
    items
}

fn goes(decision: &Decision) -> bool {
    matches!(decision, Decision::Remove(_))
}

/// The folder that a path is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
