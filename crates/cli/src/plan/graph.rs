//! The order of a plan's targets.

use std::collections::VecDeque;

use super::Target;

/// Every target after its dependencies, otherwise in the order of the file; or the first cycle, in words.
pub(super) fn order(targets: &[Target]) -> Result<Vec<usize>, String> {
    let mut missing: Vec<usize> = targets.iter().map(|target| target.deps.len()).collect();
    let mut dependents = vec![Vec::new(); targets.len()];
    for (position, target) in targets.iter().enumerate() {
        for dep in &target.deps {
            dependents[*dep].push(position);
        }
    }
    let mut ready: VecDeque<usize> = (0..targets.len()).filter(|position| missing[*position] == 0).collect();
    let mut order = Vec::with_capacity(targets.len());
    while let Some(position) = ready.pop_front() {
        order.push(position);
        for dependent in &dependents[position] {
            missing[*dependent] -= 1;
            if missing[*dependent] == 0 {
                ready.push_back(*dependent);
            }
        }
    }
    if order.len() == targets.len() {
        return Ok(order);
    }
    // Every target that is left waits for another that is left, so following them comes round.
    let mut position = (0..targets.len()).find(|position| missing[*position] > 0).unwrap_or(0);
    let mut path = Vec::new();
    let mut place = vec![None; targets.len()];
    while place[position].is_none() {
        place[position] = Some(path.len());
        path.push(position);
        let next = targets[position].deps.iter().find(|dep| missing[**dep] > 0);
        position = next.copied().unwrap_or(position);
    }
    let start = place[position].unwrap_or(0);
    let names: Vec<String> = path[start..]
        .iter()
        .chain([&position])
        .map(|position| targets[*position].package.to_string())
        .collect();
    Err(format!("targets depend on each other in a circle: {}", names.join(" -> ")))
}
