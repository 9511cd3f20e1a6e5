//! Running a process.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::groups::Groups;
use crate::env::ToolEnv;
use crate::error::Ended;
use crate::{Error, Result};

/// How often a program is started anew that the system takes for being written. Another thread may be starting a
/// process at this moment, which has a copy of everything that is open until it runs its program; this is over in
/// no time.
const BUSY_ATTEMPTS: u32 = 100;
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// A process to be run.
#[derive(Debug)]
pub(super) struct Process<'a> {
    pub(super) program: &'a Path,
    pub(super) arguments: Vec<OsString>,
    pub(super) env: &'a ToolEnv,
    pub(super) cwd: &'a Path,
    pub(super) stdin: Option<&'a PathBuf>,
    pub(super) limit: Option<Duration>,
}

impl Process<'_> {
    /// Runs it in a group of its own, and waits. Its outputs go to open files. Nothing of the group is alive
    /// afterwards.
    pub(super) fn run(&self, stdout: &File, stderr: &File, groups: &Groups) -> Result<Ended> {
        let child = self.start(stdout, stderr)?;
        groups.add(&child);
        let waited = match self.limit {
            None => groups.wait(child).map(|status| (status, false)),
            Some(limit) => groups.wait_within(child, limit),
        };
        let (status, is_late) = waited.map_err(Error::io("wait for", self.program))?;
        if is_late {
            return Ok(Ended::TimedOut);
        }
        match (status.code(), status.signal()) {
            (Some(code), _) => Ok(Ended::Code(code)),
            (None, signal) => Ok(Ended::Signal(signal.unwrap_or_default())),
        }
    }

    fn start(&self, stdout: &File, stderr: &File) -> Result<Child> {
        for attempt in 0.. {
            match self.command(stdout, stderr)?.spawn() {
                Err(error)
                    if error.kind() == io::ErrorKind::ExecutableFileBusy && attempt < BUSY_ATTEMPTS =>
                {
                    std::thread::sleep(BUSY_PAUSE);
                }
                other => {
                    let program = self.program.to_owned();
                    return other.map_err(|error| Error::Start { program, source: error.into() });
                }
            }
        }
        Err(Error::Cancelled)
    }

    fn command(&self, stdout: &File, stderr: &File) -> Result<Command> {
        let clone = |file: &File| file.try_clone().map_err(Error::io("start", self.program));
        let stdin = match self.stdin {
            None => Stdio::null(),
            Some(path) => File::open(path).map_err(Error::io("read", path))?.into(),
        };
        let mut command = Command::new(self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .envs(self.env.all())
            .current_dir(self.cwd)
            .stdin(stdin)
            .stdout(clone(stdout)?)
            .stderr(clone(stderr)?)
            .process_group(0);
        Ok(command)
    }
}
