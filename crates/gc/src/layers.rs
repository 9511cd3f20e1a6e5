//! Deciding about layers, and removing them.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::Path;

use buildbook_atomic_swap::Role;
use buildbook_fsio::{Lock, Taken};
use buildbook_layout::{LayerName, PlatformTree, Timestamp};

use crate::family::Family;
use crate::item::{Decision, Item};
use crate::metadata::last_touched;
use crate::mounts::Mounts;
use crate::survey::{Entry, Kind, LockState, Parents};
use crate::sweep::{Claim, GcResult, look_again, sweep, take, with_gc_lock};
use crate::{
    Error, KeepReason, LayerSurvey, Plan, Policy, RemoveReason, Result, Roots, SkipReason, survey_layers,
    usage,
};

/// A decision about every layer of a platform.
pub type LayerPlan = Plan<PlatformTree>;

/// What a collection of layers did.
pub type LayerGcResult = GcResult;

/// Decides about every layer of a survey. It looks at nothing but its arguments.
#[must_use]
pub fn plan_layers(survey: LayerSurvey, roots: &Roots, policy: &Policy, now: Timestamp) -> LayerPlan {
    let LayerSurvey { problems, tree, entries } = survey;
    let family = Family::of(&entries);
    let mut decisions: Vec<Decision> =
        entries.iter().map(|entry| decide(entry, roots, policy, now)).collect();
    keep_parents(&entries, &family, &mut decisions);
    keep_possible_parents(&entries, &mut decisions);
    let goes: Vec<bool> = decisions.iter().map(|decision| matches!(decision, Decision::Remove(_))).collect();
    let order = family.children_first(&entries, &goes);
    let parents = family.into_parents();
    let items = crate::plan::items(tree.path(), entries, decisions, &order, policy.max_bytes, |child| {
        parents[child].clone()
    });
    Plan { items, problems, tree }
}

/// Decides about an entry by itself.
fn decide(entry: &Entry, roots: &Roots, policy: &Policy, now: Timestamp) -> Decision {
    let keep = match &entry.kind {
        _ if entry.mounted => KeepReason::Mounted,
        Kind::Leftover { role: Role::Trash, .. } => return Decision::Remove(RemoveReason::Interrupted),
        Kind::Leftover { .. } => KeepReason::InProgress,
        Kind::NotAFolder { .. } => KeepReason::NotAFolder,
        Kind::Foreign | Kind::Universe(_) => KeepReason::ForeignName,
        Kind::Layer { .. } if entry.layer().is_some_and(|layer| roots.contains(&layer)) => {
            KeepReason::Referenced
        }
        Kind::Layer { lock: LockState::Held, .. } => KeepReason::Locked,
        Kind::Layer { lock: LockState::Unknown, .. } => KeepReason::LockUnknown,
        Kind::Layer { .. } if entry.usage.is_none() => KeepReason::Unreadable,
        Kind::Layer { parents: Parents::Unreadable, .. } => KeepReason::MetadataUnknown,
        Kind::Layer { parents: Parents::Corrupt, .. } if !policy.remove_corrupt => {
            KeepReason::MetadataUnknown
        }
        Kind::Layer { .. } => return by_age(entry.last_used, policy, now),
    };
    Decision::Keep(keep)
}

/// Decides about what nothing refers to. What does not tell its age is young.
pub(crate) fn by_age(last_used: Option<Timestamp>, policy: &Policy, now: Timestamp) -> Decision {
    match last_used.map(|last_used| now.since(last_used)) {
        Some(idle) if idle >= policy.min_age => Decision::Remove(RemoveReason::Unneeded(idle)),
        _ => Decision::Keep(KeepReason::Younger(policy.min_age)),
    }
}

/// Keeps whatever a layer that stays was built upon.
fn keep_parents(entries: &[Entry], family: &Family, decisions: &mut [Decision]) {
    let stays = |decision: &Decision| matches!(decision, Decision::Keep(_));
    let mut queue: VecDeque<usize> = (0..entries.len()).filter(|at| stays(&decisions[*at])).collect();
    while let Some(child) = queue.pop_front() {
        for parent in &family.parents[child] {
            if !stays(&decisions[*parent]) {
                decisions[*parent] = Decision::Keep(KeepReason::ParentOf(entries[child].name()));
                queue.push_back(*parent);
            }
        }
    }
}

/// Keeps everything if something that stays may have been built upon it.
fn keep_possible_parents(entries: &[Entry], decisions: &mut [Decision]) {
    let secretive = entries
        .iter()
        .zip(decisions.iter())
        .find(|(entry, decision)| entry.is_secretive() && matches!(decision, Decision::Keep(_)));
    let Some((child, _)) = secretive else { return };
    for decision in decisions {
        if matches!(decision, Decision::Remove(RemoveReason::Unneeded(_))) {
            *decision = Decision::Keep(KeepReason::MaybeParentOf(child.name()));
        }
    }
}

/// Removes the layers that a plan says, unless they were used, locked or replaced since.
///
/// A layer that is skipped keeps its parents. What cannot be removed does not keep the others from going, and
/// is in [`GcResult::problems`]. If the process dies, no layer is half there; the rest of what has lost its name
/// is an item of the next plan.
///
/// # Errors
///
/// [`Error::Busy`] when another collection of this platform is at work; the system's answer when the lock
/// cannot be taken. Nothing was removed then.
pub fn execute_layers(plan: &LayerPlan) -> Result<LayerGcResult> {
    with_gc_lock(plan, plan.tree.path(), |removals| {
        let mut mounts = Mounts::below(plan.tree.path());
        Ok(sweep(removals, |item, problems| claim(&plan.tree, &mut mounts, item, problems)))
    })
}

/// Surveys, plans and executes.
///
/// # Errors
///
/// As [`survey_layers`] and [`execute_layers`].
pub fn gc_layers(
    tree: &PlatformTree,
    roots: &Roots,
    policy: &Policy,
    now: Timestamp,
) -> Result<LayerGcResult> {
    let mut plan = plan_layers(survey_layers(tree)?, roots, policy, now);
    let problems = std::mem::take(&mut plan.problems);
    let mut result = execute_layers(&plan)?;
    result.problems.splice(0..0, problems);
    Ok(result)
}

/// Takes a layer out of sight under its own lock, if it is still what the plan was made for.
fn claim(tree: &PlatformTree, mounts: &mut Mounts, item: &Item, problems: &mut Vec<Error>) -> Result<Claim> {
    let Ok(name) = item.name.parse::<LayerName>() else { return Ok(Claim::Skip(SkipReason::Replaced)) };
    // A layer that has gone must not be given a lock file.
    if let Some(reason) = look_again(mounts, item)? {
        return Ok(Claim::Skip(reason));
    }
    let Some((lock, was_there)) = lock_layer(&tree.layer_lock(&name))? else {
        return Ok(Claim::Skip(SkipReason::Locked));
    };
    let claim = claim_locked(tree, mounts, &name, item);
    let stays = !matches!(claim, Ok(Claim::Retired(_) | Claim::Skip(SkipReason::Gone)));
    if was_there && stays {
        // The original never removes it: builders may wait for it that do not look at its name again.
        lock.release();
    } else {
        problems.extend(lock.remove().err().map(Error::from));
    }
    claim
}

/// Takes a layer's lock, and says whether its file was there; `None` when somebody has it.
fn lock_layer(path: &Path) -> Result<Option<(Lock, bool)>> {
    match Lock::try_acquire_existing(path)? {
        Taken::Acquired(lock) => Ok(Some((lock, true))),
        Taken::Missing => Ok(Lock::try_acquire(path)?.map(|lock| (lock, false))),
        _ => Ok(None),
    }
}

fn claim_locked(tree: &PlatformTree, mounts: &mut Mounts, name: &LayerName, item: &Item) -> Result<Claim> {
    if let Some(reason) = look_again(mounts, item)? {
        return Ok(Claim::Skip(reason));
    }
    let layer = tree.layer(name);
    let mut touched = last_touched(&layer)?;
    if item.incomplete {
        touched = touched.max(usage::newest(layer.path())?);
        match fs::symlink_metadata(layer.metadata()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            _ => return Ok(Claim::Skip(SkipReason::Used)),
        }
    }
    if touched > item.last_used {
        return Ok(Claim::Skip(SkipReason::Used));
    }
    take(item)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::item::Identity;
    use crate::usage::Usage;

    #[derive(Debug, Clone)]
    struct Given {
        parents: Vec<prop::sample::Index>,
        days: u64,
        needed: bool,
        locked: bool,
        corrupt: bool,
    }

    fn given() -> impl Strategy<Value = Given> {
        let parents = prop::collection::vec(any::<prop::sample::Index>(), 0..3);
        let rarely = |one_in: u32| prop::bool::weighted(1.0 / f64::from(one_in));
        (parents, 0_u64..20, rarely(5), rarely(9), rarely(40)).prop_map(
            |(parents, days, needed, locked, corrupt)| Given { parents, days, needed, locked, corrupt },
        )
    }

    fn name(position: usize) -> String {
        format!("build-{position:012x}")
    }

    /// Layers are built upon earlier ones.
    fn parents_of(position: usize, given: &Given) -> Vec<usize> {
        let picked = given.parents.iter().filter(|_| position > 0);
        picked.map(|parent| parent.index(position)).collect()
    }

    fn now() -> Timestamp {
        Timestamp::parse("2026-03-09T12:54:44Z").unwrap()
    }

    fn entry(position: usize, given: &Given) -> Entry {
        let parents = parents_of(position, given).into_iter().map(name).collect();
        Entry {
            file_name: name(position).into(),
            identity: Identity(0, position as u64),
            usage: Some(Usage { taken: 10, exclusive: 10, ..Usage::default() }),
            last_used: Some(now().minus(Duration::from_secs(given.days * 86_400))),
            mounted: false,
            kind: Kind::Layer {
                parents: if given.corrupt { Parents::Corrupt } else { Parents::Known(parents) },
                lock: if given.locked { LockState::Held } else { LockState::Free },
            },
        }
    }

    fn plan(layers: &[Given], limit: Option<u64>) -> LayerPlan {
        let entries = layers.iter().enumerate().map(|(position, given)| entry(position, given)).collect();
        let roots =
            layers.iter().enumerate().filter(|(_, given)| given.needed).map(|(position, _)| name(position));
        let survey = LayerSurvey { problems: Vec::new(), tree: PlatformTree::at("t"), entries };
        let policy =
            Policy { min_age: Duration::from_secs(10 * 86_400), max_bytes: limit, ..Policy::default() };
        plan_layers(survey, &roots.collect(), &policy, now())
    }

    /// What stays, found by asking again and again until nothing changes.
    fn stays(layers: &[Given]) -> Vec<bool> {
        if layers.iter().any(|given| given.corrupt) {
            return vec![true; layers.len()];
        }
        let mut stays: Vec<bool> =
            layers.iter().map(|given| given.needed || given.locked || given.days < 10).collect();
        for _ in 0..layers.len() {
            for (position, given) in layers.iter().enumerate() {
                if stays[position] {
                    parents_of(position, given).into_iter().for_each(|parent| stays[parent] = true);
                }
            }
        }
        stays
    }

    proptest! {
        #[test]
        fn what_goes_is_what_nothing_needs_and_children_go_first(
            layers in prop::collection::vec(given(), 1..12),
            count in 0_usize..6,
        ) {
            let whole = plan(&layers, None);
            let order: Vec<&str> = whole.removals().map(|item| item.name.as_str()).collect();
            let turn = |position: usize| order.iter().position(|other| *other == name(position));
            for (position, stays) in stays(&layers).into_iter().enumerate() {
                prop_assert_eq!(turn(position).is_none(), stays, "{}", name(position));
                for parent in parents_of(position, &layers[position]) {
                    if let (Some(child), Some(parent)) = (turn(position), turn(parent)) {
                        prop_assert!(child < parent);
                    }
                }
            }
            let limited = plan(&layers, Some(count as u64 * 10));
            let first: Vec<&str> = limited.removals().map(|item| item.name.as_str()).collect();
            prop_assert_eq!(&first[..], &order[..count.min(order.len())]);
        }
    }

    #[test]
    fn a_long_chain_of_layers_is_ordered() {
        let given = |parent: usize| Given {
            parents: vec![],
            days: 30 + parent as u64 % 7,
            needed: false,
            locked: false,
            corrupt: false,
        };
        let mut entries: Vec<Entry> = (0..50_000).map(|position| entry(position, &given(position))).collect();
        for (position, entry) in entries.iter_mut().enumerate().skip(1) {
            if let Kind::Layer { parents, .. } = &mut entry.kind {
                *parents = Parents::Known(vec![name(position - 1)]);
            }
        }
        let survey = LayerSurvey { problems: Vec::new(), tree: PlatformTree::at("t"), entries };
        let plan = plan_layers(survey, &Roots::new(), &Policy::default(), now());
        let order: Vec<String> = plan.removals().map(|item| item.name.clone()).collect();
        let expected: Vec<String> = (0..50_000).rev().map(name).collect();
        assert!(order == expected);
    }
}
