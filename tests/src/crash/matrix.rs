//! Running a procedure with trouble at each of its operations.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use buildbook::fsio::op::Operation;
use buildbook_fsio::faults::{Call, Fault, inject_all};
use nix::libc::{EACCES, EINVAL, EIO, ENOSPC};

use super::contents::{Contents, leftovers};
use super::procedure::{Procedure, State, World};
use super::rules;
use crate::Snapshot;

/// What happens at an operation. A write and a removal are troubled a second time, half done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The process dies.
    Stop,
    /// The device cannot read or write.
    Eio,
    /// The disk is full.
    Enospc,
    /// It is not allowed.
    Eacces,
    /// The device cannot write, and whatever the procedure then does to undo things is cut off or fails as well.
    Undo,
}

/// What became of a procedure, and of those who relied on it.
#[derive(Debug, Clone)]
pub struct Row {
    /// The procedure.
    pub name: &'static str,
    /// Its operations when nothing disturbs it.
    pub operations: Vec<Operation>,
    /// How many points ended in which state, and whether the procedure claimed to have succeeded.
    pub outcomes: BTreeMap<Kind, BTreeMap<(State, bool), usize>>,
    /// What went wrong, a sentence for each point and each broken rule.
    pub failures: Vec<String>,
}

impl Kind {
    /// All of them, in the order of the table.
    pub const ALL: [Kind; 5] = [Kind::Stop, Kind::Eio, Kind::Enospc, Kind::Eacces, Kind::Undo];

    fn faults(self, operation: Operation) -> Vec<Fault> {
        let (whole, torn) = match self {
            Kind::Stop => (Fault::Stop, Fault::StopTorn),
            Kind::Eio | Kind::Undo => (Fault::Fail(EIO), Fault::FailTorn(EIO)),
            Kind::Enospc => (Fault::Fail(ENOSPC), Fault::FailTorn(ENOSPC)),
            Kind::Eacces => (Fault::Fail(EACCES), Fault::FailTorn(EACCES)),
        };
        match operation {
            Operation::Write | Operation::RemoveTree => vec![whole, torn],
            _ => vec![whole],
        }
    }
}

/// Runs a procedure undisturbed, and then with each kind of trouble at each of its operations.
///
/// # Errors
///
/// When the procedure cannot be prepared or fails undisturbed. What goes wrong at a point is in [`Row::failures`].
pub fn run(procedure: &Procedure) -> Result<Row> {
    let passive = without_exchange(procedure)?;
    let mut world = procedure.world()?;
    let old = Contents::read(world.root(), procedure.scratch)?;
    let (done, calls) = inject_all(&passive, || (procedure.act)(&mut world));
    let name = procedure.name;
    done.with_context(|| format!("`{name}` fails undisturbed"))?;
    let state = (procedure.look)(&world).with_context(|| format!("after `{name}`"))?;
    ensure!(state == State::New, "`{name}` leaves the book {state:?} undisturbed");
    ensure!(leftovers(world.root())?.is_empty(), "`{name}` leaves something behind undisturbed");
    let new = Contents::read(world.root(), procedure.scratch)?;
    let mut row = Row {
        name,
        operations: calls.iter().map(|call| call.operation).collect(),
        outcomes: BTreeMap::new(),
        failures: Vec::new(),
    };
    if procedure.durable {
        row.failures = rules::violations(&calls, world.root(), procedure.unsynced);
    }
    drop(world);
    let matrix = Matrix { procedure, passive: &passive, old, new };
    for (at, call) in calls.iter().enumerate() {
        for kind in Kind::ALL {
            for faults in matrix.faults(kind, at, call.operation)? {
                match matrix.point(kind, &faults, call) {
                    Ok(outcome) => {
                        *row.outcomes.entry(kind).or_default().entry(outcome).or_default() += 1;
                    }
                    Err(error) => {
                        let operation = call.operation;
                        row.failures.push(format!("{faults:?}, {operation:?}: {error:#}"));
                    }
                }
            }
        }
    }
    Ok(row)
}

/// The failures by which a file system says that it cannot rename in special ways, found one after the other,
/// because each leads to other operations.
fn without_exchange(procedure: &Procedure) -> Result<Vec<(usize, Fault)>> {
    let mut faults: Vec<(usize, Fault)> = Vec::new();
    if !procedure.plain_renames {
        return Ok(faults);
    }
    loop {
        let mut world = procedure.world()?;
        let (_, calls) = inject_all(&faults, || (procedure.act)(&mut world));
        let is_special = |(at, call): &(usize, &Call)| {
            matches!(call.operation, Operation::Exchange | Operation::RenameToFreeName)
                && faults.iter().all(|(other, _)| other != at)
        };
        let Some((at, _)) = calls.iter().enumerate().find(is_special) else { return Ok(faults) };
        faults.push((at, Fault::Fail(EINVAL)));
    }
}

struct Matrix<'a> {
    procedure: &'a Procedure,
    passive: &'a [(usize, Fault)],
    old: Contents,
    new: Contents,
}

impl Matrix<'_> {
    /// The faults of each point of a kind at an operation.
    fn faults(&self, kind: Kind, at: usize, operation: Operation) -> Result<Vec<Vec<(usize, Fault)>>> {
        let mut points = Vec::new();
        for fault in kind.faults(operation) {
            let mut faults = self.passive.to_vec();
            faults.retain(|(other, _)| *other != at);
            faults.push((at, fault));
            if kind != Kind::Undo {
                points.push(faults);
                continue;
            }
            let mut world = self.procedure.world()?;
            let (_, calls) = inject_all(&faults, || (self.procedure.act)(&mut world).is_ok());
            for later in at + 1..calls.len() {
                for second in [Fault::Stop, Fault::Fail(EIO)] {
                    let mut both = faults.clone();
                    both.retain(|(other, _)| *other != later);
                    both.push((later, second));
                    points.push(both);
                }
            }
        }
        Ok(points)
    }

    /// One run with its faults, on a fresh book.
    fn point(&self, kind: Kind, faults: &[(usize, Fault)], call: &Call) -> Result<(State, bool)> {
        let procedure = self.procedure;
        let mut world = procedure.world()?;
        let before = Snapshot::take(world.root())?;
        let died = faults.iter().any(|(_, fault)| matches!(fault, Fault::Stop | Fault::StopTorn));
        let (done, _) = inject_all(faults, || {
            // An error may hand back what was prepared: what it takes to drop it is a part of the procedure.
            let done = (procedure.act)(&mut world).is_ok();
            if died {
                // What it held is given back by the kernel, and changes no files.
                world.die();
            }
            done
        });
        ensure!(
            !done || procedure.falls_back.contains(&call.operation),
            "it claims to have succeeded, and passes over what failed at {}",
            call.path.display()
        );
        let seen = (procedure.look)(&world);
        let seen = if procedure.gap.is_some() { seen.ok() } else { Some(seen.context("before recovery")?) };
        self.recover(&world)?;
        let state = (procedure.look)(&world)?;
        ensure!(!done || state == State::New, "it claims to have succeeded, and the book is {state:?}");
        ensure!(seen <= Some(state), "the book was {seen:?} before recovery and is {state:?}");
        self.compare(&world, state, matches!(kind, Kind::Stop | Kind::Undo))?;
        self.nothing_else(&world, &before)?;
        (procedure.act)(&mut world).context("it does not succeed afterwards")?;
        let again = (procedure.look)(&world).context("after it was repeated")?;
        ensure!(again == State::New, "the book is {again:?} after it was repeated");
        self.recover(&world).context("after it was repeated")?;
        Ok((state, done))
    }

    fn recover(&self, world: &World) -> Result<()> {
        let first = (self.procedure.recover)(world).context("recovery")?;
        ensure!(first.problems.is_empty(), "recovery has problems: {:?}", first.problems);
        let second = (self.procedure.recover)(world).context("a second recovery")?;
        ensure!(second.clean, "a second recovery finds something");
        let left = leftovers(world.root())?;
        ensure!(left.is_empty(), "recovery leaves {left:?}");
        Ok(())
    }

    /// The tree itself must be what the readers say it is.
    fn compare(&self, world: &World, state: State, not_undone: bool) -> Result<()> {
        let now = Contents::read(world.root(), self.procedure.scratch)?;
        let mut wrong = match state {
            State::Old => now.differences(&self.old),
            State::New => now.differences(&self.new),
            State::Part => {
                ensure!(self.procedure.part.is_some(), "only a part of it has happened");
                now.neither(&self.old, &self.new)
            }
        };
        if not_undone {
            wrong.retain(|name| !self.procedure.dead.iter().any(|dead| Path::new(name).starts_with(dead)));
        }
        ensure!(wrong.is_empty(), "the book is {state:?}, but for {}", wrong.join(", "));
        Ok(())
    }

    fn nothing_else(&self, world: &World, before: &Snapshot) -> Result<()> {
        let meant: Vec<&Path> =
            self.procedure.touches.iter().chain(self.procedure.scratch).map(Path::new).collect();
        let is_meant = |name: &str| {
            // What only `atomic-swap` makes has been looked for already.
            let is_leftover = name.contains("-bb");
            // The time of a folder changes with the names in it.
            let name = Path::new(name);
            is_leftover || meant.iter().any(|meant| name.starts_with(meant) || meant.starts_with(name))
        };
        let mut changed = before.differences(&Snapshot::take(world.root())?);
        changed.retain(|line| !is_meant(line.split(": ").next().unwrap_or_default()));
        ensure!(changed.is_empty(), "something else has changed: {}", changed.join("; "));
        Ok(())
    }
}
