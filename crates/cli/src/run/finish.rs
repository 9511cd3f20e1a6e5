//! What follows the end of a target: its layer is published, its end is recorded, and both are made durable.
//!
//! A target that took long waits for the device by itself. What ends quickly is handed to one thread, which makes
//! many durable at once: waiting for the device eight times for each would take longer than building them. The steps
//! and what a stop between them leaves are in `docs/crash-safety.md`, "Finish targets".

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use anyhow::Context as _;
use buildbook::atomic_swap::{Durability, Sealed, Swap, commit_together};
use buildbook::build_lock::BuildLock;
use buildbook::fsio::FileSystem;
use nix::sys::resource::{Resource, getrlimit};

use super::Verdict;
use super::build::Batch;
use super::gather::gather;
use super::queue::Queue;
use super::record::Recorder;

/// A target that took as long is made durable by itself: its own syncs are a small part of its time, and one of the
/// whole file system would wait for what other builds are just writing.
const LONG: Duration = Duration::from_secs(1);

/// So many share the syncs of a round among them well enough. Each that waits has files open, which are closed again in
/// every process that is started.
const FULL: usize = 32;

/// From so many targets on, the syncs of a round take less time than eight for each.
const CROWD: usize = 2;

/// The most targets that are handed over, made durable or recorded at a time.
const MOST: u64 = 256;

/// Files that may be open for a target that is being built: its locks, its log for each stream, and what it takes to
/// start its command.
const FILES_OF_A_WORKER: u64 = 10;

/// Files that may be open beside those of targets.
const OTHER_FILES: u64 = 32;

/// A target that has ended, and of which nothing is in the book yet.
pub(super) struct Ended {
    pub(super) position: usize,
    /// Held until the end is recorded: a batch that waits for it takes the layer then, and must find its entry.
    pub(super) lock: Option<BuildLock>,
    /// Since it was begun.
    pub(super) span: Duration,
}

/// How a target ended.
pub(super) enum End {
    /// What its command made is to be published; then this is how it ended.
    Made(Swap, Verdict),
    /// There is nothing to publish.
    Verdict(Verdict),
}

/// As [`End`], with nothing left to find out.
pub(super) enum Ready {
    Made(Sealed, Verdict),
    Verdict(Verdict),
}

/// Where targets that end quickly are handed over.
pub(super) type Others = SyncSender<(Ended, Ready)>;

/// A target whose end is in its history, but perhaps not on the device.
struct Written {
    ended: Ended,
    verdict: Verdict,
}

/// Finishes targets, for all workers.
pub(super) struct Finisher<'a> {
    batch: &'a Batch<'a>,
    recorder: &'a Recorder<'a>,
    queue: &'a Queue<'a>,
    /// Where one call makes everything durable; `None` where there is no such call.
    file_system: Option<&'a FileSystem>,
    most: usize,
}

impl<'a> Finisher<'a> {
    /// Where one call makes everything durable, `file_system` was opened before anything was written.
    pub(super) fn new(
        batch: &'a Batch<'a>,
        recorder: &'a Recorder<'a>,
        queue: &'a Queue<'a>,
        file_system: Option<&'a FileSystem>,
        workers: usize,
    ) -> Finisher<'a> {
        Finisher { batch, recorder, queue, file_system, most: most_at_a_time(workers) }
    }

    /// The two ends of what workers hand over to [`Finisher::finish_together`].
    pub(super) fn channel(&self) -> (Others, Receiver<(Ended, Ready)>) {
        sync_channel(self.most)
    }

    /// Sees to what follows the end of a target, or hands that over.
    pub(super) fn take(&self, ended: Ended, end: End, others: &Others) -> anyhow::Result<()> {
        if let End::Verdict(Verdict::Abandoned) = end {
            self.batch.display.ended(ended.position, &Verdict::Abandoned, ended.span);
            self.queue.end(ended.position, Verdict::Abandoned);
            return Ok(());
        }
        let Some(file_system) = self.file_system.filter(|_| ended.span < LONG) else {
            return self.finish(ended, end);
        };
        let ready = match end {
            End::Verdict(verdict) => Ready::Verdict(verdict),
            End::Made(swap, verdict) => match swap.seal(file_system) {
                Ok(sealed) => Ready::Made(sealed, verdict),
                Err(failed) => Ready::Verdict(self.batch.not_published(ended.position, failed)?),
            },
        };
        // Whoever should have taken it has told why it does not.
        others.send((ended, ready)).ok().context("what has ended is not recorded any more")
    }

    /// Finishes one target by itself.
    fn finish(&self, ended: Ended, end: End) -> anyhow::Result<()> {
        let verdict = match end {
            End::Made(swap, verdict) => {
                self.batch.published(ended.position, verdict, swap.commit(Durability::Synced))?
            }
            End::Verdict(verdict) => verdict,
        };
        self.recorder.write_synced(ended.position, &verdict)?;
        let position = ended.position;
        self.acknowledge(vec![Written { ended, verdict: verdict.clone() }])?;
        self.queue.end(position, verdict);
        Ok(())
    }

    /// Finishes what is handed over, together as far as it comes together, until all workers have ended.
    pub(super) fn finish_together(&self, handed_over: &Receiver<(Ended, Ready)>) -> anyhow::Result<()> {
        let Some(file_system) = self.file_system else { return Ok(()) };
        let mut written = Vec::new();
        loop {
            let mut fresh: Vec<_> = handed_over.try_iter().take(self.most).collect();
            if fresh.is_empty() && written.is_empty() {
                match handed_over.recv() {
                    Ok(first) => fresh.push(first),
                    Err(_) => return Ok(()),
                }
            }
            // Each round costs what it costs for one target, the device's time and that of whoever writes meanwhile.
            gather(handed_over, &mut fresh, FULL.min(self.most), |fresh| {
                self.queue.can_wait(fresh.iter().map(|(ended, _)| ended.position))
            });
            if written.is_empty() && fresh.len() < CROWD {
                for (ended, ready) in fresh {
                    self.finish(ended, ready.into())?;
                }
            } else {
                written = self.finish_all(file_system, fresh, written)?;
            }
        }
    }

    /// Publishes and records what has ended, and acknowledges what was recorded the last time: the sync that comes
    /// before the publication of these is the one that comes after the record of those.
    fn finish_all(
        &self,
        file_system: &FileSystem,
        fresh: Vec<(Ended, Ready)>,
        written: Vec<Written>,
    ) -> anyhow::Result<Vec<Written>> {
        let (mut makers, mut sealed, mut verdicts) = (Vec::new(), Vec::new(), Vec::new());
        for (ended, ready) in fresh {
            match ready {
                Ready::Made(made, verdict) => {
                    makers.push((ended, verdict));
                    sealed.push(made);
                }
                Ready::Verdict(verdict) => verdicts.push((ended, verdict)),
            }
        }
        let results = commit_together(file_system, sealed)?;
        self.acknowledge(written)?;
        for ((ended, verdict), result) in makers.into_iter().zip(results) {
            let verdict = self.batch.published(ended.position, verdict, result)?;
            verdicts.push((ended, verdict));
        }
        let write = |(ended, verdict): (Ended, Verdict)| {
            self.recorder.write(ended.position, &verdict, file_system)?;
            // What depends on it may begin. It says so in its own history later than this.
            self.queue.end(ended.position, verdict.clone());
            Ok(Written { ended, verdict })
        };
        verdicts.into_iter().map(write).collect()
    }

    /// Tells everybody how targets ended, and gives their locks back. Their histories say so already, durably.
    fn acknowledge(&self, written: Vec<Written>) -> anyhow::Result<()> {
        let event =
            |Written { ended, verdict }: &Written| self.recorder.event(ended.position, verdict, ended.span);
        self.recorder.tell(&written.iter().map(event).collect::<Vec<_>>())?;
        for Written { ended: Ended { position, lock, span }, verdict } in written {
            self.batch.display.ended(position, &verdict, span);
            lock.map_or(Ok(()), BuildLock::release)?;
        }
        Ok(())
    }
}

impl From<Ready> for End {
    fn from(ready: Ready) -> End {
        match ready {
            Ready::Made(sealed, verdict) => End::Made(sealed.open(), verdict),
            Ready::Verdict(verdict) => End::Verdict(verdict),
        }
    }
}

/// How many targets may wait to be made durable. Each keeps files open, of which a process may have only so many.
fn most_at_a_time(workers: usize) -> usize {
    let files = getrlimit(Resource::RLIMIT_NOFILE).map_or(0, |(soft, _)| soft);
    let others = FILES_OF_A_WORKER.saturating_mul(workers as u64).saturating_add(OTHER_FILES);
    // Two for each that is handed over, two for each that is published, one for each that is recorded.
    let most = (files.saturating_sub(others) / 5).clamp(1, MOST);
    usize::try_from(most).unwrap_or(1)
}
