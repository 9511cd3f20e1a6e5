//! The supervisor: keeps workers busy, kills them, and judges.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::crew::{Crew, Worker};
use super::ledger::Figures;
use super::task::{Role, Task};
use super::{Start, marks, read, verify};
use crate::rng::Rng;

/// The places of the workers.
const SLOTS: [Role; 13] = [
    Role::Append,
    Role::Append,
    Role::Append,
    Role::Compact,
    Role::Publish,
    Role::Publish,
    Role::Run,
    Role::Status,
    Role::Build,
    Role::Build,
    Role::Collect,
    Role::Lock,
    Role::Lock,
];
/// The place after all others has whoever mends.
const WORKERS: usize = SLOTS.len() + 1;

/// What a soak is to be like.
#[derive(Debug, Clone)]
pub struct Soak {
    /// Where the books are made. What is sound is removed; a book that is not stays.
    pub root: PathBuf,
    /// Where chance begins.
    pub seed: u64,
    /// How long it goes on; the round that has begun is finished.
    pub length: Duration,
    /// How long a book is used before all workers are killed and it is judged.
    pub round: Duration,
    /// How long at most from one kill to the next.
    pub pause: Duration,
    /// The program whose `fsck` is asked as well, if there is one.
    pub program: Option<PathBuf>,
}

/// What came of a soak.
#[derive(Debug)]
pub struct Outcome {
    /// What was done.
    pub figures: Figures,
    /// What was not as it must be.
    pub bad: Vec<String>,
    /// The book with which that was so.
    pub kept: Option<PathBuf>,
}

impl Soak {
    /// Runs until the time is over, or until something is not as it must be. After each round, the figures so far
    /// are told.
    ///
    /// # Errors
    ///
    /// What keeps the supervisor from going on, such as processes that cannot be started.
    pub fn run(&self, start: &Start, mut tell: impl FnMut(&Figures)) -> Result<Outcome> {
        let begin = Instant::now();
        let mut figures = Figures::default();
        let mut rng = Rng::named(self.seed, "supervisor");
        while figures.rounds == 0 || begin.elapsed() < self.length {
            let root = self.root.join(format!("round-{}", figures.rounds));
            fs::create_dir_all(marks::tree(&super::book(&root)).path())?;
            let crew = Crew::new(&root, start);
            crew.ledger().figures = figures;
            self.round(&crew, &mut rng)?;
            if let Err(error) = verify::verify(&crew, self.program.as_deref()) {
                crew.ledger().complain(format!("{error:#}"));
            }
            let mut ledger = crew.ledger();
            ledger.figures.rounds += 1;
            figures = ledger.figures.clone();
            if !ledger.bad.is_empty() {
                return Ok(Outcome { figures, bad: std::mem::take(&mut ledger.bad), kept: Some(root) });
            }
            drop(ledger);
            remove(&root)?;
            tell(&figures);
        }
        Ok(Outcome { figures, bad: Vec::new(), kept: None })
    }

    fn round(&self, crew: &Crew, rng: &mut Rng) -> Result<()> {
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for look in read::ALL {
                let stop = &stop;
                scope.spawn(move || read::look(crew, look, stop));
            }
            let done = self.kill_one_after_the_other(crew, rng);
            stop.store(true, Ordering::Relaxed);
            done
        })
    }

    fn kill_one_after_the_other(&self, crew: &Crew, rng: &mut Rng) -> Result<()> {
        let mut writer = 0;
        let mut hire = |slot: usize, rng: &mut Rng| {
            writer += 1;
            let role = SLOTS.get(slot).copied().unwrap_or(Role::Mend);
            crew.hire(Task { role, slot, writer, seed: rng.next(), steps: None })
        };
        let mut workers = (0..WORKERS).map(|slot| hire(slot, rng)).collect::<Result<Vec<Worker>>>()?;
        let begin = Instant::now();
        while begin.elapsed() < self.round && crew.ledger().bad.is_empty() {
            let most = usize::try_from(self.pause.as_micros()).unwrap_or(usize::MAX);
            std::thread::sleep(Duration::from_micros(rng.below(most) as u64));
            let at = rng.below(workers.len());
            let worker = workers.swap_remove(at);
            let slot = worker.task.slot;
            end(crew, worker)?;
            workers.push(hire(slot, rng)?);
        }
        workers.into_iter().try_for_each(|worker| end(crew, worker))
    }
}

fn end(crew: &Crew, worker: Worker) -> Result<()> {
    let task = worker.task;
    if worker.kill()? {
        crew.ledger().figures.kills += 1;
    } else {
        // If it said why, that was entered before.
        crew.ledger().complain(format!("the worker {:?} ended by itself", task.to_string()));
    }
    Ok(())
}

fn remove(root: &Path) -> Result<()> {
    buildbook::fsio::remove_tree(root).with_context(|| format!("cannot remove {}", root.display()))
}
