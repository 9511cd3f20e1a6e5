//! Running commands, and ending them when their time is up or the batch is interrupted.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use buildbook::batch_util::Exit;
use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;

use super::descendants::Processes;

/// How long a build may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(5);

/// The commands that are running, each the leader of a process group of its own, so that what it starts is
/// ended with it. Groups that it begins itself are found by their parents when it is to end.
#[derive(Default)]
pub(super) struct Supervisor {
    /// Shared by those who start commands, which they do at the same time; whoever has it alone knows that each
    /// command that was started is in the table. Taken before the table.
    starts: RwLock<()>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    running: HashMap<i32, Running>,
    /// How often the user has asked for the end.
    interrupts: u32,
    closed: bool,
}

struct Running {
    /// When it is to be ended, if ever: asked first, then killed.
    deadline: Option<Instant>,
    asked: bool,
    timed_out: bool,
}

/// How a command ended.
pub(super) enum Ended {
    Exit(Exit),
    /// The batch was interrupted; how the command ended says nothing about it.
    Interrupted,
}

/// A command to be run.
pub(super) struct Order<'a> {
    pub(super) command: &'a [String],
    pub(super) folder: &'a Path,
    /// Whether it sees no variable but those that are set here.
    pub(super) is_env_clear: bool,
    /// Variables to set, and those to take away.
    pub(super) env: Vec<(&'a str, Option<OsString>)>,
    /// Where its standard output and standard error go.
    pub(super) log: File,
    pub(super) timeout: Option<Duration>,
}

impl Supervisor {
    /// Runs a command to its end. A command that cannot be started is an `io::Error`.
    pub(super) fn run(&self, order: Order<'_>) -> io::Result<Ended> {
        let Some((program, arguments)) = order.command.split_first() else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "there is no command"));
        };
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(order.folder)
            .stdin(Stdio::null())
            .stdout(order.log.try_clone()?)
            .stderr(order.log)
            .process_group(0);
        if order.is_env_clear {
            command.env_clear();
        }
        for (name, value) in order.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        // No interruption falls between the start and the entry in the table.
        let start = self.starts.read().unwrap_or_else(PoisonError::into_inner);
        if self.is_interrupted() {
            return Ok(Ended::Interrupted);
        }
        let child = command.spawn()?;
        let group = i32::try_from(child.id()).map_err(io::Error::other)?;
        let deadline = order.timeout.and_then(|limit| Instant::now().checked_add(limit));
        self.lock().running.insert(group, Running { deadline, asked: false, timed_out: false });
        drop(start);
        if deadline.is_some() {
            self.changed.notify_all();
        }
        self.wait(child, group)
    }

    fn wait(&self, mut child: Child, group: i32) -> io::Result<Ended> {
        // Waits without reaping: as long as the leader is not reaped, no other process gets its number, and a
        // signal to the group cannot hit a stranger.
        loop {
            match waitid(Id::Pid(Pid::from_raw(group)), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) {
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
                Ok(_) => break,
            }
        }
        let mut state = self.lock();
        let running = state.running.remove(&group);
        let interrupted = state.interrupts > 0;
        // What the command left running in the background would go on writing into a finished layer.
        let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
        drop(state);
        let status = child.wait()?;
        Ok(match running {
            Some(Running { timed_out: true, .. }) => Ended::Exit(Exit::TimedOut),
            Some(Running { asked: true, .. }) if interrupted => Ended::Interrupted,
            _ => Ended::Exit(Exit::from(status)),
        })
    }

    /// Asks every command to end; asked again, kills them. No other is started.
    pub(super) fn interrupt(&self) {
        let _no_start = self.starts.write().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.lock();
        state.interrupts += 1;
        let kill_now = state.interrupts > 1;
        self.end_all(state, kill_now);
    }

    /// As the first [`Supervisor::interrupt`], and nothing where one has been: this is not the user's doing, and
    /// does not make a request to end a second one.
    pub(super) fn stop(&self) {
        let _no_start = self.starts.write().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.lock();
        if state.interrupts == 0 {
            state.interrupts = 1;
            self.end_all(state, false);
        }
    }

    fn end_all(&self, mut state: MutexGuard<'_, State>, kill: bool) {
        let processes = Processes::now();
        for (group, running) in &mut state.running {
            running.end(*group, kill, &processes);
        }
        drop(state);
        self.changed.notify_all();
    }

    pub(super) fn is_interrupted(&self) -> bool {
        self.lock().interrupts > 0
    }

    /// Ends commands whose time is up, until [`Supervisor::close`].
    pub(super) fn watch(&self) {
        let mut state = self.lock();
        while !state.closed {
            let now = Instant::now();
            let mut processes = None;
            for (group, running) in &mut state.running {
                if running.deadline.is_some_and(|deadline| deadline <= now) {
                    running.timed_out |= !running.asked;
                    running.end(*group, running.asked, processes.get_or_insert_with(Processes::now));
                }
            }
            let next = state.running.values().filter_map(|running| running.deadline).min();
            state = match next {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(next) => {
                    let pause = next.saturating_duration_since(now);
                    self.changed.wait_timeout(state, pause).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    /// Asks a command to end, or kills it, with the groups that it began. They may have ended by themselves, which
    /// is no error.
    fn end(&mut self, group: i32, kill: bool, processes: &Processes) {
        let signal = if kill { Signal::SIGKILL } else { Signal::SIGTERM };
        for one in std::iter::once(group).chain(processes.groups_below(group)) {
            let _ = killpg(Pid::from_raw(one), signal);
        }
        self.asked = true;
        self.deadline = (!kill).then(|| Instant::now() + GRACE);
    }
}
