//! Taking what is in place already, before anything is started.
//!
//! In most runs nearly everything is as it was. For such a target nothing has to be done but to say so: its layer is
//! good, its history says so, and its use was noted a short while ago. No lock is needed to find that out, as layers
//! and histories come to be in one step, and a target of which any of it is not so is seen through like all others.
//!
//! A collection that looked for runs before leaves such a layer alone, because it had looked at histories before that
//! and the package stood on it; one that looks later, because this run is in progress and has said what it needs. So
//! its use need not be noted under its lock again.

use std::time::Duration;

use buildbook::fsio::FileSystem;
use buildbook::layout::{PlatformTree, Timestamp};
use buildbook::runlog::{Event, Run};

use super::record::Recorder;
use super::{Verdict, layer};
use crate::plan::Plan;

/// For each target, whether its layer is good before the batch begins.
pub(super) fn good_layers(tree: &PlatformTree, plan: &Plan, jobs: usize) -> Vec<bool> {
    for_each(plan, jobs, |position| Ok(layer::is_good(tree, &plan.targets[position]))).unwrap_or_default()
}

/// Where a target is that is in place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It is not, or not all of it.
    Nowhere,
    /// Where one sync makes everything durable.
    Together,
    /// Somewhere else, so that it is synced by itself.
    Apart,
}

/// Takes the targets that are in place, with all that they depend on; says of each target whether it was taken.
pub(super) fn take(
    tree: &PlatformTree,
    plan: &Plan,
    run: &Run,
    recorder: &Recorder<'_>,
    good: &[bool],
    jobs: usize,
    file_system: Option<&FileSystem>,
) -> anyhow::Result<Vec<bool>> {
    let now = Timestamp::now();
    let mut places = for_each(plan, jobs, |position| {
        let target = &plan.targets[position];
        let is_in_place = good[position]
            && layer::is_noted(tree, target, now)
            && recorder.is_recorded(position, &Verdict::FromLayer)?;
        Ok(match is_in_place {
            false => Place::Nowhere,
            true if recorder.is_reached(position, file_system) => Place::Together,
            true => Place::Apart,
        })
    })?;
    // What depends on something that is still to be built may yet be blocked by it.
    for position in &plan.order {
        if plan.targets[*position].deps.iter().any(|dep| places[*dep] == Place::Nowhere) {
            places[*position] = Place::Nowhere;
        }
    }
    let taken: Vec<bool> = places.iter().map(|place| *place != Place::Nowhere).collect();
    let positions = || plan.order.iter().copied().filter(|position| taken[*position]);
    let apart: Vec<usize> = positions().filter(|position| places[*position] == Place::Apart).collect();
    for_each(plan, jobs, |position| {
        let target = &plan.targets[position];
        Ok(taken[position] && run.link_build_log(&target.package, &tree.layer(&target.hash.layer()).log())?)
    })?;
    let together = file_system.filter(|_| places.contains(&Place::Together));
    // Nobody is told of what a power cut may still take. What they will be told is put together meanwhile.
    let (synced, events) = std::thread::scope(|scope| {
        let synced = scope.spawn(|| together.map_or(Ok(()), FileSystem::sync));
        let event = |position| recorder.event(position, &Verdict::FromLayer, Duration::ZERO);
        let events: Vec<Event> = positions().map(event).collect();
        (synced.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), events)
    });
    synced?;
    recorder.sync_each(&apart)?;
    recorder.tell(&events)?;
    Ok(taken)
}

/// Asks something about every target, on some threads.
fn for_each<T: Send>(
    plan: &Plan,
    jobs: usize,
    ask: impl Fn(usize) -> anyhow::Result<T> + Sync,
) -> anyhow::Result<Vec<T>> {
    let count = plan.targets.len();
    let share = count.div_ceil(jobs.max(1)).max(1);
    let ask = &ask;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..count)
            .step_by(share)
            .map(|first| {
                scope.spawn(move || {
                    (first..count.min(first + share)).map(ask).collect::<anyhow::Result<Vec<_>>>()
                })
            })
            .collect();
        let mut all = Vec::with_capacity(count);
        for thread in threads {
            match thread.join() {
                Ok(some) => all.extend(some?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(all)
    })
}
