//! A file system with one file, served by this process over FUSE.
//!
//! Numbers and layouts are those of `linux/fuse.h`, protocol 7.31. The kernel writes through: every write of a loop
//! device arrives as it is made, and every flush as a sync of the file.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use nix::errno::Errno;
use nix::mount::MsFlags;

use super::Mounted;
use super::disk::Platters;

/// The name of the one file.
pub(super) const FILE: &str = "disk";

const ROOT: u64 = 1;
const NODE: u64 = 2;
const LARGEST_WRITE: u32 = 128 * 1024;
/// For how many seconds the kernel need not ask again: for ever, nothing here changes.
const VALID: u64 = 1_000_000;

const LOOKUP: u32 = 1;
const FORGET: u32 = 2;
const GETATTR: u32 = 3;
const SETATTR: u32 = 4;
const OPEN: u32 = 14;
const READ: u32 = 15;
const WRITE: u32 = 16;
const STATFS: u32 = 17;
const RELEASE: u32 = 18;
const FSYNC: u32 = 20;
const FLUSH: u32 = 25;
const INIT: u32 = 26;
const OPENDIR: u32 = 27;
const RELEASEDIR: u32 = 29;
const INTERRUPT: u32 = 36;
const BATCH_FORGET: u32 = 42;

/// Mounts the file system on a folder. Its thread ends when the kernel has let go of everything in it.
pub(super) fn serve(folder: &Path, platters: Arc<Platters>) -> Result<Mounted> {
    let device = OpenOptions::new().read(true).write(true).open("/dev/fuse").context("/dev/fuse")?;
    let options = format!("fd={},rootmode=40000,user_id=0,group_id=0", device.as_raw_fd());
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOATIME;
    let mounted = Mounted::mount("buildbook-disk", folder, "fuse", flags, &options)?;
    std::thread::Builder::new().name("disk".to_owned()).spawn(move || answer_all(device, &platters))?;
    Ok(mounted)
}

fn answer_all(mut device: File, platters: &Platters) {
    let mut buffer = vec![0; LARGEST_WRITE as usize + 4096];
    loop {
        let length = match device.read(&mut buffer) {
            Ok(length) => length,
            // A request that was taken back before it could be read.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::Interrupted) => {
                continue;
            }
            // Unmounted.
            Err(_) => return,
        };
        let Some(request) = buffer.get(..length).and_then(Request::parse) else { return };
        let Some(answer) = answer(&request, platters) else { continue };
        let (error, body) = match answer {
            Ok(body) => (0, body),
            Err(errno) => (-(errno as i32), Vec::new()),
        };
        let mut message = Vec::with_capacity(16 + body.len());
        message.extend((16 + body.len() as u32).to_ne_bytes());
        message.extend(error.to_ne_bytes());
        message.extend(request.unique.to_ne_bytes());
        message.extend(body);
        // An answer that nobody waits for any more is refused, and that is all.
        let _ = device.write_all(&message);
    }
}

struct Request<'a> {
    operation: u32,
    unique: u64,
    node: u64,
    body: &'a [u8],
}

impl Request<'_> {
    fn parse(bytes: &[u8]) -> Option<Request<'_>> {
        Some(Request {
            operation: u32_at(bytes, 4)?,
            unique: u64_at(bytes, 8)?,
            node: u64_at(bytes, 16)?,
            body: bytes.get(40..)?,
        })
    }
}

/// `None` for what is not answered.
fn answer(request: &Request<'_>, platters: &Platters) -> Option<Result<Vec<u8>, Errno>> {
    Some(match request.operation {
        FORGET | BATCH_FORGET | INTERRUPT => return None,
        INIT => Ok(init()),
        LOOKUP => lookup(request, platters),
        GETATTR | SETATTR => {
            let mut body = Vec::from(VALID.to_ne_bytes());
            body.extend([0; 8]);
            body.extend(attributes(request.node, platters));
            Ok(body)
        }
        OPEN | OPENDIR => Ok(vec![0; 16]),
        READ => offset_and_size(request.body)
            .map(|(offset, size)| platters.read(offset, size))
            .ok_or(Errno::EINVAL),
        WRITE => write(request.body, platters),
        FSYNC => {
            platters.flush();
            Ok(Vec::new())
        }
        STATFS => Ok(vec![0; 80]),
        RELEASE | RELEASEDIR | FLUSH => Ok(Vec::new()),
        _ => Err(Errno::ENOSYS),
    })
}

fn init() -> Vec<u8> {
    const BIG_WRITES: u32 = 1 << 5;
    let mut body = Vec::new();
    for word in [7, 31, LARGEST_WRITE, BIG_WRITES] {
        body.extend(word.to_ne_bytes());
    }
    // How many requests may wait, and when the kernel should think of it as congested.
    body.extend(16_u16.to_ne_bytes());
    body.extend(12_u16.to_ne_bytes());
    body.extend(LARGEST_WRITE.to_ne_bytes());
    // Times are in nanoseconds; everything else is as it was in older protocols.
    body.extend(1_u32.to_ne_bytes());
    body.resize(64, 0);
    body
}

fn lookup(request: &Request<'_>, platters: &Platters) -> Result<Vec<u8>, Errno> {
    let name = request.body.split(|byte| *byte == 0).next().unwrap_or_default();
    if request.node != ROOT || name != FILE.as_bytes() {
        return Err(Errno::ENOENT);
    }
    let mut body = Vec::new();
    for word in [NODE, 0, VALID, VALID, 0] {
        body.extend(word.to_ne_bytes());
    }
    body.extend(attributes(NODE, platters));
    Ok(body)
}

fn attributes(node: u64, platters: &Platters) -> Vec<u8> {
    let (mode, size): (u32, u64) = if node == ROOT { (0o040_755, 0) } else { (0o100_600, platters.size()) };
    let mut body = Vec::new();
    for word in [node, size, size.div_ceil(512), 0, 0, 0] {
        body.extend(word.to_ne_bytes());
    }
    for word in [0, 0, 0, mode, 1, 0, 0, 0, 4096, 0_u32] {
        body.extend(word.to_ne_bytes());
    }
    body
}

fn write(body: &[u8], platters: &Platters) -> Result<Vec<u8>, Errno> {
    let (offset, size) = offset_and_size(body).ok_or(Errno::EINVAL)?;
    let data = body.get(40..).filter(|data| data.len() == size as usize).ok_or(Errno::EINVAL)?;
    if !platters.write(offset, data) {
        return Err(Errno::ENOSPC);
    }
    let mut answer = Vec::from(size.to_ne_bytes());
    answer.extend([0; 4]);
    Ok(answer)
}

/// Reads and writes begin alike.
fn offset_and_size(body: &[u8]) -> Option<(u64, u32)> {
    Some((u64_at(body, 8)?, u32_at(body, 16)?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_ne_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}
