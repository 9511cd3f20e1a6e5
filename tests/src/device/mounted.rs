//! Mounts that go away.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};

use super::disk::contents;

/// Something mounted on a folder, until the value is dropped.
#[derive(Debug)]
#[must_use = "it is unmounted when it is dropped"]
pub struct Mounted {
    path: PathBuf,
}

impl Mounted {
    /// Mounts something that the kernel knows how to mount.
    ///
    /// # Errors
    ///
    /// The system's answer.
    pub fn mount(what: &str, on: &Path, kind: &str, flags: MsFlags, options: &str) -> Result<Mounted> {
        mount(Some(what), on, Some(kind), flags, Some(options))
            .with_context(|| format!("cannot mount {what} on {}", on.display()))?;
        Ok(Mounted { path: on.to_owned() })
    }

    /// Mounts a disk over a loop device, which is given back together with the mount.
    ///
    /// # Errors
    ///
    /// What the program `mount` says: there is no loop device, or no sense in what is on the disk.
    pub fn disk(file: &Path, on: &Path, options: &str) -> Result<Mounted> {
        let mut command = Command::new("mount");
        command.args(["-o", &format!("loop,noatime{options}")]).args([file, on]);
        run(&mut command)?;
        Ok(Mounted { path: on.to_owned() })
    }

    /// Mounts a folder on itself, to be read and not to be written to.
    ///
    /// # Errors
    ///
    /// The system's answer.
    pub fn read_only(folder: &Path) -> Result<Mounted> {
        let none = None::<&str>;
        mount(Some(folder), folder, none, MsFlags::MS_BIND, none)
            .with_context(|| format!("cannot mount {} on itself", folder.display()))?;
        let mounted = Mounted { path: folder.to_owned() };
        let flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
        mount(none, folder, none, flags, none).context("cannot make the mount read-only")?;
        Ok(mounted)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Processes that were killed a moment ago may not have let go of it yet.
        for _ in 0..100 {
            match umount2(&self.path, MntFlags::empty()) {
                Err(Errno::EBUSY) => std::thread::sleep(Duration::from_millis(10)),
                _ => return,
            }
        }
        let _ = umount2(&self.path, MntFlags::MNT_DETACH);
    }
}

/// Runs a test in a thread whose mounts nobody else sees, and which end with it: neither a panic nor a signal leaves
/// any of them behind.
///
/// # Errors
///
/// The system's answer, for instance to somebody who is not root.
pub fn in_private_mounts<R: Send>(test: impl FnOnce() -> R + Send) -> Result<R> {
    let run = || {
        unshare(CloneFlags::CLONE_NEWNS).context("no name space of mounts is to be had")?;
        let none = None::<&str>;
        mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)
            .context("the mounts cannot be made private")?;
        Ok(test())
    };
    std::thread::scope(|scope| match scope.spawn(run).join() {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

/// The contents of a disk of so many megabytes with a file system on it, made by `mkfs.<kind>`.
///
/// # Errors
///
/// There is no such program, or it fails.
pub fn make_file_system(kind: &str, megabytes: u64) -> Result<Vec<u8>> {
    let file = tempfile::NamedTempFile::new()?;
    file.as_file().set_len(megabytes << 20)?;
    let arguments: &[&str] = match kind {
        // Everything is written now, so that the kernel has nothing of its own to do later.
        "ext4" => &["-q", "-F", "-b", "4096", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0"],
        "btrfs" => &["-q", "-K"],
        other => bail!("it is not known how to make {other}"),
    };
    run(Command::new(format!("mkfs.{kind}")).args(arguments).arg(file.path()))?;
    contents(file.path())
}

fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("cannot run {name}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{name}: {}", said.trim());
    Ok(())
}
