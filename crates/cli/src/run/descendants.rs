//! What a command started in process groups of its own, as `timeout` and shells with job control do.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

/// The processes of the system at one moment, as far as `/proc` tells; none where there is no such folder.
pub(super) struct Processes {
    /// For each process, its children and the group of each.
    children: HashMap<i32, Vec<(i32, i32)>>,
}

impl Processes {
    pub(super) fn now() -> Processes {
        let mut children: HashMap<i32, Vec<(i32, i32)>> = HashMap::new();
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let process = entry.file_name().to_str().and_then(|name| name.parse().ok());
            if let Some((process, (parent, group))) = process.zip(parent_and_group(&entry.path())) {
                children.entry(parent).or_default().push((process, group));
            }
        }
        Processes { children }
    }

    /// The groups of all descendants of a process but its own. What has lost its parent is not found.
    pub(super) fn groups_below(&self, leader: i32) -> BTreeSet<i32> {
        let mut groups = BTreeSet::new();
        let mut left = vec![leader];
        while let Some(process) = left.pop() {
            for (child, group) in self.children.get(&process).into_iter().flatten() {
                left.push(*child);
                groups.insert(*group);
            }
        }
        groups.remove(&leader);
        // A process may join any group of its session, also the one of this program.
        groups.remove(&nix::unistd::getpgrp().as_raw());
        groups
    }
}

fn parent_and_group(process: &Path) -> Option<(i32, i32)> {
    let stat = std::fs::read(process.join("stat")).ok()?;
    parse(&String::from_utf8_lossy(&stat))
}

/// `1234 (name) S parent group …`; the name may have blanks and parentheses. See `proc_pid_stat(5)`.
fn parse(stat: &str) -> Option<(i32, i32)> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut numbers = fields.split_whitespace().skip(1).map(|field| field.parse().ok());
    let (parent, group) = (numbers.next()??, numbers.next()??);
    // Groups of the kernel, and what would stand for several groups in a call.
    (group > 1).then_some((parent, group))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_process_does_not_mislead() {
        assert_eq!(parse("7 (a) b) R 1 2) S 41 42 40 0 -1"), Some((41, 42)));
        assert_eq!(parse("7 (kthread) S 2 0 0 0 -1"), None);
        assert_eq!(parse("7 (cut off) S 2"), None);
    }

    #[test]
    fn groups_are_found_at_any_depth_and_the_own_is_left_out() {
        let own = nix::unistd::getpgrp().as_raw();
        let family = [(10, vec![(11, 10), (12, 12)]), (12, vec![(13, 13), (14, own)]), (99, vec![(98, 98)])];
        let processes = Processes { children: family.into_iter().collect() };
        assert_eq!(processes.groups_below(10), BTreeSet::from([12, 13]));
        assert_eq!(processes.groups_below(11), BTreeSet::new());
    }
}
