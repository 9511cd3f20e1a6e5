//! A guard does what a slow and simple model of it says, whatever it is told in whatever order.

use std::collections::BTreeSet;

use buildbook_guard::{Allowed, Error, FileId, FileStatus, Guard};
use proptest::prelude::*;

const FILES: usize = 7;

#[derive(Debug, Clone)]
enum Call {
    Add { reads: Vec<usize>, writes: Vec<usize> },
    Ready(usize),
    Never(usize),
    Allowed,
}

fn call() -> impl Strategy<Value = Call> {
    let files = || proptest::collection::vec(0..FILES, 0..4);
    prop_oneof![
        4 => (files(), files()).prop_map(|(reads, writes)| Call::Add { reads, writes }),
        2 => (0..FILES).prop_map(Call::Ready),
        1 => (0..FILES).prop_map(Call::Never),
        2 => Just(Call::Allowed),
    ]
}

/// All that was said, and when. It decides nothing before it is asked, and then looks at everything.
#[derive(Default)]
struct Model {
    now: usize,
    /// When each file was decided, and whether it is ready.
    decided: [Option<(usize, bool)>; FILES],
    added: Vec<Added>,
}

struct Added {
    at: usize,
    reads: Vec<usize>,
    writes: Vec<usize>,
}

impl Model {
    /// When an operation was allowed, and the file that aborted it if any did.
    fn outcome(&self, op: usize) -> Option<(usize, Option<usize>)> {
        let Added { at, reads, .. } = &self.added[op];
        let nevers = reads.iter().filter_map(|read| match self.decided[*read] {
            Some((when, false)) => Some((when.max(*at), *read)),
            _ => None,
        });
        // The first of the earliest, for those that were known before.
        if let Some((when, never)) = nevers.min_by_key(|(when, _)| *when) {
            return Some((when, Some(never)));
        }
        let mut latest = *at;
        for read in reads {
            latest = latest.max(self.decided[*read]?.0);
        }
        Some((latest, None))
    }

    /// Everything that was allowed so far, in order.
    fn allowed(&self) -> Vec<(usize, Option<usize>)> {
        let mut all: Vec<_> = (0..self.added.len())
            .filter_map(|op| self.outcome(op).map(|(when, never)| (when, op, never)))
            .collect();
        all.sort_unstable();
        all.into_iter().map(|(_, op, never)| (op, never)).collect()
    }

    fn guarded(&self) -> Vec<usize> {
        (0..self.added.len()).filter(|op| self.outcome(*op).is_none()).collect()
    }

    fn decided_as(&self, is_ready: bool) -> BTreeSet<usize> {
        (0..FILES)
            .filter(|file| matches!(self.decided[*file], Some((_, ready)) if ready == is_ready))
            .collect()
    }

    fn undecided(&self) -> BTreeSet<usize> {
        let was_aborted_at_once = |op: usize| {
            let at = self.added[op].at;
            self.added[op]
                .reads
                .iter()
                .any(|read| matches!(self.decided[*read], Some((when, false)) if when < at))
        };
        (0..self.added.len())
            .filter(|op| !was_aborted_at_once(*op))
            .flat_map(|op| self.added[op].reads.iter().copied())
            .filter(|file| self.decided[*file].is_none())
            .collect()
    }

    fn roots(&self) -> BTreeSet<usize> {
        let guarded = self.guarded();
        let is_written = |file: &usize| guarded.iter().any(|op| self.added[*op].writes.contains(file));
        self.undecided().into_iter().filter(|file| !is_written(file)).collect()
    }

    /// Classes of guarded operations that reach each other, by the closure of the relation.
    fn cycles(&self) -> Vec<Vec<usize>> {
        let guarded = self.guarded();
        let leads = |from: usize, to: usize| {
            let is_awaited =
                |file: &usize| self.decided[*file].is_none() && self.added[to].reads.contains(file);
            self.added[from].writes.iter().any(is_awaited)
        };
        let mut reaches: BTreeSet<(usize, usize)> = guarded
            .iter()
            .flat_map(|from| guarded.iter().map(move |to| (*from, *to)))
            .filter(|(from, to)| leads(*from, *to))
            .collect();
        for middle in &guarded {
            for from in &guarded {
                for to in &guarded {
                    if reaches.contains(&(*from, *middle)) && reaches.contains(&(*middle, *to)) {
                        reaches.insert((*from, *to));
                    }
                }
            }
        }
        let mut cycles: Vec<Vec<usize>> = Vec::new();
        for op in &guarded {
            let class = guarded
                .iter()
                .filter(|other| reaches.contains(&(*op, **other)) && reaches.contains(&(**other, *op)));
            let class: Vec<usize> = class.copied().collect();
            if class.first() == Some(op) {
                cycles.push(class);
            }
        }
        cycles
    }
}

fn name(file: usize) -> String {
    format!("file-{file}")
}

fn status(is_ready: bool) -> FileStatus {
    if is_ready { FileStatus::Ready } else { FileStatus::Never }
}

fn numbers(guard: &mut Guard<usize>, files: &[usize]) -> Vec<FileId> {
    files.iter().map(|file| guard.file(name(*file))).collect()
}

/// Files of the model in the order in which the guard heard of them.
fn in_order(guard: &Guard<usize>, files: BTreeSet<usize>) -> Vec<FileId> {
    let mut files: Vec<FileId> = files.into_iter().map(|file| guard.find(name(file)).unwrap()).collect();
    files.sort_unstable();
    files
}

fn decide(
    guard: &mut Guard<usize>,
    model: &mut Model,
    file: usize,
    is_ready: bool,
) -> Result<(), TestCaseError> {
    let number = guard.file(name(file));
    let answer = if is_ready { guard.set_file_ready(number) } else { guard.set_file_never(number) };
    let expected = match model.decided[file] {
        None => {
            model.decided[file] = Some((model.now, is_ready));
            Ok(())
        }
        Some((_, first)) if first == is_ready => {
            Err(Error::FileStatusRepeat { path: name(file).into(), status: status(first) })
        }
        Some((_, first)) => {
            let (status, told) = (status(first), status(is_ready));
            Err(Error::FileStatusUnstable { path: name(file).into(), status, told })
        }
    };
    prop_assert_eq!(answer, expected);
    Ok(())
}

fn take_one(guard: &mut Guard<usize>, model: &Model, taken: &mut usize) -> Result<bool, TestCaseError> {
    let expected = model.allowed().get(*taken).map(|(op, never)| match never {
        None => Allowed::Ready(*op),
        Some(file) => Allowed::Aborted { op: *op, never: guard.find(name(*file)).unwrap() },
    });
    let got = guard.allowed();
    *taken += usize::from(got.is_some());
    prop_assert_eq!(got, expected);
    Ok(got.is_some())
}

fn analyse(guard: &Guard<usize>, model: &Model) -> Result<(), TestCaseError> {
    let guarded = model.guarded();
    prop_assert_eq!(guard.guarded_ops(), guarded.iter().collect::<Vec<_>>());
    prop_assert_eq!(guard.ready_files(), in_order(guard, model.decided_as(true)));
    prop_assert_eq!(guard.never_files(), in_order(guard, model.decided_as(false)));
    prop_assert_eq!(guard.undecided_files(), in_order(guard, model.undecided()));
    prop_assert_eq!(guard.root_undecided_files(), in_order(guard, model.roots()));
    let cycles: Vec<Vec<usize>> =
        guard.cycles().into_iter().map(|cycle| cycle.into_iter().copied().collect()).collect();
    prop_assert_eq!(cycles, model.cycles());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_guard_agrees_with_its_model(calls in proptest::collection::vec(call(), 0..40)) {
        let mut guard = Guard::new();
        let mut model = Model::default();
        let mut taken = 0;
        for call in calls {
            model.now += 1;
            match call {
                Call::Add { reads, writes } => {
                    let (from, to) = (numbers(&mut guard, &reads), numbers(&mut guard, &writes));
                    guard.add(model.added.len(), &from, &to);
                    model.added.push(Added { at: model.now, reads, writes });
                }
                Call::Ready(file) => decide(&mut guard, &mut model, file, true)?,
                Call::Never(file) => decide(&mut guard, &mut model, file, false)?,
                Call::Allowed => {
                    take_one(&mut guard, &model, &mut taken)?;
                }
            }
            analyse(&guard, &model)?;
        }
        while take_one(&mut guard, &model, &mut taken)? {}
        prop_assert_eq!(taken + model.guarded().len(), model.added.len(), "each comes out once or is held back");
    }
}
