//! Deciding about layers, and removing them.

use std::collections::VecDeque;
use std::fs;
use std::io;

use buildbook_atomic_swap::{Role, retire};
use buildbook_fsio::Lock;
use buildbook_layout::{LayerName, PlatformTree, Timestamp};

use crate::family::Family;
use crate::item::{Decision, Item};
use crate::metadata::last_touched;
use crate::survey::{Entry, Kind, LockState, Parents};
use crate::sweep::{Claim, GcResult, look_again, sweep, with_gc_lock};
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
    let items = crate::plan::items(entries, decisions, &order, policy.max_bytes, |child| {
        family.parents[child].clone()
    });
    Plan { items, problems, tree }
}

/// Decides about an entry by itself.
fn decide(entry: &Entry, roots: &Roots, policy: &Policy, now: Timestamp) -> Decision {
    let keep = match &entry.kind {
        _ if entry.mounted => KeepReason::Mounted,
        Kind::Leftover { role: Role::Trash, .. } => return Decision::Remove(RemoveReason::Interrupted),
        Kind::Leftover { .. } => KeepReason::InProgress,
        Kind::NotAFolder => KeepReason::NotAFolder,
        Kind::Foreign | Kind::Universe(_) => KeepReason::ForeignName,
        Kind::Layer { name, .. } if roots.name(name) => KeepReason::Referenced,
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
                decisions[*parent] = Decision::Keep(KeepReason::ParentOf(entries[child].name.clone()));
                queue.push_back(*parent);
            }
        }
    }
}

/// Keeps everything if something that stays may have been built upon it.
fn keep_possible_parents(entries: &[Entry], decisions: &mut [Decision]) {
    let secretive = entries.iter().zip(decisions.iter()).find(|(entry, decision)| {
        let unknown = matches!(
            entry.kind,
            Kind::Layer { parents: Parents::Corrupt | Parents::Unreadable, .. }
                | Kind::Leftover { role: Role::Old, parents: Parents::Corrupt | Parents::Unreadable }
        );
        unknown && matches!(decision, Decision::Keep(_))
    });
    let Some((child, _)) = secretive else { return };
    for decision in decisions {
        if matches!(decision, Decision::Remove(RemoveReason::Unneeded(_))) {
            *decision = Decision::Keep(KeepReason::MaybeParentOf(child.name.clone()));
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
        Ok(sweep(removals, |item, problems| claim(&plan.tree, item, problems)))
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
fn claim(tree: &PlatformTree, item: &Item, problems: &mut Vec<Error>) -> Result<Claim> {
    let Ok(name) = item.name.parse::<LayerName>() else { return Ok(Claim::Skip(SkipReason::Replaced)) };
    // A layer that has gone must not be given a lock file.
    if let Some(reason) = look_again(item)? {
        return Ok(Claim::Skip(reason));
    }
    let Some(lock) = Lock::try_acquire(&tree.layer_lock(&name))? else {
        return Ok(Claim::Skip(SkipReason::Locked));
    };
    let claim = claim_locked(tree, &name, item);
    // Without its layer, nobody needs the file; with it, the next who locks it makes another.
    problems.extend(lock.remove().err().map(Error::from));
    claim
}

fn claim_locked(tree: &PlatformTree, name: &LayerName, item: &Item) -> Result<Claim> {
    if let Some(reason) = look_again(item)? {
        return Ok(Claim::Skip(reason));
    }
    let layer = tree.layer(name);
    let mut touched = last_touched(&layer)?;
    if item.incomplete {
        touched = touched.max(usage::newest(layer.path(), usize::MAX)?);
        match fs::symlink_metadata(layer.metadata()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            _ => return Ok(Claim::Skip(SkipReason::Used)),
        }
    }
    if touched > item.last_used {
        return Ok(Claim::Skip(SkipReason::Used));
    }
    match retire(layer.path()) {
        Ok(Some(retired)) => Ok(Claim::Retired(retired)),
        Ok(None) => Ok(Claim::Skip(SkipReason::Gone)),
        Err(source) => Err(Error::Swap { operation: "take out of sight", path: item.path.clone(), source }),
    }
}
