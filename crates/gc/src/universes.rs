//! Deciding about universes of documentation, and removing them.

use std::collections::HashSet;

use buildbook_atomic_swap::Role;
use buildbook_fsio::Kind as FileKind;
use buildbook_layout::{HtmlTree, Timestamp, Universe};

use crate::item::{Decision, Item};
use crate::layers::by_age;
use crate::mounts::Mounts;
use crate::references::referenced_by_published;
use crate::survey::{Entry, Kind, Look, Name, Parents, Scratch, list};
use crate::sweep::{Claim, GcResult, look_again, sweep, take, with_gc_lock};
use crate::{Error, KeepReason, Plan, Policy, RemoveReason, Result, SkipReason, usage};

/// A decision about every universe of a tree of documentation.
pub type UniversePlan = Plan<HtmlTree>;

/// What a collection of universes did.
pub type UniverseGcResult = GcResult;

/// What there is in a tree of documentation, as it was when somebody looked.
#[derive(Debug)]
#[non_exhaustive]
pub struct UniverseSurvey {
    /// What could not be looked at. It stays.
    pub problems: Vec<Error>,
    html: HtmlTree,
    entries: Vec<Entry>,
    referenced: HashSet<Universe>,
}

/// Looks at every universe and at every reference to one. Nothing is changed.
///
/// # Errors
///
/// Those of [`collect_referenced_universes`](crate::collect_referenced_universes); [`Error::NothingPublished`]; the
/// system's answer when the folder of universes cannot be read. What concerns one universe is in
/// [`UniverseSurvey::problems`].
pub fn survey_universes(html: &HtmlTree) -> Result<UniverseSurvey> {
    let referenced = referenced(html)?;
    let (mut entries, mut problems) = (Vec::new(), Vec::new());
    if let Some((folder, names)) = list(&html.universes())? {
        let (look, mut scratch) = (Look::at(folder), Scratch::default());
        for Name { name: file_name, kind, .. } in names {
            let universe = file_name.to_str().and_then(|name| name.parse::<Universe>().ok());
            let kind = match (Role::of(&file_name), universe, kind == FileKind::Folder) {
                (Some(Role::Temporary), _, _) => continue,
                (Some(role), _, true) => Kind::Leftover { role, parents: Parents::NotYet },
                (None, Some(universe), true) => Kind::Universe(universe),
                (_, Some(_), false) => Kind::NotAFolder { parents: Parents::NotYet },
                (None, None, true) => Kind::Foreign,
                _ => continue,
            };
            entries.push(look.entry(file_name, kind, &mut scratch, &mut problems));
        }
    }
    Ok(UniverseSurvey { html: html.clone(), entries, problems, referenced })
}

fn referenced(html: &HtmlTree) -> Result<HashSet<Universe>> {
    let referenced = referenced_by_published(html)?;
    if referenced.is_none() && list(&html.universes())?.is_some_and(|(_, names)| !names.is_empty()) {
        return Err(Error::NothingPublished { path: html.blessed() });
    }
    Ok(referenced.into_iter().flatten().collect())
}

/// Decides about every universe of a survey. It looks at nothing but its arguments.
#[must_use]
pub fn plan_universes(survey: UniverseSurvey, policy: &Policy, now: Timestamp) -> UniversePlan {
    let UniverseSurvey { problems, html, entries, referenced } = survey;
    let decisions: Vec<Decision> = entries
        .iter()
        .map(|entry| {
            let keep = match &entry.kind {
                _ if entry.mounted => KeepReason::Mounted,
                Kind::Leftover { role: Role::Trash, .. } => {
                    return Decision::Remove(RemoveReason::Interrupted);
                }
                Kind::Leftover { .. } => KeepReason::InProgress,
                Kind::NotAFolder { .. } => KeepReason::NotAFolder,
                Kind::Foreign | Kind::Layer { .. } => KeepReason::ForeignName,
                Kind::Universe(universe) if referenced.contains(universe) => KeepReason::Referenced,
                Kind::Universe(_) if entry.usage.is_none() => KeepReason::Unreadable,
                Kind::Universe(_) => return by_age(entry.last_used, policy, now),
            };
            Decision::Keep(keep)
        })
        .collect();
    let mut order: Vec<usize> =
        (0..entries.len()).filter(|at| matches!(decisions[*at], Decision::Remove(_))).collect();
    order.sort_by_key(|at| (entries[*at].last_used, &entries[*at].file_name));
    let folder = html.universes();
    let items = crate::plan::items(&folder, entries, decisions, &order, policy.max_bytes, |_| Vec::new());
    Plan { items, problems, tree: html }
}

/// Removes the universes that a plan says, unless they were written to, referenced or replaced since.
///
/// All references are collected again first. A publisher that is about to refer to a universe makes sure that the
/// universe is there and newly written before it publishes the reference.
///
/// # Errors
///
/// [`Error::Busy`] when another collection of this tree is at work; those of [`survey_universes`]. Nothing was
/// removed then.
pub fn execute_universes(plan: &UniversePlan) -> Result<UniverseGcResult> {
    with_gc_lock(plan, plan.tree.path(), |removals| {
        let referenced = referenced(&plan.tree)?;
        let mut mounts = Mounts::below(&plan.tree.universes());
        Ok(sweep(removals, |item, _| claim(&referenced, &mut mounts, item)))
    })
}

/// Surveys, plans and executes.
///
/// # Errors
///
/// As [`survey_universes`] and [`execute_universes`].
pub fn gc_universes(html: &HtmlTree, policy: &Policy, now: Timestamp) -> Result<UniverseGcResult> {
    let mut plan = plan_universes(survey_universes(html)?, policy, now);
    let problems = std::mem::take(&mut plan.problems);
    let mut result = execute_universes(&plan)?;
    result.problems.splice(0..0, problems);
    Ok(result)
}

/// Takes a universe out of sight, if it is still what the plan was made for.
fn claim(referenced: &HashSet<Universe>, mounts: &mut Mounts, item: &Item) -> Result<Claim> {
    if item.name.parse().is_ok_and(|universe| referenced.contains(&universe)) {
        return Ok(Claim::Skip(SkipReason::Referenced));
    }
    if let Some(reason) = look_again(mounts, item)? {
        return Ok(Claim::Skip(reason));
    }
    if usage::newest(&item.path)? > item.last_used {
        return Ok(Claim::Skip(SkipReason::Used));
    }
    take(item)
}
