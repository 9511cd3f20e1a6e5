//! Which runs count as now, which as before, and which not at all.

use buildbook_layout::RunId;

use crate::Status;

/// The runs that an index compares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Window {
    /// The run of the index.
    pub(crate) run: RunId,
    /// The run that it is compared with; `None` for whatever run each package was in before.
    pub(crate) since: Option<RunId>,
}

/// Where a run lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Before,
    Now,
    /// Another run began later and is alive, or the index is of an old run.
    Later,
}

impl Window {
    pub(crate) fn new(run: &RunId, previous: Option<&Status>) -> Window {
        let since = previous.and_then(|previous| {
            let last = previous.run()?;
            match last.cmp(run) {
                std::cmp::Ordering::Less => Some(last),
                // The index of this run is made again: it is compared with what it was compared with.
                std::cmp::Ordering::Equal => {
                    previous.since.as_ref()?.parse().ok().filter(|since: &RunId| since < run)
                }
                std::cmp::Ordering::Greater => None,
            }
        });
        Window { run: run.clone(), since }
    }

    /// What is not a run id is older than all that are.
    pub(crate) fn place(&self, run: Option<&RunId>) -> Place {
        let Some(run) = run else { return Place::Before };
        let is_now = match &self.since {
            Some(since) => run > since,
            None => *run == self.run,
        };
        if *run > self.run {
            Place::Later
        } else if is_now {
            Place::Now
        } else {
            Place::Before
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(n: u32) -> RunId {
        format!("2026-01-01-0000{n:02}").parse().unwrap()
    }

    fn status(run_id: &str, since: Option<&str>) -> Status {
        Status {
            generated: String::new(),
            run_id: run_id.to_owned(),
            blessed_totals: Default::default(),
            non_blessed_totals: Default::default(),
            changes: Vec::new(),
            new_packages: Vec::new(),
            version: crate::VERSION,
            since: since.map(str::to_owned),
        }
    }

    fn since(previous: Option<Status>) -> Option<RunId> {
        Window::new(&run(5), previous.as_ref()).since
    }

    #[test]
    fn changes_are_relative_to_the_previous_index_and_stay_so_within_a_run() {
        let text = |n| run(n).as_str().to_owned();
        assert_eq!(since(None), None);
        assert_eq!(since(Some(status(&text(3), Some(&text(1))))), Some(run(3)));
        assert_eq!(since(Some(status(&text(5), Some(&text(3))))), Some(run(3)));
        assert_eq!(since(Some(status(&text(5), None))), None);
        assert_eq!(since(Some(status(&text(5), Some(&text(7))))), None, "nonsense");
        assert_eq!(since(Some(status(&text(6), None))), None, "an index of an old run");
        assert_eq!(since(Some(status("r1", None))), None, "a name that has no time");
    }

    #[test]
    fn runs_are_before_now_or_later() {
        use Place::{Before, Later, Now};
        let places = |window: Window| (1..=6).map(|n| window.place(Some(&run(n)))).collect::<Vec<_>>();
        assert_eq!(places(Window { run: run(4), since: None }), [Before, Before, Before, Now, Later, Later]);
        assert_eq!(
            places(Window { run: run(4), since: Some(run(2)) }),
            [Before, Before, Now, Now, Later, Later]
        );
        assert_eq!(Window { run: run(4), since: None }.place(None), Before);
    }
}
