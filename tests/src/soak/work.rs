//! The worker processes.
#![expect(clippy::disallowed_methods, reason = "readers are not to see a layer before it is published")]

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use buildbook::atomic_swap::{Durability, Swap, recover};
use buildbook::build_lock::{BuildLocks, Holder, LockName};
use buildbook::fsio::{Appender, Lock, create_folders, op};
use buildbook::gc::{self, Policy, Roots};
use buildbook::history::{History, Retention};
use buildbook::layout::{Book, PlatformTree, RunId, Timestamp};
use buildbook::progress::{self, Phase, Progress};
use buildbook::runlog::{Counts, Event, EventKind, EventStatus, Plan, Run, RunLog};
use buildbook::status_index;
use nix::sys::signal::{self, Signal};

use super::ack::Ack;
use super::marks::{self, LAYERS, PACKAGES, named, package};
use super::task::{Role, Task};
use super::{COUNTERS, book, go};
use crate::rng::Rng;

/// A layer that was used is not collected for so long.
pub(crate) const MIN_AGE: Duration = Duration::from_millis(400);

/// Does what a task says below a folder, and says each thing that it has done before it goes on. What is not as
/// it must be is said as well, and ends the work.
///
/// # Errors
///
/// When nobody listens any more.
pub fn work(root: &Path, task: &Task, out: &mut dyn Write) -> Result<()> {
    let book = book(root);
    let mut worker = Worker {
        root,
        tree: marks::tree(&book),
        book,
        task: *task,
        rng: Rng::named(task.seed, &task.to_string()),
        step: 0,
        counts: [0; PACKAGES],
        kept: HashMap::new(),
        out,
    };
    match worker.work() {
        Ok(()) => Ok(()),
        Err(error) => worker.say(Ack::Bad(format!("{task}: {error:#}"))),
    }
}

struct Worker<'a> {
    root: &'a Path,
    book: Book,
    tree: PlatformTree,
    task: Task,
    rng: Rng,
    step: u64,
    /// How many entries of this writer each package has.
    counts: [u64; PACKAGES],
    /// Histories that are kept open.
    kept: HashMap<usize, Appender>,
    out: &'a mut dyn Write,
}

impl Worker<'_> {
    fn say(&mut self, ack: Ack) -> Result<()> {
        ack.say(self.out)
    }

    fn work(&mut self) -> Result<()> {
        while self.task.steps.is_none_or(|steps| self.step < steps) {
            match self.task.role {
                Role::Append => self.append()?,
                Role::Compact => self.compact()?,
                Role::Publish => self.publish()?,
                Role::Run => self.run()?,
                Role::Start => return self.start_many(),
                Role::Status => self.status()?,
                Role::Build => self.build()?,
                Role::Collect => self.collect()?,
                Role::Lock => self.lock()?,
                Role::Mend => self.mend()?,
            }
            self.step += 1;
            if self.task.steps.is_none() {
                // Others have to get a turn, and kills are to meet all kinds of work.
                std::thread::sleep(Duration::from_micros(self.rng.below(3000) as u64));
            }
        }
        Ok(())
    }

    fn append(&mut self) -> Result<()> {
        let history = History::at(self.tree.packages());
        let (index, writer, now) = (self.rng.below(PACKAGES), self.task.writer, Timestamp::now());
        let (package, first) = (package(index), self.counts[index]);
        let kind = self.rng.below(20);
        if kind == 19 && self.task.steps.is_none() && self.rng.chance(20) {
            return self.die_in_the_middle(index);
        }
        if kind < 5 {
            let number = self.step;
            history.append(&package, &marks::chaff(self.task.slot, writer, number))?;
            return self.say(Ack::Chaff { package: index, slot: self.task.slot, writer, number });
        }
        let count = if kind < 8 { marks::BATCH } else { 1 };
        let entries: Vec<_> = (0..count).map(|number| marks::entry(writer, first + number, now)).collect();
        let synced = kind < 11 && count == 1;
        match &entries[..] {
            [entry] if synced => drop(history.append_synced(&package, entry)?),
            [entry] if kind < 16 => drop(history.append(&package, entry)?),
            [entry] => {
                let mut line = serde_json::to_vec(entry)?;
                line.push(b'\n');
                self.kept_open(index)?.append(&line, Durability::Cached)?;
            }
            entries => drop(history.append_all(&package, entries)?),
        }
        self.counts[index] += count;
        self.say(Ack::Entry { package: index, writer, number: first + count - 1, synced })
    }

    /// A kill from outside seldom meets the moment in which half of a line is in the file. This one does.
    fn die_in_the_middle(&mut self, index: usize) -> Result<()> {
        let path = self.tree.packages().history(&package(index));
        create_folders(path.parent().context("a history is in a folder")?)?;
        let lock = Lock::acquire(&path)?;
        let entry = marks::entry(self.task.writer, self.counts[index], Timestamp::now());
        let mut line = serde_json::to_vec(&entry)?;
        line.truncate(1 + self.rng.below(line.len() - 1));
        let length = lock.file().metadata()?.len();
        let mut last = [b'\n'];
        if length > 0 {
            lock.file().read_exact_at(&mut last, length - 1)?;
        }
        if last != *b"\n" {
            line.insert(0, b'\n');
        }
        op::write_all(lock.file(), &path, &line)?;
        Ok(signal::raise(Signal::SIGKILL)?)
    }

    fn kept_open(&mut self, index: usize) -> Result<&mut Appender> {
        let path = self.tree.packages().history(&package(index));
        create_folders(path.parent().context("a history is in a folder")?)?;
        let appender = match self.kept.remove(&index) {
            Some(appender) => appender,
            None => Appender::open(&path)?,
        };
        Ok(self.kept.entry(index).or_insert(appender))
    }

    fn compact(&mut self) -> Result<()> {
        let history = History::at(self.tree.packages());
        let (package, start) = (package(self.rng.below(PACKAGES)), Instant::now());
        let done = history.compact(&package, &Retention::days(30), Timestamp::now())?;
        if self.task.steps.is_some() {
            // Those who append are to get somewhere.
            std::thread::sleep(start.elapsed() * 9);
        }
        self.say(Ack::Compacted { removed: (done.lines_before - done.lines_after) as u64 })
    }

    fn publish(&mut self) -> Result<()> {
        let (slot, mark) = (self.task.slot, (self.task.writer, self.step));
        let own = self.task.steps.is_none() && self.rng.chance(50);
        let swap =
            Swap::prepare(&if own { super::site(&self.book, slot) } else { super::shared_site(&self.book) })?;
        marks::fill(swap.staging(), mark)?;
        let durability = if self.rng.chance(20) { Durability::Synced } else { Durability::Cached };
        let committed = swap.commit(durability)?;
        if let Some(error) = committed.leftover {
            // Recovery may have been quicker to remove it.
            ensure!(error.is_not_found(), "the old folder stays: {error}");
        }
        match own {
            true => self.say(Ack::Published { slot, writer: mark.0, number: mark.1 }),
            false => self.say(Ack::PublishedShared),
        }
    }

    fn run(&mut self) -> Result<()> {
        let run = RunLog::at(self.book.logs()).start_run(Timestamp::now())?;
        self.say(Ack::RunStarted(run.id().clone()))?;
        run.write_plan(&Plan { targets: self.step, ..Plan::default() }, Timestamp::now())?;
        let targets = (0..self.rng.below(400)).map(|index| format!("target-{index}.1"));
        let mut progress = Progress::create(run.id().clone(), "", targets);
        progress.phase = Phase::Building;
        for number in 1..=self.rng.below(6) as u64 {
            let hash = format!("{number:032x}");
            let event = Event::new(EventKind::Build, package(0), hash, EventStatus::Ok);
            run.log_build_result(&event, Timestamp::now())?;
            self.say(Ack::Event(run.id().clone(), number))?;
            progress.build_completed = number;
            progress.build_total = progress.targets.len() as u64;
            progress::write(run.run_dir(), &mut progress, Timestamp::now())?;
            self.say(Ack::Progress(run.id().clone()))?;
        }
        progress::delete(run.run_dir())?;
        self.finish(run, progress.build_completed)
    }

    fn finish(&mut self, run: Run, built: u64) -> Result<()> {
        let id: RunId = run.id().clone();
        let counts = Counts { targets_requested: built, packages_built: built, ..Counts::default() };
        run.finish_run(counts, Timestamp::now()).map_err(|failed| failed.error)?;
        self.say(Ack::RunFinished(id))
    }

    /// Threads that wait for the same signal, and all begin a run in the same second.
    fn start_many(&mut self) -> Result<()> {
        let log = RunLog::at(self.book.logs());
        let signal = go(self.root);
        let start = || {
            while !signal.exists() {
                std::thread::yield_now();
            }
            log.start_run(Timestamp::from_unix(1_700_000_000).context("it is in this century")?)
                .map_err(anyhow::Error::from)
        };
        let count = self.task.steps.unwrap_or(1);
        let runs: Vec<Result<Run>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..count).map(|_| scope.spawn(start)).collect();
            threads.into_iter().map(|thread| thread.join().expect("no thread panics")).collect()
        });
        let runs = runs.into_iter().collect::<Result<Vec<Run>>>()?;
        for run in &runs {
            self.say(Ack::RunStarted(run.id().clone()))?;
        }
        runs.into_iter().try_for_each(|run| self.finish(run, 0))
    }

    fn status(&mut self) -> Result<()> {
        let (writer, number) = (self.task.writer, self.step);
        let durability = if self.rng.chance(10) { Durability::Synced } else { Durability::Cached };
        let status = marks::status(writer, number, Timestamp::now());
        status_index::write(self.tree.path(), &status, durability)?;
        self.say(Ack::Status { writer, number })
    }

    /// Builds a layer and what it is built upon, or uses them as they are. Neither may go meanwhile.
    fn build(&mut self) -> Result<()> {
        let index = self.rng.below(LAYERS);
        let needed: Vec<usize> = marks::parent(index).into_iter().chain([index]).collect();
        let start = Instant::now();
        for layer in &needed {
            self.have(*layer, start)?;
        }
        let mut in_time = true;
        for _ in 0..1 + self.rng.below(3) {
            for layer in &needed {
                let whole = marks::examine_layer(&self.tree, *layer);
                // On a machine that stood still for so long, it may go.
                in_time &= start.elapsed() < MIN_AGE * 9 / 10;
                if in_time {
                    ensure!(whole?, "layer {layer} was collected while it was used");
                }
            }
        }
        self.say(Ack::Used { in_time })
    }

    /// Makes sure that a layer is there, in the way that a batch does. `start` is when the first that it needs was
    /// asked for.
    fn have(&mut self, index: usize, start: Instant) -> Result<()> {
        let layer = marks::layer(index);
        let lock = LockName::build(&named(&format!("layer-{index}.1")));
        let now = Timestamp::now();
        let lock = BuildLocks::at(self.book.locks()).acquire(&lock, &Holder::since(now))?;
        if !gc::touch_layer(&self.tree, &layer, Timestamp::now())? {
            let place = self.tree.layer(&layer);
            let swap = Swap::prepare(place.path())?;
            marks::fill(swap.staging(), (self.task.writer, self.step))?;
            let metadata = swap.staging().join("layer.json");
            fs::write(metadata, marks::description(index))?;
            swap.commit(Durability::Cached)?;
            // Nothing refers to what a layer needs before it is there. On a machine that stood still for so long, that
            // may have gone.
            if start.elapsed() < MIN_AGE * 9 / 10 {
                marks::note_made_in_time(self.root, index, (self.task.writer, self.step))?;
            }
            self.say(Ack::Built)?;
        }
        Ok(lock.release()?)
    }

    fn collect(&mut self) -> Result<()> {
        let policy = Policy { min_age: MIN_AGE, ..Policy::default() };
        match gc::gc_layers(&self.tree, &Roots::new(), &policy, Timestamp::now()) {
            Ok(result) => self.say(Ack::Collected(result.removed.len() as u64)),
            Err(gc::Error::Busy { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads a number, and writes the next one, while a lock is held. Were two to hold it, both would write the same.
    fn lock(&mut self) -> Result<()> {
        let index = self.rng.below(COUNTERS);
        let name = LockName::build(&named(&format!("counted-{index}.1")));
        let locks = BuildLocks::at(self.book.locks());
        let lock = locks.acquire(&name, &Holder::since(Timestamp::now()))?;
        let path = self.root.join(format!("counter-{index}"));
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut digits = [b'0'; 20];
        let length = file.read_at(&mut digits, 0)?;
        ensure!(length == 0 || length == digits.len(), "a counter of {length} digits");
        let number = str::from_utf8(&digits)?.parse::<u64>()? + 1;
        std::thread::sleep(Duration::from_micros(self.rng.below(1500) as u64));
        file.write_all_at(format!("{number:020}").as_bytes(), 0)?;
        self.say(Ack::Counted { lock: index, number })?;
        Ok(lock.release()?)
    }

    fn mend(&mut self) -> Result<()> {
        let now = Timestamp::now();
        let mut leftovers = 0;
        for folder in super::folders(&self.book)? {
            let recovery = recover(&folder)?;
            leftovers += recovery.removed.len() + recovery.finished.len() + recovery.restored.len();
        }
        leftovers += RunLog::at(self.book.logs()).recover()?.removed.len();
        BuildLocks::at(self.book.locks()).cleanup_stale(Duration::ZERO, now)?;
        let history = History::at(self.tree.packages());
        let mut lines = 0;
        for index in 0..PACKAGES {
            lines += history.set_broken_lines_aside(&package(index))?.lines;
        }
        self.say(Ack::Mended { leftovers: leftovers as u64, lines })
    }
}
